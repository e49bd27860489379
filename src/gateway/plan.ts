import type { RetryBudgets } from "../balancing/retry-budget.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { credentialQuery, type Redacted, redactRoute, redactStream } from "../config/redact.ts";
import type { Config, UpstreamTlsConfig } from "../config/schema.ts";
import type { Cluster } from "../discovery/cluster.ts";
import { createDiscovery } from "../discovery/discovery.ts";
import type { Discovery } from "../discovery/views.ts";
import type { Drain } from "../http/drain.ts";
import type { ParseOptions } from "../http/request.ts";
import type { Transport } from "../http/transport.ts";
import { createTrust } from "../http/trust.ts";
import type { Middleware, MiddlewareParts } from "../middleware/plugin.ts";
import type { Fetch } from "../platform/fetch.ts";
import type { OpenStreams } from "../proxy/answer.ts";
import { createForwarder } from "../proxy/forward.ts";
import type { InFlightRequests } from "../proxy/in-flight.ts";
import type { Forwarder } from "../proxy/types.ts";
import { type AccessLog, createAccessLog } from "../telemetry/access-log.ts";
import type { Counters, SeriesCounts } from "../telemetry/counters.ts";
import type { LogRefusal } from "../telemetry/refusals.ts";
import type { RequestIds } from "../telemetry/request-id.ts";
import { createRequestEnd, type EndRequest } from "../telemetry/request-outcome.ts";
import type { StreamCounters } from "../telemetry/stream-counters.ts";
import type { Tracing, TracingOptions } from "../telemetry/tracing/types.ts";
import { FORMAT } from "./format.ts";
import { createPoolSet, type PoolSetOptions, type PoolStore } from "./pool-set.ts";
import { compileRouteSet, type RouteSet } from "./route-set.ts";
import { compileStreamSet, type StreamSet } from "./stream-set.ts";

/** Everything that one config decides; swapped as a whole. */
export interface Plan {
  readonly config: Config;
  /** The gateway's own. */
  readonly drain: Drain;
  readonly discovery: Discovery;
  readonly pools: PoolStore;
  readonly routes: RouteSet;
  readonly streams: StreamSet | undefined;
  readonly forwarder: Forwarder;
  readonly read: ParseOptions;
  readonly accessLog: AccessLog | undefined;
  readonly tracing: Tracing | undefined;
  /** Ends a request. */
  readonly end: EndRequest;
  readonly requestIds: RequestIds;
  /** Where requests are counted that no route takes. */
  readonly unmatched: SeriesCounts;
  /** Its routes without secrets, made when first asked for. */
  readonly shownRoutes: () => readonly Redacted[];
  readonly shownStreams: () => readonly unknown[];
}

/** What the runtime and the process bring: the same for every plan of a gateway. */
export interface PlanWorld {
  /** How requests and connections leave for upstreams, with the `upstream_tls` of a route or stream. */
  transportFor(tls: UpstreamTlsConfig | undefined): Transport;
  /** For what the gateway asks for on its own account, such as a key set: verified, without redirects, decompressed. */
  readonly plainFetch: Fetch;
  /** The user's own middleware that a config names; they were loaded before. */
  userMiddleware(use: string, options: unknown): Middleware;
  /** Whether what is in front of that server writes forwarding fields into every request (Workers). @default false */
  readonly edgeForwards?: boolean | undefined;
  /** False where a timer ends with the request that made it (Workers). @default true */
  readonly sharedTimers?: boolean | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Takes whole lines of the access log. */
  writeAccessLog(lines: string): void;
  /** Makes what `tracing` asks for. Left out: the runtime refuses such a config. */
  createTracing?(config: TracingOptions): Tracing;
}

/** What the plans of one gateway share, across configs: a plan may hold all of it, and it holds no plan. */
export interface PlanParts {
  readonly world: PlanWorld;
  readonly counters: Counters;
  readonly streamCounters: StreamCounters;
  readonly eventStreams: OpenStreams;
  readonly inFlight: InFlightRequests;
  readonly drain: Drain;
  readonly middleware: MiddlewareParts;
  readonly budgets: RetryBudgets;
  readonly logRefusal: LogRefusal;
  /** A peer that is no trusted proxy sent forwarding fields. */
  readonly onUntrusted: ((peer: string) => void) | undefined;
  readonly onEject: PoolSetOptions["onEject"];
  readonly requestIds: RequestIds;
}

