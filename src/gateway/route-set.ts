import type { HealthCheck } from "../balancing/health/health-set.ts";
import { httpProbe } from "../balancing/health/http-probe.ts";
import type { WeightedBackend } from "../balancing/weighted-backend.ts";
import type { Config, RouteConfig, UpstreamTlsConfig } from "../config/schema.ts";
import { asMatched } from "../http/readings.ts";
import type { Transport } from "../http/transport.ts";
import type { Trust } from "../http/trust.ts";
import type { MiddlewareEntry } from "../middleware/catalog.ts";
import { makeMiddleware, middlewareKey } from "../middleware/catalog.ts";
import { type Chain, createChain, ownMiddleware, userMiddleware } from "../middleware/chain.ts";
import { isProxyLimit, proxyLimits } from "../middleware/limits.ts";
import type { Middleware, MiddlewareParts } from "../middleware/plugin.ts";
import type { ProxyRule } from "../proxy/options.ts";
import type { CompiledRoute } from "../proxy/route.ts";
import type { ProxyRoute } from "../proxy/types.ts";
import { compileHeaderChanges } from "../routing/header-changes.ts";
import { compileQueryChanges } from "../routing/query-changes.ts";
import { compileRedirect } from "../routing/redirect.ts";
import { compileRewrite, pathTemplateOf } from "../routing/rewrite.ts";
import { compileRoutes, type RouteTable } from "../routing/table.ts";
import { upstreamScheme } from "../routing/upstream-scheme.ts";
import { type Counters, countEjection, type SeriesCounts } from "../telemetry/counters.ts";
import type { PoolSet } from "./pool-set.ts";

/** A route of the config, compiled. */
export type GatewayRoute = CompiledRoute<RouteConfig>;

/** All routes of one config, with the pools they use. Made at every config reload and change of clusters. */
export interface RouteSet {
  readonly table: RouteTable<GatewayRoute>;
  readonly routes: readonly GatewayRoute[];
  readonly middleware: MiddlewareStore;
  /** Pools whose addresses are to be checked. */
  readonly checks: readonly HealthCheck[];
  /** Where its requests are counted. */
  readonly series: ReadonlySet<SeriesCounts>;
}

/** What compiling routes needs. */
export interface RouteSetOptions {
  readonly pools: PoolSet;
  /** How requests leave, with a route's `upstream_tls`. */
  transportFor(tls: UpstreamTlsConfig | undefined): Transport;
  /** What middleware are made with. */
  readonly parts: MiddlewareParts;
  /** The user's own middleware. */
  userMiddleware(use: string, options: unknown): Middleware;
  /** `server.trusted_proxies`. */
  readonly trusts: Trust;
  /** A middleware of a route failed. */
  readonly onMiddlewareError: (route: string, error: Error) => void;
  readonly counters: Counters;
  /** The middleware before: what they remember survives where they did not change. */
  readonly before: MiddlewareStore | undefined;
}

/** Middleware by what makes them one (`identityOf`). */
export type MiddlewareStore = ReadonlyMap<string, Middleware>;

