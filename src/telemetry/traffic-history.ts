import type { Clock } from "../base/clock.ts";
import { DURATION_BOUNDS_MS, type SeriesCounts, viewSeries } from "./counters.ts";
import type { TrafficStatistics } from "./traffic.ts";

/** Milliseconds between two points. */
export const TRAFFIC_STEP_MS = 2000;
/** Points kept: five minutes. */
export const TRAFFIC_POINTS = 150;

/** What a route did lately, the oldest point first; all lists are equally long. */
export interface RecentTraffic {
  /** Requests a second. */
  readonly rate: Float32Array;
  /** Answers of 500 and above, a second. */
  readonly errors: Float32Array;
  /** Milliseconds within which half, and 95 of 100, of the answers' headers were there; NaN where there was none. */
  readonly p50: Float32Array;
  readonly p95: Float32Array;
}

/** What the counters showed over the last minutes. Its size is bounded by the number of routes that had traffic. */
export interface TrafficHistory {
  /** Of one route; undefined: it had no traffic. */
  route(id: string): RecentTraffic | undefined;
  /** Of all requests together. */
  total(): RecentTraffic;
  /** The addresses of routes and the counts of streams, as they were at the last point. */
  last(): Pick<TrafficStatistics, "pools" | "streams">;
  /** Takes no more points. */
  stop(): void;
}

/** Numbers of several series added up. */
interface Sum {
  readonly statuses: Float64Array;
  readonly durations: Float64Array;
}

/** A ring of points, and the counts at the last one. */
interface Series extends Sum {
  readonly rate: Float32Array;
  readonly errors: Float32Array;
  readonly p50: Float32Array;
  readonly p95: Float32Array;
}

const points = (fill: number): Float32Array => new Float32Array(TRAFFIC_POINTS).fill(fill);
const BUCKETS = DURATION_BOUNDS_MS.length + 1;

const freshSum = (): Sum => ({ statuses: new Float64Array(5), durations: new Float64Array(BUCKETS) });

const freshSeries = (): Series => ({
  rate: points(0),
  errors: points(0),
  p50: points(Number.NaN),
  p95: points(Number.NaN),
  ...freshSum(),
});

/**
 * The time within which a share of these answers came, in milliseconds: evenly spread within its bucket, as Prometheus'
 * `histogram_quantile` has it. Beyond the last bound: that bound. NaN where there is none.
 */
export function quantile(share: number, counts: ArrayLike<number>, sum: number): number {
  if (sum === 0) return Number.NaN;
  let left = share * sum;
  for (let bucket = 0; bucket < DURATION_BOUNDS_MS.length; bucket++) {
    const count = counts[bucket]!;
    if (left <= count && count > 0) {
      const from = bucket === 0 ? 0 : DURATION_BOUNDS_MS[bucket - 1]!;
      return from + (DURATION_BOUNDS_MS[bucket]! - from) * (left / count);
    }
    left -= count;
  }
  return DURATION_BOUNDS_MS.at(-1)!;
}

const STEP_SECONDS = TRAFFIC_STEP_MS / 1000;
const step = new Float64Array(BUCKETS);

/** How many more there are than at the last point; after a restart of what counts, all of them are new. */
const grown = (now: number, before: number): number => (now >= before ? now - before : now);

/** Writes the point at `at` of what came since the last one. */
function advance(series: Series, { statuses, durations }: Sum, at: number): void {
  let requests = 0;
  let errors = 0;
  for (let index = 0; index < 5; index++) {
    const more = grown(statuses[index]!, series.statuses[index]!);
    requests += more;
    if (index === 4) errors = more;
    series.statuses[index] = statuses[index]!;
  }
  let answered = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    step[bucket] = grown(durations[bucket]!, series.durations[bucket]!);
    answered += step[bucket]!;
    series.durations[bucket] = durations[bucket]!;
  }
  series.rate[at] = requests / STEP_SECONDS;
  series.errors[at] = errors / STEP_SECONDS;
  series.p50[at] = quantile(0.5, step, answered);
  series.p95[at] = quantile(0.95, step, answered);
}

const unrolled = (ring: Float32Array, from: number): Float32Array => {
  const line = new Float32Array(TRAFFIC_POINTS);
  line.set(ring.subarray(from));
  line.set(ring.subarray(0, from), TRAFFIC_POINTS - from);
  return line;
};

/** Adds up what the routes counted towards their services; those that no route took go by "". */
function sumByRoute(series: readonly SeriesCounts[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const one of series) {
    let sum = sums.get(one.route);
    if (sum === undefined) {
      sum = freshSum();
      sums.set(one.route, sum);
    }
    const { statuses, gateway } = viewSeries(one);
    for (let index = 0; index < 5; index++) sum.statuses[index]! += statuses[index]!;
    for (let bucket = 0; bucket < BUCKETS; bucket++) sum.durations[bucket]! += gateway.buckets[bucket]!;
  }
  return sums;
}

/** Takes a point of `read` every `TRAFFIC_STEP_MS`, from now on. One that cannot be had is left out. */
export function createTrafficHistory(
  read: () => TrafficStatistics | Promise<TrafficStatistics>,
  clock: Clock,
): TrafficHistory {
  const byRoute = new Map<string, Series>();
  const all = freshSeries();
  let last: Pick<TrafficStatistics, "pools" | "streams"> = { pools: [] };
  let taken = 0;
  let stopped = false;

  function take(traffic: TrafficStatistics): void {
    const at = taken % TRAFFIC_POINTS;
    const sums = sumByRoute(traffic.series);
    const total = freshSum();
    for (const [id, sum] of sums) {
      for (let index = 0; index < 5; index++) total.statuses[index]! += sum.statuses[index]!;
      for (let bucket = 0; bucket < BUCKETS; bucket++) total.durations[bucket]! += sum.durations[bucket]!;
      let series = byRoute.get(id);
      if (series === undefined) {
        if (sum.statuses.every((count) => count === 0)) continue;
        series = freshSeries();
        byRoute.set(id, series);
      }
      advance(series, sum, at);
    }
    for (const id of byRoute.keys()) if (!sums.has(id)) byRoute.delete(id);
    advance(all, total, at);
    last = { pools: traffic.pools, streams: traffic.streams };
    taken++;
  }

  let cancel = clock.after(TRAFFIC_STEP_MS, tick);
  function next(): void {
    if (!stopped) cancel = clock.after(TRAFFIC_STEP_MS, tick);
  }
  function tick(): void {
    const traffic = read();
    if (!(traffic instanceof Promise)) {
      take(traffic);
      next();
      return;
    }
    traffic
      .then(take)
      .catch(() => {})
      .then(next);
  }

  const shown = ({ rate, errors, p50, p95 }: Series): RecentTraffic => {
    const from = taken % TRAFFIC_POINTS;
    return {
      rate: unrolled(rate, from),
      errors: unrolled(errors, from),
      p50: unrolled(p50, from),
      p95: unrolled(p95, from),
    };
  };

  return {
    route(id) {
      const series = byRoute.get(id);
      return series && shown(series);
    },
    total: () => shown(all),
    last: () => last,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
