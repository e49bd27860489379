import { noRefusals, REFUSAL_REASONS, type RefusalCounts } from "../http/server/refusal-counts.ts";
import type { SeriesCounts } from "./counters.ts";
import type { StreamCounts } from "./stream-counters.ts";
import type { SpanCounts } from "./tracing/types.ts";

/** The addresses that one route has for one service. */
export interface PoolCounts {
  readonly route: string;
  readonly service: string;
  readonly endpoints: number;
  /** Of these: ejected after failures, at the moment. */
  readonly ejected: number;
  /** Of these: found unhealthy by active checks. */
  readonly unhealthy: number;
  /** Of these: waiting, since others come first by priority or zone. */
  readonly standby: number;
}

/** What one stream has counted, and the addresses it has. */
export interface StreamTraffic extends Readonly<StreamCounts> {
  readonly stream: string;
  readonly endpoints: number;
  readonly ejected: number;
  readonly unhealthy: number;
}

/** What one thread's gateway has counted: plain data, fit for `structuredClone`. */
export interface TrafficStatistics {
  readonly series: readonly SeriesCounts[];
  readonly pools: readonly PoolCounts[];
  /** undefined: requests are not traced. */
  readonly spans?: SpanCounts | undefined;
  /** What its listener refused. Left out: it has none. */
  readonly refused?: Readonly<RefusalCounts> | undefined;
  /** Left out: this thread serves no streams. */
  readonly streams?: readonly StreamTraffic[] | undefined;
}

const keyOf = ({ route, service }: { readonly route: string; readonly service: string }): string =>
  JSON.stringify([route, service]);

function sumSeries(series: readonly SeriesCounts[]): SeriesCounts[] {
  const sums = new Map<string, SeriesCounts>();
  for (const one of series) {
    const key = keyOf(one);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...one, values: one.values.slice() });
    else for (let i = 0; i < sum.values.length; i++) sum.values[i]! += one.values[i]!;
  }
  return [...sums.values()];
}

/** One entry for each route and service. Every thread judges the same addresses: the worst counts. */
export function mergePools(pools: readonly PoolCounts[]): PoolCounts[] {
  const merged = new Map<string, PoolCounts>();
  for (const pool of pools) {
    const key = keyOf(pool);
    const before = merged.get(key) ?? pool;
    merged.set(key, {
      route: pool.route,
      service: pool.service,
      endpoints: Math.max(before.endpoints, pool.endpoints),
      ejected: Math.max(before.ejected, pool.ejected),
      unhealthy: Math.max(before.unhealthy, pool.unhealthy),
      standby: Math.max(before.standby, pool.standby),
    });
  }
  return [...merged.values()];
}

function sumSpans(all: readonly SpanCounts[]): SpanCounts | undefined {
  if (all.length === 0) return undefined;
  const sum = (of: keyof SpanCounts): number => all.reduce((total, spans) => total + spans[of], 0);
  return { exported: sum("exported"), dropped: sum("dropped"), refused: sum("refused") };
}

function sumRefused(all: readonly Readonly<RefusalCounts>[]): RefusalCounts {
  const sum = noRefusals();
  for (const counts of all) for (const reason of REFUSAL_REASONS) sum[reason] += counts[reason];
  return sum;
}

/** What several threads have counted together. Its arrays are copies. */
export function sumTraffic(parts: readonly TrafficStatistics[]): TrafficStatistics {
  return {
    series: sumSeries(parts.flatMap(({ series }) => series)),
    pools: mergePools(parts.flatMap(({ pools }) => pools)),
    spans: sumSpans(parts.flatMap(({ spans }) => spans ?? [])),
    refused: sumRefused(parts.flatMap(({ refused }) => refused ?? [])),
    // Only one thread serves them.
    streams: parts.flatMap(({ streams }) => streams ?? []),
  };
}