/** Compiles the routes of a config. */
export function compileRouteSet(config: Config, { before, ...options }: RouteSetOptions): RouteSet {
  const series = new Set<SeriesCounts>();
  const checks: HealthCheck[] = [];
  const middleware = new Map<string, Middleware>();

  function countsOf(route: string, service: string): SeriesCounts {
    const counts = options.counters.series(route, service);
    series.add(counts);
    return counts;
  }

  function middlewareOf(entry: MiddlewareEntry, key: string): Middleware | undefined {
    if (entry.use !== undefined) return userMiddleware(options.userMiddleware(entry.use, entry.options), entry.use);
    const kept = middleware.get(key) ?? before?.get(key);
    const made = kept ?? makeMiddleware(entry, options.parts);
    if (made !== undefined) middleware.set(key, made);
    return made && ownMiddleware(made);
  }

  function chainOf({ id, middleware: entries }: RouteConfig): Chain | undefined {
    const last = entries.findLastIndex((entry) => !isProxyLimit(entry));
    const handlers = entries
      .slice(0, last + 1)
      .flatMap((entry, index) => middlewareOf(entry, middlewareKey(entry, [id, index])) ?? []);
    const foreign = entries.some(({ use }) => use !== undefined);
    return handlers.length === 0 ? undefined : chainFor(id, handlers, { ...options, foreign });
  }

  const proxyRules = createProxyRules();
  const routes = config.routes.map((written): GatewayRoute => {
    const chain = chainOf(written);
    // Middleware may answer in place of the service.
    const counts = written.redirect !== undefined || chain !== undefined ? countsOf(written.id, "") : undefined;
    const { bodyBytes, response } = proxyLimits(written.middleware);
    const rule = response === 0 ? written : withResponse(written, response);
    if (rule.redirect !== undefined) {
      const answer = compileRedirect({ path: rule.path, paths: rule.paths, redirect: rule.redirect });
      return { kind: "redirect", rule, chain, counts, answer };
    }
    const { backends, of } = options.pools.destination(rule, upstreamScheme(rule.scheme), {
      of: (service) => countsOf(rule.id, service),
      ejected: countEjection,
    });
    const transport = options.transportFor(rule.upstream_tls);
    checks.push(...checksOf(rule, of, transport));
    const proxy: ProxyRoute = {
      id: rule.id,
      rule: proxyRules(rule),
      rewrite: compileRewrite(rule),
      query: compileQueryChanges(rule.request_query, pathTemplateOf(rule.path), asMatched(rule.paths)),
      requestHeaders: compileHeaderChanges(rule.request_headers),
      responseHeaders: compileHeaderChanges(rule.response_headers),
      backends,
      bodyBytes: smaller(bodyBytes, config.server.limits.body_bytes),
      transport,
    };
    return { kind: "proxy", rule, chain, counts, proxy, choices: of };
  });
  return { table: compileRoutes(routes), routes, middleware, checks, series };
}

/** A function of its own: requests under way keep their chain, which must not keep what the set was compiled from. */
function chainFor(
  id: string,
  handlers: readonly Middleware[],
  {
    trusts,
    foreign,
    parts: { clock },
    onMiddlewareError,
  }: Pick<RouteSetOptions, "trusts" | "parts" | "onMiddlewareError"> & { foreign: boolean },
): Chain {
  const report = (error: Error): void => onMiddlewareError(id, error);
  return createChain(handlers, { trusts, userModules: foreign, clock, report });
}

/**
 * What proxying reads of a rule, one object for all routes that say the same: what a thousand routes share, each request
 * finds where the one before left it.
 */
function createProxyRules(): (rule: RouteConfig) => ProxyRule {
  const known = new Map<string, ProxyRule>();
  return ({ timeouts, retries, keepalive, balancer, pass_host, upstream_host }) => {
    const own: ProxyRule = { timeouts, retries, keepalive, balancer, pass_host, upstream_host };
    const key = JSON.stringify(own);
    const same = known.get(key) ?? own;
    known.set(key, same);
    return same;
  };
}

/** The health checks a route asks for: each of its pools is probed as its requests go. */
function checksOf(
  { health, upstream_tls }: RouteConfig,
  of: readonly WeightedBackend[],
  transport: Transport,
): HealthCheck[] {
  const { active } = health;
  if (active === false) return [];
  const probeKey = JSON.stringify([active, upstream_tls ?? null]);
  return of.map(({ pool, key, upstream }) => {
    const { name, cluster } = upstream;
    const probe = httpProbe(active, (url, init) => transport.send(url, { ...init, cluster }));
    return { pool, key, config: active, probe, probeKey, upstream: name };
  });
}

/** The stricter of two limits, of which 0 is none. */
const smaller = (a: number, b: number): number => (a === 0 || b === 0 ? a + b : Math.min(a, b));

/** The route with a time to its answer that is not longer. */
export const withResponse = (rule: RouteConfig, response: number): RouteConfig => ({
  ...rule,
  timeouts: { ...rule.timeouts, response: smaller(response, rule.timeouts.response) },
});
