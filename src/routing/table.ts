import { decodePath } from "../http/path.ts";
import { hasReadings, readingOf, readingsOf } from "../http/readings.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { Finder, Lookup } from "./candidates.ts";
import { explainRoutes, type RouteExplanation } from "./explain.ts";
import { type HostRule, requestHost } from "./host.ts";
import type { RouteRule } from "./options.ts";
import { createPathRouter } from "./path-router.ts";
import { type Entry, inPrecedence } from "./precedence.ts";

/** What a client reads where its path leads to different routes, depending on how it is read. */
export const AMBIGUOUS_PATH =
  "The path means different things to different servers (backslash, %2F, %5C, two slashes or a semicolon); " +
  "server.paths of the gateway says how it is read";

/** One way to read a path. */
export interface Reading<T> {
  readonly path: string;
  readonly route: T | undefined;
}

/** The routes of a config, compiled. It holds no state: one table serves any number of requests at once. */
export interface RouteTable<T> {
  /**
   * The route that takes a request: of those that match, the first in precedence. undefined: there is none, or the
   * readings of its path lead to different routes; see `ambiguity`.
   */
  match(facts: IncomingRequest): T | undefined;
  /** The readings of the path and their routes, if those differ; paths in the form rules are compared with. */
  ambiguity(facts: IncomingRequest): readonly Reading<T>[] | undefined;
  /**
   * Every route in precedence order, and the first reason why it does not match. Slow: for reports, not for requests.
   */
  explain(facts: IncomingRequest): readonly RouteExplanation[];
}

/**
 * Compiles routes into a table whose cost per request does not grow with their number: the host leads to one Hono
 * router per distinct host, that to the few routes with a fitting path, and only those are compared by method, headers
 * and query. In two cases it does grow: regular expressions that do not begin with `^/` and a literal segment are tried
 * one by one, and so are routes alike in path that differ in nothing but methods or patterns. Nothing guards against a
 * regular expression that is itself slow: the runtimes' engines backtrack.
 *
 * Precedence and how hosts fall through: see `inPrecedence`. How paths are compared: see `decodePath`, and
 * `readings.ts` for those that servers read differently.
 */
export function compileRoutes<T extends { rule: RouteRule }>(routes: readonly T[]): RouteTable<T> {
  const entries = inPrecedence(routes);
  const find = compileEntries(entries);
  const byMode = Map.groupBy(entries, ({ rule }) => rule.paths ?? "reject");
  // Routes that read paths in different ways have to be searched with different paths.
  const finders = [...byMode].map(([mode, some]) => [mode, byMode.size === 1 ? find : compileEntries(some)] as const);

  /** Routes with their own `paths` are searched with that one reading, all others with every reading. */
  function readings(facts: IncomingRequest): Reading<T>[] {
    const host = requestHost(facts.host);
    const lookup = (path: string): Lookup => ({ facts, path, reader: undefined });
    let fixed: Entry<T> | undefined;
    let open: Find<T> | undefined;
    for (const [mode, finder] of finders) {
      if (mode === "reject") open = finder;
      else fixed = first(fixed, finder(lookup(readingOf(facts.path, mode)), host));
    }
    if (open === undefined) return [{ path: decodePath(facts.path), route: fixed?.route }];
    return Array.from(readingsOf(facts.path), (path) => ({
      path,
      route: first(open(lookup(path), host), fixed)?.route,
    }));
  }

  return {
    match(facts) {
      if (!hasReadings(facts.path)) {
        return find({ facts, path: decodePath(facts.path), reader: undefined }, requestHost(facts.host))?.route;
      }
      const all = readings(facts);
      return agree(all) ? all[0]!.route : undefined;
    },
    ambiguity(facts) {
      const all = hasReadings(facts.path) ? readings(facts) : [];
      return agree(all) ? undefined : all;
    },
    explain: (facts) => explainRoutes(entries, facts),
  };
}

const agree = (readings: readonly Reading<unknown>[]): boolean =>
  readings.every(({ route }) => route === readings[0]!.route);

/** The better of two entries. */
const first = <T>(a: Entry<T> | undefined, b: Entry<T> | undefined): Entry<T> | undefined =>
  a === undefined || (b !== undefined && b.order < a.order) ? b : a;

/** The first in precedence of the entries that match. */
type Find<T> = (lookup: Lookup, host: string) => Entry<T> | undefined;

/**
 * The best entry over all hosts that fit. They are visited from the most to the least specific, which is the order of
 * precedence unless priorities say otherwise, and a host that has nothing better than what was found is not searched.
 */
function compileEntries<T>(entries: readonly Entry<T>[]): Find<T> {
  const routers = (kind: HostRule["kind"]): ReadonlyMap<string, Finder<T>> => {
    const byHost = Map.groupBy(
      entries.filter(({ host }) => host.kind === kind),
      ({ host }) => (host.kind === "exact" ? host.host : host.kind === "wildcard" ? host.suffix : ""),
    );
    return new Map([...byHost].map(([host, some]) => [host, createPathRouter(some)]));
  };
  const exact = routers("exact");
  const wildcard = routers("wildcard");
  const any = routers("any").get("");
  const longest = wildcard.keys().reduce((length, suffix) => Math.max(length, suffix.length), 0);
  const better = (best: Entry<T> | undefined, router: Finder<T> | undefined, lookup: Lookup) => {
    const limit = best === undefined ? Number.POSITIVE_INFINITY : best.order;
    return router === undefined || router.first >= limit ? best : (router.find(lookup, limit) ?? best);
  };
  return (lookup, host) => {
    let best = exact.size > 0 ? better(undefined, exact.get(host), lookup) : undefined;
    if (longest > 0) {
      // A wildcard needs a label before its dot, and suffixes longer than any configured one need no lookup.
      let dot = host.indexOf(".", Math.max(1, host.length - longest));
      for (; dot !== -1; dot = host.indexOf(".", dot + 1)) best = better(best, wildcard.get(host.slice(dot)), lookup);
    }
    return better(best, any, lookup);
  };
}
