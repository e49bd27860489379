import type { RequestFacts } from "../request.ts";
import { decodeForRewrite, decodePath, encodePart, encodePath } from "./path.ts";
import { compileTemplate, type Part } from "./template.ts";

/**
 * Paths with named parts: `/orders/{id}/items/{rest*}`. `{name}` is one segment or a part of one, never empty;
 * `{name*}` is any text, slashes too, and may be empty. At the end after a slash, `{name*}` needs not even the slash:
 * `/orders/{rest*}` is what is under `/orders`, that itself among it.
 */
export interface PathTemplate {
  readonly pattern: RegExp;
  /** What every match begins with, cut at its last slash. */
  readonly start: string;
  /** The parts' names in their order: group 1 and so on. */
  readonly names: readonly string[];
}

const PART = /\{([A-Za-z_][A-Za-z0-9_-]*)(\*?)\}/g;

/** The names of a template's parts. */
export const partNames = (text: string): string[] => [...text.matchAll(PART)].map(([, name]) => name!);

/** What is wrong with a template, in words; undefined: nothing. */
export function pathTemplateFault(text: string): string | undefined {
  const names = partNames(text);
  if (/[{}]/.test(text.replace(PART, ""))) return "has a brace that belongs to no {name} or {name*}";
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `names {${twice}} twice`;
}

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Compiles a template that has no fault. `ignoreCase`: the text around its parts matches in any case. */
export function compilePathTemplate(text: string, ignoreCase: boolean): PathTemplate {
  const names: string[] = [];
  let source = "";
  let end = 0;
  for (const { 0: whole, 1: name, 2: star, index } of text.matchAll(PART)) {
    const before = decodePath(text.slice(end, index));
    end = index + whole.length;
    names.push(name!);
    if (star === "") source += `${escapeRegex(before)}([^/]+)`;
    else if (end === text.length && before.endsWith("/")) source += `${escapeRegex(before.slice(0, -1))}(?:\\/(.*))?`;
    else source += `${escapeRegex(before)}(.*)`;
  }
  source += escapeRegex(decodePath(text.slice(end)));
  const literal = decodePath(text.split("{")[0]!);
  return {
    pattern: new RegExp(`^${source}$`, ignoreCase ? "is" : "s"),
    start: literal.slice(0, literal.lastIndexOf("/")),
    names,
  };
}

/** A value of a path, for use in a query. */
const inQuery = (value: string): string => {
  try {
    return encodeURIComponent(decodeURIComponent(value));
  } catch {
    return encodeURIComponent(value.toWellFormed());
  }
};

/** Reads the parts of a request's path by their names, encoded for a path or for a query. */
export function partsOf(template: PathTemplate | undefined, where: "path" | "query"): Part {
  if (template === undefined) return () => undefined;
  const { pattern, names } = template;
  const encode = where === "path" ? encodePart : inQuery;
  return (name) => {
    const group = names.indexOf(name) + 1;
    if (group === 0) return undefined;
    return (facts) => encode(pattern.exec(decodeForRewrite(facts.path))?.[group] ?? "");
  };
}

/**
 * The path made of a template and a request: `{name}` is a part of the route's own path template, or what
 * `compileTemplate` knows. Where the last of them is empty, the slash before it goes too unless the request ended in one.
 */
export function compilePathOf(text: string, template: PathTemplate | undefined): (facts: RequestFacts) => string {
  const made = compileTemplate(text, partsOf(template, "path"));
  const open = text.endsWith("}");
  return (facts) => {
    const path = encodePath(made(facts));
    const bare = open && path.length > 1 && path.endsWith("/") && !facts.path.endsWith("/");
    return bare ? path.replace(/\/+$/, "") || "/" : path;
  };
}
