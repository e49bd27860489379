import { decodeForRewrite, decodePath, encodePart, encodePath, withoutClosingSlashes } from "../http/path.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { PathRule } from "./options.ts";
import { compilePattern, type FindParts, type Piece } from "./path-pattern.ts";
import { compileTemplate, type PlaceholderLookup } from "./template.ts";

/**
 * Paths with named parts: `/orders/{id}/items/{rest*}`. `{name}` is one segment or a part of one, never empty;
 * `{name*}` is any text, slashes too, and may be empty. At the end after a slash, `{name*}` needs not even the slash:
 * `/orders/{rest*}` is what is under `/orders`, that itself among it.
 */
export interface PathTemplate {
  /** The values of a path's parts, in the order of `names`; undefined: no match. Linear in the path's length. */
  readonly find: FindParts;
  /** What every match begins with, cut at its last slash. */
  readonly start: string;
  /** The parts' names in their order. */
  readonly names: readonly string[];
}

const PART = /\{([A-Za-z_][A-Za-z0-9_-]*)(\*?)\}/g;

/** The names of a template's parts. */
export const partNames = (text: string): string[] => [...text.matchAll(PART)].map(([, name]) => name!);

/** The names of a regular expression's groups, which are parts of the path too. */
export const groupNames = (source: string): string[] =>
  [...source.matchAll(/\(\?<([A-Za-z_][A-Za-z0-9_]*)>/g)].map(([, name]) => name!);

/** What is wrong with a template; undefined: nothing. */
export function pathTemplateFault(text: string): string | undefined {
  const names = partNames(text);
  if (/[{}]/.test(text.replace(PART, ""))) return "has a brace that belongs to no {name} or {name*}";
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `names {${twice}} twice`;
}

/**
 * Compiles a template that has no fault. `ignore_case`: the text around its parts matches in any case.
 * `optional_slash`: paths match with and without a slash at their end; a last `{name*}` takes the slash itself.
 */
export function compilePathTemplate(rule: Extract<PathRule, { template: string }>): PathTemplate {
  const { template, ignore_case: ignoreCase = false, optional_slash: optionalSlash = false } = rule;
  const text = optionalSlash ? template.replace(/\/$/, "") : template;
  const names: string[] = [];
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: whole, 1: name, 2: star, index } of text.matchAll(PART)) {
    const before = decodePath(text.slice(end, index));
    end = index + whole.length;
    names.push(name!);
    const isTail = star !== "" && end === text.length && before.endsWith("/");
    pieces.push({ kind: "text", text: isTail ? before.slice(0, -1) : before });
    pieces.push({ kind: isTail ? "tail" : star === "" ? "segment" : "rest" });
  }
  pieces.push({ kind: "text", text: decodePath(text.slice(end)) });
  if (optionalSlash && !text.endsWith("*}")) pieces.push({ kind: "slash" });
  const literal = decodePath(text.split("{")[0]!);
  return {
    find: compilePattern(pieces, ignoreCase),
    start: literal.slice(0, literal.lastIndexOf("/")),
    names,
  };
}

/** A part of a path, encoded for use in a query. */
const inQuery = (value: string): string => {
  try {
    return encodeURIComponent(decodeURIComponent(value));
  } catch {
    return encodeURIComponent(value.toWellFormed());
  }
};

/** Reads the parts of a request's path by their names, encoded for a path or for a query. */
export function partsOf(template: PathTemplate | undefined, where: "path" | "query"): PlaceholderLookup {
  if (template === undefined) return () => undefined;
  const { find, names } = template;
  const encode = where === "path" ? encodePart : inQuery;
  // Several parts of one request are read one after the other.
  let last: { readonly path: string; readonly parts: ReturnType<FindParts> } | undefined;
  return (name) => {
    const index = names.indexOf(name);
    if (index === -1) return undefined;
    return ({ path }) => {
      if (last?.path !== path) last = { path, parts: find(decodeForRewrite(path)) };
      return encode(last.parts?.[index] ?? "");
    };
  };
}

/**
 * The path made of a template and a request: `{name}` is a part of the route's own path template (or a named group of
 * its regular expression), or a placeholder of `compileTemplate`. Where the last part is empty, the slash before it is
 * dropped too unless the request's path ended in one.
 */
export function compilePathOf(text: string, template: PathTemplate | undefined): (facts: IncomingRequest) => string {
  const made = compileTemplate(text, partsOf(template, "path"));
  const open = text.endsWith("}");
  return (facts) => {
    const path = encodePath(made(facts));
    const bare = open && path.length > 1 && path.endsWith("/") && !facts.path.endsWith("/");
    return bare ? withoutClosingSlashes(path) || "/" : path;
  };
}

/** A route's path as a template: a prefix ends in a star. */
export function routeTemplate(path: PathRule): string {
  if ("exact" in path) return path.exact;
  if ("regex" in path) return path.regex;
  if ("template" in path) return path.template;
  if ("starts_with" in path) return `${path.starts_with}*`;
  return path.prefix.endsWith("/") ? `${path.prefix}*` : `${path.prefix}/*`;
}
