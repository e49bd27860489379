import type { Cluster } from "../discovery/cluster.ts";
import type { ClusterCounters, ClusterStatus } from "../discovery/views.ts";
import { sizeLimit } from "../discovery/warnings.ts";
import type { RefusalCounts } from "../http/server/refusal-counts.ts";
import type { Counters } from "./counters.ts";
import type { StreamCounts } from "./stream-counters.ts";
import type { Tracing } from "./tracing/types.ts";
import { mergePools, type PoolCounts, type StreamTraffic, type TrafficStatistics } from "./traffic.ts";

/** One followed cluster. */
export interface ClusterMetrics {
  readonly status: ClusterStatus;
  readonly counters: ClusterCounters;
  /** `shared_size` in bytes; Infinity where there is none. */
  readonly sharedSize: number;
}

/** Everything a gateway knows of itself, as plain data: what `/metrics` shows is made of it. */
export interface GatewayMetrics {
  readonly traffic: TrafficStatistics;
  readonly clusters: readonly ClusterMetrics[];
  /** Every required cluster has a snapshot. */
  readonly ready: boolean;
  readonly draining: boolean;
}

/** What the gateway of this thread has counted, and the addresses its routes have. */
export function collectTraffic(
  counters: Counters,
  { routes, streams, tracing, refused }: TrafficSources,
): TrafficStatistics {
  const pools = routes.flatMap((route) => ("choices" in route ? poolsOf(route) : []));
  // A route may split its requests between two ports of one service.
  return {
    series: counters.all(),
    pools: mergePools(pools),
    spans: tracing?.counts(),
    refused: refused && { ...refused },
    streams: streams && [...streams].map(streamTraffic),
  };
}

/** Addresses of a priority that is not in use wait, whatever their pool has in turn. */
function poolsOf({ rule, choices, proxy }: ProxyPools): PoolCounts[] {
  const inUse = proxy.backends.activePriority();
  return choices.map(({ pool, upstream, priority }) => {
    const counts = pool.counts();
    const { endpoints, ejected, unhealthy } = counts;
    const standby = priority === inUse ? counts.standby : Math.max(0, endpoints - ejected - unhealthy);
    return { ...counts, standby, route: rule.id, service: upstream.name };
  });
}

/** Where a gateway's numbers are, beside its counters. */
export interface TrafficSources {
  readonly routes: readonly RoutePools[];
  /** undefined: the runtime has none. */
  readonly streams: Iterable<StreamPools> | undefined;
  readonly tracing: Tracing | undefined;
  /** What its listener refused. */
  readonly refused?: RefusalCounts | undefined;
}

function streamTraffic({ rule, of, counts }: StreamPools): StreamTraffic {
  const sum = { endpoints: 0, ejected: 0, unhealthy: 0 };
  for (const { pool } of of) {
    const { endpoints, ejected, unhealthy } = pool.counts();
    sum.endpoints += endpoints;
    sum.ejected += ejected;
    sum.unhealthy += unhealthy;
  }
  return { ...counts, ...sum, stream: rule.id };
}

/** Addresses that are counted. */
interface CountedPool {
  counts(): Omit<PoolCounts, "route" | "service">;
}

/** A route, and where it may send requests. */
type RoutePools = { readonly rule: { readonly id: string } } & (Omit<ProxyPools, "rule"> | object);

interface ProxyPools {
  readonly rule: { readonly id: string };
  readonly choices: readonly {
    readonly pool: CountedPool;
    readonly upstream: { readonly name: string };
    readonly priority: number;
  }[];
  readonly proxy: { readonly backends: { activePriority(): number } };
}

/** A stream, and where it may send connections. */
interface StreamPools {
  readonly rule: { readonly id: string };
  readonly of: readonly { readonly pool: CountedPool }[];
  readonly counts: StreamCounts;
}

/** The clusters as they stand now. */
export const collectClusters = (clusters: readonly Cluster[]): ClusterMetrics[] =>
  clusters.map((cluster) => ({
    status: cluster.status(),
    counters: cluster.counters(),
    sharedSize: sizeLimit(cluster.config.shared_size),
  }));
