import type { HostRule } from "./host.ts";
import type { RouteRule } from "./options.ts";
import { type Entry, inPrecedence, type PathTest } from "./precedence.ts";

type Rules = Readonly<Record<string, unknown>> | undefined;

const texts = (of: string, rules: Rules): string[] =>
  Object.entries(rules ?? {}).map(([name, rule]) =>
    JSON.stringify([of, of === "header" ? name.toLowerCase() : name, rule]),
  );

/** A route's rules beside host, path and method, each as a text. */
const conditionsOf = ({ headers, cookies, query }: RouteRule): ReadonlySet<string> =>
  new Set([...texts("header", headers), ...texts("cookie", cookies), ...texts("query", query)]);

interface Rated<T> {
  readonly entry: Entry<T>;
  readonly conditions: ReadonlySet<string>;
}

const hostKeys = (host: HostRule): string[] => {
  if (host.kind === "any") return ["any"];
  const name = host.kind === "exact" ? host.host : host.suffix;
  const above = [...name.matchAll(/\./g)].map(({ index }) => `wildcard ${name.slice(index)}`);
  return [`${host.kind} ${name}`, ...above, "any"];
};

/** The key by which a path rule is found. */
const pathKey = (path: PathTest): string => {
  if (path.kind === "start") return "start";
  return `${path.kind} ${"source" in path ? path.source : path.start}`;
};

/** The keys of the rules that may take every path that this one takes. */
const coveringKeys = (path: PathTest): string[] => {
  const { start } = path;
  const slashes = [...start.matchAll(/\//g)].map(({ index }) => `prefix ${start.slice(0, index)}`);
  // "/ab" as the first characters of a path is not a prefix by whole segments.
  const whole = path.kind === "start" ? [] : [`prefix ${start}`];
  return [...new Set([pathKey(path), "start", "prefix ", ...slashes, ...whole])];
};

/** Whether a rule found by such a key takes all paths that another takes. */
const takesPathsOf = (wide: PathTest, narrow: PathTest): boolean => {
  if (wide.kind === "prefix" && wide.start === "") return true;
  if (wide.ignoreCase !== narrow.ignoreCase) return false;
  return wide.kind !== "start" || narrow.start.startsWith(wide.start);
};

/** Whether a route takes less than its host, path, method and conditions say. */
const isPartial = ({ redirect }: RouteRule): boolean => redirect?.regex !== undefined;

const takesMethods = (wide: RouteRule, methods: readonly string[] | undefined): boolean =>
  wide.methods === undefined || methods?.every((method) => wide.methods!.includes(method)) === true;

/** Rules alike in host and path that are compared with each route: bounds the time a check takes. */
const LOOKED_AT = 500;

/** Routes that take all requests of another, found without comparing each with each. */
function createCovers<T extends { rule: RouteRule }>(entries: readonly Entry<T>[]) {
  const rated = entries.map((entry): Rated<T> => ({ entry, conditions: conditionsOf(entry.rule) }));
  const byKey = Map.groupBy(rated, ({ entry }) => `${hostKeys(entry.host)[0]} ${pathKey(entry.path)}`);

  /**
   * The first entry in precedence that takes every request of this one that has one of `methods`; with `below`, only of
   * those before that order.
   */
  return (
    { entry, conditions }: Rated<T>,
    methods: readonly string[] | undefined,
    below = Number.POSITIVE_INFINITY,
  ): Entry<T> | undefined => {
    let first: Entry<T> | undefined;
    for (const host of hostKeys(entry.host)) {
      for (const path of coveringKeys(entry.path)) {
        for (const other of byKey.get(`${host} ${path}`)?.slice(0, LOOKED_AT) ?? []) {
          const { order, rule } = other.entry;
          if (order >= Math.min(below, first?.order ?? below)) break;
          if (other.entry.route === entry.route || isPartial(rule)) continue;
          if ((rule.paths ?? "") !== (entry.rule.paths ?? "")) continue;
          if (!takesMethods(rule, methods) || !other.conditions.isSubsetOf(conditions)) continue;
          if (takesPathsOf(other.entry.path, entry.path)) first = other.entry;
        }
      }
    }
    return first;
  };
}

/** A route some of whose requests go to another route. */
export interface ShadowedRoute<T> {
  readonly route: T;
  /** The route that takes its requests. */
  readonly by: T;
  /** All of its requests, or only HEAD. */
  readonly what: "unreached" | "head";
}

/**
 * Routes that get no request, because one before them takes all that they would; and routes with a guard that allow GET
 * and not HEAD, whose HEAD requests are taken by a route without one. Only single routes are compared: several that
 * together leave nothing to another are not found.
 */
export function findShadowed<T extends { rule: RouteRule }>(
  routes: readonly T[],
  isGuarded: (route: T) => boolean,
): ShadowedRoute<T>[] {
  const entries = inPrecedence(routes);
  const cover = createCovers(entries);
  const shadowed: ShadowedRoute<T>[] = [];
  for (const [route, own] of Map.groupBy(entries, ({ route }) => route)) {
    const rated = own.map((entry) => ({ entry, conditions: conditionsOf(entry.rule) }));
    const before = rated.map((one) => cover(one, one.entry.rule.methods, one.entry.order));
    if (before.every((entry) => entry !== undefined)) {
      shadowed.push({ route, by: before[0]!.route, what: "unreached" });
      continue;
    }
    const { methods } = route.rule;
    if (!methods?.includes("GET") || methods.includes("HEAD") || !isGuarded(route)) continue;
    const open = rated.map((one) => cover(one, ["HEAD"])).find((entry) => entry && !isGuarded(entry.route));
    if (open !== undefined) shadowed.push({ route, by: open.route, what: "head" });
  }
  return shadowed;
}
