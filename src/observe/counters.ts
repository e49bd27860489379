/** Upper bounds of the duration histogram in milliseconds; the last bucket is everything above them. */
export const DURATION_BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

/** What a retry was for. */
export type RetryKind = "connect" | "reset" | "status";

/** What one route has counted since the gateway started: numbers only ever grow. */
export interface RouteCounts {
  /** Answers by status class: 1xx to 5xx at 0 to 4. */
  readonly statuses: Float64Array;
  /** Answers by the time to their headers, not cumulative: one for each bound, and one above them all. */
  readonly durations: Float64Array;
  /** Milliseconds of all answers together, by the gateway's clock, which counts whole ones. */
  sum: number;
  /** Attempts that followed a failed one. */
  readonly retries: Record<RetryKind, number>;
}

/** The counters of a gateway, by route. */
export interface Counters {
  /** The counts of a route; the same ones for an id that was known before, across reloads. */
  route(id: string): RouteCounts;
  /** Requests that no route took, or that were refused before one was looked for. */
  readonly unmatched: RouteCounts;
  /** Forgets routes that are no longer configured: memory does not grow with reloads. */
  keep(ids: ReadonlySet<string>): void;
  all(): ReadonlyMap<string, RouteCounts>;
}

const freshCounts = (): RouteCounts => ({
  statuses: new Float64Array(5),
  durations: new Float64Array(DURATION_BOUNDS_MS.length + 1),
  sum: 0,
  retries: { connect: 0, reset: 0, status: 0 },
});

/** Counts one answer. `ms`: from taking the request up to the answer's headers. Allocates nothing, never throws. */
export function countAnswer(counts: RouteCounts, status: number, ms: number): void {
  counts.statuses[((status / 100) | 0) - 1]!++;
  // A clock that was set back would take away from a sum that must only grow.
  const taken = Math.max(ms, 0);
  let bucket = 0;
  while (bucket < DURATION_BOUNDS_MS.length && taken > DURATION_BOUNDS_MS[bucket]!) bucket++;
  counts.durations[bucket]!++;
  counts.sum += taken;
}

/** Makes counters that stand at zero. */
export function createCounters(): Counters {
  const routes = new Map<string, RouteCounts>();
  return {
    unmatched: freshCounts(),
    route(id) {
      const known = routes.get(id);
      if (known !== undefined) return known;
      const counts = freshCounts();
      routes.set(id, counts);
      return counts;
    },
    keep(ids) {
      for (const id of routes.keys()) if (!ids.has(id)) routes.delete(id);
    },
    all: () => routes,
  };
}
