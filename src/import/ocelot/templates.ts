import type { YamlMapping } from "../document.ts";

/** What an `UpstreamPathTemplate` matches, in our words, and what stands for its placeholders. */
export interface UpstreamTemplate {
  readonly path: YamlMapping | string;
  readonly query: YamlMapping;
  /** What stands for a placeholder in a template of ours; undefined: it catches a whole query, which passes anyway. */
  readonly parts: ReadonlyMap<string, string | undefined>;
  /** Parameters whose placeholder has their own name: Ocelot takes them out of the query. */
  readonly moved: readonly string[];
  /** Where the path is a prefix: that, and the placeholder that catches the rest. */
  readonly prefix: { readonly text: string; readonly rest: string } | undefined;
  /** For the order of routes: what every match begins with, in lower case where that does not matter. */
  readonly start: string;
  readonly exact: boolean;
  /** How our precedence ranks the path. */
  readonly rank: number;
  /** Whether it is `/{anything}`, which Ocelot tries last. */
  readonly catchAll: boolean;
}

/** The path an upstream gets. */
export type Rewrite =
  | { readonly made: YamlMapping; readonly query: YamlMapping | undefined }
  | { readonly unknown: string };

const PLACEHOLDER = /\{([^{}]*)\}/g;
const LETTER = /\p{L}/u;

const split = (template: string): { path: string; query: string | undefined } => {
  const at = template.indexOf("?");
  return at === -1
    ? { path: template, query: undefined }
    : { path: template.slice(0, at), query: template.slice(at + 1) };
};

/** What is wrong with a template that requests are matched with; undefined: nothing. */
export function upstreamTemplateFault(template: string): string | undefined {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name]) => name);
  return new Set(names).size < names.length ? "a placeholder stands in it twice" : templateFault(template);
}

/** What is wrong with a template; undefined: nothing. */
export function templateFault(template: string): string | undefined {
  if (!template.startsWith("/")) return "it must begin with /";
  if (template.includes("#")) return "a path holds no #";
  return /[{}]/.test(template.replace(PLACEHOLDER, "")) ? "a brace in it belongs to no placeholder" : undefined;
}

/** Our names of the placeholders: as they are written where that is possible. */
function namesFor(placeholders: readonly string[]): Map<string, string> {
  const taken = new Set<string>();
  const fit = /^[A-Za-z_][A-Za-z0-9_-]*$/;
  return new Map(
    placeholders.map((name, index) => {
      const plain = fit.test(name) && !taken.has(name) ? name : `part${index + 1}`;
      taken.add(plain);
      return [name, plain];
    }),
  );
}

/**
 * Brings a template that has no fault into our words. `ignoreCase`: Ocelot's default. A path that ends in a slash
 * matches without it too, and so does every path before a query, with and without one (Ocelot's
 * UpstreamTemplatePatternCreator).
 */
export function parseUpstreamTemplate(template: string, ignoreCase: boolean): UpstreamTemplate {
  const { path: written, query } = split(template);
  const path = query === undefined || written === "/" ? written : `${written.replace(/\/$/, "")}/`;
  const anySlash = path !== "/" && path.endsWith("/");
  const found = [...path.matchAll(PLACEHOLDER)];
  const names = namesFor(found.map(([, name]) => name!));
  const parts = new Map<string, string | undefined>([...names].map(([name, ours]) => [name, `{${ours}}`]));
  const literal = path.replace(PLACEHOLDER, "");
  const loose = ignoreCase && LETTER.test(literal) ? { ignore_case: true } : {};
  const start = (ignoreCase ? path.toLowerCase() : path).split("{")[0]!;
  const conditions = queryOf(query, parts);
  const common = { ...conditions, parts, start, exact: false, catchAll: false, prefix: undefined };

  if (found.length === 0 && !anySlash) {
    return { ...common, path: { exact: path, ...loose }, exact: true, rank: Number.POSITIVE_INFINITY };
  }
  if (anySlash) {
    const ours = path.slice(0, -1).replace(PLACEHOLDER, (_, name: string) => `{${names.get(name)}}`);
    return {
      ...common,
      path: { template: ours, optional_slash: true, ...loose },
      start: found.length === 0 ? start.slice(0, -1) : start,
      rank: ours.split("{")[0]!.lastIndexOf("/") + 0.5,
    };
  }
  const last = found.at(-1)!;
  const open = last.index + last[0].length === path.length;
  if (found.length === 1 && open && path[last.index - 1] === "/") {
    const text = path.slice(0, last.index - 1);
    const prefix = { text, rest: last[1]! };
    const made = text === "" ? "/" : { prefix: text, ...loose };
    return {
      ...common,
      path: Object.keys(loose).length === 0 ? text || "/" : made,
      prefix,
      start: start.slice(0, -1),
      rank: text.length,
      catchAll: text === "" && query === undefined,
    };
  }
  const catchesAll = (index: number): boolean => !path.includes("/", index);
  const ours = path.replace(PLACEHOLDER, (_, name: string, index: number) =>
    catchesAll(index) ? `{${names.get(name)}*}` : `{${names.get(name)}}`,
  );
  const lead = path.split("{")[0]!;
  return {
    ...common,
    path: { template: ours, ...loose },
    start: catchesAll(found[0]!.index) && start.endsWith("/") ? start.slice(0, -1) : start,
    rank: lead.lastIndexOf("/") + 0.5,
  };
}

