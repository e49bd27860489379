import type { RouteConfig } from "../config/route-schema.ts";
import type { RequestFacts } from "../request.ts";
import type { Lookup } from "./candidates.ts";
import { type Explanation, explainRoutes } from "./explain.ts";
import { requestHost } from "./host.ts";
import { decodePath } from "./path.ts";
import { createPathRouter, type PathRouter } from "./path-router.ts";
import { type Entry, inPrecedence } from "./precedence.ts";

/** The routes of a config, compiled. It holds no state: one table serves any number of requests at once. */
export interface RouteTable<T> {
  /** The route that takes a request: of those that match, the first in precedence. */
  match(facts: RequestFacts): T | undefined;
  /** Every route in precedence order, and the first reason why it does not match. Slow: for people, not for requests. */
  explain(facts: RequestFacts): readonly Explanation[];
}

/**
 * Compiles routes into a table whose cost per request does not grow with their number: the host leads to one Hono
 * router per distinct host, that to the few routes with a fitting path, and only those are asked for method, headers
 * and query. Two shapes do grow: regular expressions that do not begin with `^/` and a literal segment are tried one by
 * one, and so are routes alike in path that differ in nothing but methods or patterns. Nothing guards against a regular
 * expression that is itself slow: the runtimes' engines backtrack.
 *
 * Precedence and how hosts fall through: see `inPrecedence`. How paths are compared: see `decodePath`.
 */
export function compileRoutes<T extends { rule: RouteConfig }>(routes: readonly T[]): RouteTable<T> {
  const entries = inPrecedence(routes);
  const exact = new Map<string, Entry<T>[]>();
  const wildcard = new Map<string, Entry<T>[]>();
  const any: Entry<T>[] = [];
  const put = (map: Map<string, Entry<T>[]>, key: string, entry: Entry<T>): void => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [entry]);
    else known.push(entry);
  };
  for (const entry of entries) {
    if (entry.host.kind === "exact") put(exact, entry.host.host, entry);
    else if (entry.host.kind === "wildcard") put(wildcard, entry.host.suffix, entry);
    else any.push(entry);
  }
  const find = overHosts({
    exact: compileEach(exact),
    wildcard: compileEach(wildcard),
    any: any.length === 0 ? undefined : createPathRouter(any),
  });
  return {
    match: (facts) => find({ facts, path: decodePath(facts.path), reader: undefined }, requestHost(facts.host))?.route,
    explain: (facts) => explainRoutes(entries, facts),
  };
}

interface Hosts<T> {
  exact: ReadonlyMap<string, PathRouter<T>>;
  wildcard: ReadonlyMap<string, PathRouter<T>>;
  any: PathRouter<T> | undefined;
}

const compileEach = <T>(groups: ReadonlyMap<string, Entry<T>[]>): Map<string, PathRouter<T>> =>
  new Map([...groups].map(([host, some]) => [host, createPathRouter(some)]));

/**
 * The best entry over all hosts that fit. They are visited from the most to the least specific, which is the order of
 * precedence unless priorities say otherwise, and a host that has nothing better than what was found is not searched.
 */
const overHosts = <T>({ exact, wildcard, any }: Hosts<T>) => {
  const longest = wildcard.keys().reduce((length, suffix) => Math.max(length, suffix.length), 0);
  const better = (best: Entry<T> | undefined, router: PathRouter<T> | undefined, lookup: Lookup) => {
    const limit = best === undefined ? Number.POSITIVE_INFINITY : best.order;
    return router === undefined || router.first >= limit ? best : (router.find(lookup, limit) ?? best);
  };
  return (lookup: Lookup, host: string): Entry<T> | undefined => {
    let best = exact.size > 0 ? better(undefined, exact.get(host), lookup) : undefined;
    if (longest > 0) {
      // A wildcard needs a label before its dot, and suffixes longer than any configured one are not worth a look.
      let dot = host.indexOf(".", Math.max(1, host.length - longest));
      for (; dot !== -1; dot = host.indexOf(".", dot + 1)) best = better(best, wildcard.get(host.slice(dot)), lookup);
    }
    return better(best, any, lookup);
  };
};
