import { aroundEnvironment, usesEnvironment } from "../escaping.ts";

/** A path rule of a route, and what it says of the paths it takes. */
export interface PathMatch {
  readonly rule: { readonly exact: string } | { readonly starts_with: string } | { readonly regex: string } | string;
  /** How specific APISIX finds it: an exact path before all others, then the longer literal beginning. */
  readonly rank: number;
  /** What every path it takes begins with; for an exact one the whole path. */
  readonly start: string;
  readonly exact: boolean;
}

const escaped = (text: string): string =>
  aroundEnvironment(text, (literal) => literal.replace(/[\\^$.*+?()[\]{}|]/g, (char) => `\\${char}`));

/** Longer than any path a rule can have. */
const EXACT = 1_000_000;

/**
 * A `uri` of APISIX: exact, or with a `*` at its end everything that begins with these characters, whatever segment
 * they end in. `parameters`: `:name` stands for one segment (router radixtree_uri_with_parameter).
 */
export function pathOf(uri: string, parameters: boolean): PathMatch | undefined {
  const path = knownPathOf(uri, parameters);
  if (path === undefined || !usesEnvironment(uri)) return path;
  // Where the variable stands any text may be.
  return { ...path, start: path.start.split("${", 1)[0]!, exact: false };
}

function knownPathOf(uri: string, parameters: boolean): PathMatch | undefined {
  if (!/^(?:\/|\$\{)/.test(uri) || /[?#]/.test(uri)) return undefined;
  const star = uri.indexOf("*");
  const parameter = parameters ? uri.search(/\/:[A-Za-z0-9_-]+/) : -1;
  if (star === -1 && parameter === -1) return { rule: { exact: uri }, rank: EXACT, start: uri, exact: true };
  if (star === uri.length - 1 && parameter === -1) {
    const start = uri.slice(0, -1);
    return { rule: start === "/" ? "/" : { starts_with: start }, rank: start.length, start, exact: false };
  }
  const literal = Math.min(star === -1 ? uri.length : star, parameter === -1 ? uri.length : parameter + 1);
  const pattern = uri
    .split(parameters ? /(\/:[A-Za-z0-9_-]+|\*.*$)/ : /(\*)/)
    .map((piece) => (piece.startsWith("*") ? ".*" : parameters && piece.startsWith("/:") ? "/[^/]+" : escaped(piece)))
    .join("");
  return {
    rule: { regex: `^${pattern}$`.replace(/\.\*\$$/, "") },
    rank: literal,
    start: uri.slice(0, literal),
    exact: false,
  };
}

/** A regular expression for the paths of a rule, as a look-ahead that another expression can follow. */
export function lookAhead({ rule }: PathMatch): string {
  if (typeof rule === "string") return "";
  if ("exact" in rule) return `(?=${escaped(rule.exact)}$)`;
  if ("starts_with" in rule) return `(?=${escaped(rule.starts_with)})`;
  return rule.regex.startsWith("^") ? `(?=${rule.regex.slice(1)})` : `(?=[\\s\\S]*?(?:${rule.regex}))`;
}

/** Whether a regular expression of PCRE is one here, and means the same as far as can be known. */
export function isPlainRegex(source: string): boolean {
  if (/\\[AZzGKQEhHRX]|\(\?[a-zA-Z]*[imsx][a-zA-Z]*[):]|\[\[:|[*+?}]\+|\(\?>|\(\?P|\(\?R|\\p\{|\$\$\{/.test(source))
    return false;
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

/** The same paths, as far as a regular expression matches them too. */
export function narrowed(path: PathMatch, regex: string): PathMatch {
  const ahead = lookAhead(path);
  if (ahead === "") return { ...path, rule: { regex } };
  const rest = regex.startsWith("^") && !regex.includes("|") ? regex.slice(1) : `[\\s\\S]*?(?:${regex})`;
  return { ...path, rule: { regex: `^${ahead}${rest}` } };
}

/** How specific the gateway's own precedence finds a path rule. */
export function ownRank({ rule }: PathMatch): number {
  if (typeof rule === "string") return 0;
  if ("exact" in rule) return EXACT;
  return "starts_with" in rule ? rule.starts_with.length : -1;
}