/**
 * What a config comes to. Of the plan before, only its pools, the state of its middleware, its log and its spans are taken
 * over, where nothing changed: no closure of the new plan may hold the old one, or every config there ever was stays in
 * memory. Where it throws, the plan before is as it was.
 */
export function makePlan(
  config: Config,
  clusters: readonly Cluster[],
  before: Plan | undefined,
  { world, ...parts }: PlanParts,
): Plan {
  const { clock, random, logger, transportFor } = world;
  const { server } = config;
  const discovery = createDiscovery({ clusters, multi: config.discovery?.multi ?? false });
  const trusts = createTrust(server.trusted_proxies);
  const { onEject, budgets } = parts;
  const pools = createPoolSet({ discovery, clusters, clock, random, onEject, budgets, before: before?.pools });
  const routes = compileRouteSet(config, {
    pools,
    transportFor,
    counters: parts.counters,
    before: before?.routes.middleware,
    parts: parts.middleware,
    userMiddleware: world.userMiddleware,
    trusts,
    onMiddlewareError: (route, error) =>
      logger.log("error", `A middleware failed: ${error.message}`, { route, stack: error.stack }),
  });
  // A runtime that makes no connections without HTTP has no streams.
  const streams =
    transportFor(undefined).dial &&
    compileStreamSet(config, { pools, dialFor: (tls) => transportFor(tls).dial!, counters: parts.streamCounters });
  const accessLog = keptLog(before, config, world, parts.drain);
  const tracing = keptTracing(before, config.tracing, world);
  const end = createRequestEnd({ clock, drain: parts.drain, accessLog });
  return {
    config,
    drain: parts.drain,
    discovery,
    pools: pools.pools,
    routes,
    streams,
    forwarder: createForwarder({
      clock,
      logger,
      logRefusal: parts.logRefusal,
      streams: parts.eventStreams,
      inFlight: parts.inFlight,
      drain: parts.drain,
      end,
      bodyBytes: server.limits.body_bytes,
      bodyRate: server.limits.body_rate,
      bodyWindow: server.limits.body_window,
      via: server.via,
      upstreamHeaders: server.upstream_headers,
    }),
    read: {
      clock,
      trusts,
      limits: server.limits,
      underscores: server.underscore_headers,
      onUntrusted: parts.onUntrusted,
    },
    accessLog,
    tracing,
    end,
    requestIds: parts.requestIds,
    unmatched: parts.counters.unmatched,
    shownRoutes: once(() => config.routes.map((route) => redactRoute(FORMAT, route))),
    shownStreams: once(() => config.streams.map(redactStream)),
  };
}

/** A plan goes out of force: ends what the one that takes its place does not share. */
export function retire(before: Plan, { accessLog, tracing }: Plan): void {
  if (before.accessLog !== accessLog) before.accessLog?.flush();
  // Requests under way still end their spans there: what comes too late is counted as dropped.
  if (before.tracing !== tracing) void before.tracing?.stop();
}

/** Forgets what is counted of routes, services and streams that a plan does not have. */
export function forgetOthers({ config, routes }: Plan, { counters, budgets, streamCounters }: PlanParts): void {
  counters.keep(routes.series);
  const choices = routes.routes.flatMap((route) => (route.kind === "proxy" ? route.choices : []));
  budgets.keep(new Set(choices.map(({ budget }) => budget)));
  streamCounters.keep(new Set(config.streams.map(({ id }) => id)));
}

const equalSets = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((item) => b.has(item));

/** The log before where its settings are the same: it may hold lines not yet written. */
function keptLog(
  before: Plan | undefined,
  next: Config,
  { clock, writeAccessLog }: PlanWorld,
  drain: Drain,
): AccessLog | undefined {
  if (before?.config === next) return before.accessLog;
  const format = next.server.access_log;
  const hidden = credentialQuery(FORMAT, next);
  const same = before?.config.server.access_log === format && equalSets(hidden, credentialQuery(FORMAT, before.config));
  if (same) return before?.accessLog;
  return format === false ? undefined : createAccessLog({ format, hidden, clock, drain, write: writeAccessLog });
}

/** The one before where its settings are the same: it may hold spans not yet sent. */
function keptTracing(
  before: Plan | undefined,
  wanted: TracingOptions | undefined,
  { createTracing }: PlanWorld,
): Tracing | undefined {
  if (before !== undefined && JSON.stringify(before.config.tracing) === JSON.stringify(wanted)) return before.tracing;
  return wanted && createTracing?.(wanted);
}

/** The value of `make`, made when first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
