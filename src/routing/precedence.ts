import { decodePath, decodePrefix, pathRegex } from "../http/path.ts";
import { type HostRule, parseHost } from "./host.ts";
import type { RouteRule } from "./options.ts";
import { compilePathTemplate } from "./path-template.ts";

/** A path rule in the form requests are compared with. With `ignoreCase` all but patterns is in lower case. */
export type PathTest = {
  readonly ignoreCase: boolean;
  /**
   * What every match begins with: all of an exact path, the characters of `start`, whole segments of the other kinds. A
   * prefix has no closing slash; "" is every path.
   */
  readonly start: string;
} & (
  | { readonly kind: "exact" | "prefix" | "start" }
  | { readonly kind: "template" | "regex"; readonly source: string; readonly pattern: Pick<RegExp, "test"> }
);

/** One route under one of its hosts: the unit of precedence and of matching. */
export interface Entry<T> {
  readonly route: T;
  readonly rule: RouteRule;
  readonly host: HostRule;
  readonly path: PathTest;
  /** Its place in the precedence: of all entries that match, the one with the lowest wins. */
  readonly order: number;
}

/**
 * The whole segments every match of a regular expression begins with, "" where that cannot be derived: it lets
 * `^/users/[0-9]+$` be found by its path like a prefix, instead of being tried on every request.
 */
const literalStart = (source: string): string => {
  if (!source.startsWith("^") || source.includes("|")) return "";
  const start = /^(?:[A-Za-z0-9/_~!@#%&=:;, -]|\\[^A-Za-z0-9])*/.exec(source.slice(1))![0];
  const quantified = /^[*+?{]/.test(source.slice(1 + start.length));
  const text = (quantified ? start.replace(/\\?.$/, "") : start).replace(/\\(.)/g, "$1");
  return text.startsWith("/") ? text.slice(0, text.lastIndexOf("/")) : "";
};

const compilePath = (rule: RouteRule["path"]): PathTest => {
  const { ignore_case: ignoreCase = false } = rule;
  const text = (written: string): string => (ignoreCase ? written.toLowerCase() : written);
  if ("exact" in rule) return { ignoreCase, kind: "exact", start: text(decodePath(rule.exact)) };
  if ("prefix" in rule) return { ignoreCase, kind: "prefix", start: text(decodePrefix(rule.prefix)) };
  if ("starts_with" in rule) return { ignoreCase, kind: "start", start: text(decodePath(rule.starts_with)) };
  if ("template" in rule) {
    const { start, find } = compilePathTemplate(rule);
    const pattern = { test: (path: string): boolean => find(path) !== undefined };
    const source = rule.optional_slash ? `${rule.template} with or without a closing slash` : rule.template;
    return { ignoreCase, kind: "template", source, start: text(start), pattern };
  }
  const { regex: source } = rule;
  return {
    ignoreCase,
    kind: "regex",
    source,
    start: text(literalStart(source)),
    pattern: pathRegex(source, ignoreCase),
  };
};

/** Exact hosts never match together, so their lengths need not count. */
const hostRank = (host: HostRule): number => {
  if (host.kind === "exact") return Number.POSITIVE_INFINITY;
  return host.kind === "wildcard" ? host.suffix.length : 0;
};

const pathRank = (path: PathTest): number => {
  if (path.kind === "exact") return Number.POSITIVE_INFINITY;
  // Among prefixes, before the one it begins with.
  if (path.kind === "template") return path.start.length + 0.5;
  return path.kind === "regex" ? -1 : path.start.length;
};

const count = (rules: object | undefined): number => (rules === undefined ? 0 : Object.keys(rules).length);

/** What decides precedence, most important first; the greater comes first. */
const ranks = ({ rule, host, path }: Omit<Entry<unknown>, "order">): readonly number[] => [
  rule.priority,
  hostRank(host),
  pathRank(path),
  rule.methods === undefined ? 0 : 1,
  count(rule.headers) + count(rule.cookies),
  count(rule.query),
];

const earlier = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((rank, i) => rank !== b[i]);
  return at === -1 ? 0 : a[at]! > b[at]! ? -1 : 1;
};

/**
 * All routes under all their hosts in one total order, such that the first entry that matches is the route to take:
 * priority, then the Gateway API's precedence (HTTPRoute: host before path before method before headers before query),
 * then the order of the file. The host ranks first but does not exclude: a request that no route of its most specific
 * host takes falls through to wildcards and to routes without a host, as between several HTTPRoutes.
 */
export function inPrecedence<T extends { rule: RouteRule }>(routes: readonly T[]): Entry<T>[] {
  const entries = routes.flatMap((route) => {
    const path = compilePath(route.rule.path);
    return (route.rule.hosts ?? [undefined]).map((host) => ({ route, rule: route.rule, host: parseHost(host), path }));
  });
  return entries
    .map((entry) => ({ entry, ranks: ranks(entry) }))
    .sort((a, b) => earlier(a.ranks, b.ranks))
    .map(({ entry }, order) => ({ ...entry, order }));
}