/** What a template that has a fault would match, or more: for a route whose requests are refused. */
export function approximateTemplate(template: string, ignoreCase: boolean): UpstreamTemplate {
  if (templateFault(template) === undefined) {
    // A name that stands in it twice says nothing of what it matches.
    return parseUpstreamTemplate(
      template.replace(PLACEHOLDER, (_, _name: string, at: number) => `{part${at}}`),
      ignoreCase,
    );
  }
  const lead = template.split(/[{}?#]/)[0]!;
  const start = lead.startsWith("/") ? lead : `/${lead}`;
  const path = { starts_with: start, ...(ignoreCase && LETTER.test(start) ? { ignore_case: true } : {}) };
  const nothing = { query: {}, moved: [], parts: new Map(), prefix: undefined, exact: false, catchAll: false };
  return { ...nothing, path, start: ignoreCase ? start.toLowerCase() : start, rank: start.length };
}

/** The parameters a template's query asks for; their placeholders are put into `parts`. */
function queryOf(
  query: string | undefined,
  parts: Map<string, string | undefined>,
): { query: YamlMapping; moved: string[] } {
  const made: Record<string, YamlMapping | string> = {};
  const moved: string[] = [];
  for (const pair of query?.split("&") ?? []) {
    const whole = /^\{([^{}]*)\}$/.exec(pair);
    if (whole !== null) {
      parts.set(whole[1]!, undefined);
      continue;
    }
    const at = pair.indexOf("=");
    const name = at === -1 ? pair : pair.slice(0, at);
    const value = at === -1 ? "" : pair.slice(at + 1);
    if (name === "") continue;
    const placeholder = /^\{([^{}]*)\}$/.exec(value)?.[1];
    if (placeholder === undefined) {
      made[name] = value;
    } else {
      made[name] = { present: true };
      parts.set(placeholder, `{query.${name}}`);
      if (placeholder === name) moved.push(name);
    }
  }
  return { query: made, moved };
}

/** Brings a `DownstreamPathTemplate` into our words. */
export function rewriteOf(template: string, upstream: UpstreamTemplate, ignoreCase: boolean): Rewrite {
  const { path, query } = split(template);
  const unknown = [...template.matchAll(PLACEHOLDER)].find(([, name]) => !upstream.parts.has(name!));
  if (unknown !== undefined) return { unknown: unknown[1]! };
  const filled = (text: string): string =>
    text.replace(PLACEHOLDER, (_, name: string) => upstream.parts.get(name) ?? "");

  const set: Record<string, string> = {};
  for (const pair of query?.split("&") ?? []) {
    const at = pair.indexOf("=");
    if (at <= 0) continue;
    const name = pair.slice(0, at);
    const value = filled(pair.slice(at + 1));
    if (value !== `{query.${name}}`) set[name] = value;
  }
  const remove = upstream.moved.filter((name) => !(query ?? "").split("&").some((pair) => pair.startsWith(`${name}=`)));
  const changes =
    Object.keys(set).length + remove.length === 0
      ? undefined
      : { set: Object.keys(set).length === 0 ? undefined : set, remove: remove.length === 0 ? undefined : remove };

  const { prefix } = upstream;
  const rest = prefix && upstream.parts.get(prefix.rest);
  // The parts of a prefix have no names: where the query asks for one, it becomes a template.
  const asked = rest !== undefined && Object.values(set).some((value) => value.includes(rest));
  const named: YamlMapping = {
    path: {
      template: `${prefix?.text}/${rest?.replace("}", "*}")}`,
      ...(typeof upstream.path === "object" && { ignore_case: upstream.path.ignore_case }),
    },
  };
  if (!path.includes("{")) {
    const own = upstream.path;
    const same = typeof own === "object" && own.exact === path && !(ignoreCase && LETTER.test(path));
    const bare = upstream.exact && path !== "/" && own !== "/" ? trimmed(path, own) : path;
    return { made: { ...(asked && named), ...(!same && { rewrite_path: { replace: bare } }) }, query: changes };
  }
  const closing = prefix === undefined ? undefined : `/{${prefix.rest}}`;
  const simple = closing !== undefined && path.endsWith(closing) && !path.slice(0, -closing.length).includes("{");
  if (simple && !asked) {
    const to = path.slice(0, -closing.length);
    if (to === prefix!.text && !(ignoreCase && LETTER.test(to))) return { made: {}, query: changes };
    if (to === "") return { made: { strip_prefix: prefix!.text }, query: changes };
    return { made: { rewrite_path: { replace_prefix: to } }, query: changes };
  }
  return { made: { ...(prefix && named), rewrite_path: { template: filled(path) } }, query: changes };
}

/** Ocelot leaves out a closing slash that the request did not have. */
const trimmed = (path: string, own: UpstreamTemplate["path"]): string =>
  typeof own === "object" && typeof own.exact === "string" && !own.exact.endsWith("/")
    ? path.replace(/\/+$/, "") || "/"
    : path;
