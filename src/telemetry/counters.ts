import { PROBLEM_CODES, type ProblemCode } from "../http/problem.ts";

/** Upper bounds of the duration histograms in milliseconds; the last bucket is everything above them. */
export const DURATION_BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

/** What a retry was for. */
export const RETRY_KINDS = ["connect", "reset", "status", "timeout"] as const;
export type RetryKind = (typeof RETRY_KINDS)[number];

/**
 * Why an answer is not the service's: a problem's code, or `middleware` where a user's module or one of Hono's
 * middleware answered in words of its own.
 */
export type AnswerReason = ProblemCode | "middleware";

const REASONS: readonly AnswerReason[] = [...PROBLEM_CODES, "middleware"];

/**
 * What one route has counted towards one service since the gateway started: plain data, which can be cloned to another
 * thread and summed number by number. Only the functions of this file know where a number stands.
 */
export interface SeriesCounts {
  /** The route's id; "" for requests that no route took or that were refused before one was looked for. */
  readonly route: string;
  /** The service as the config names it; "" for what no service was asked for: redirects, refusals by middleware. */
  readonly service: string;
  readonly values: Float64Array;
}

// Where the numbers stand. One array for all of them: no allocation and no search by a name for each request. What every
// request changes comes first, so that it touches few lines of the processor's cache.
const STATUSES = 0;
const IN_FLIGHT = 5;
const GATEWAY_SUM = 6;
const UPSTREAM_SUM = 7;
const GATEWAY = 8;
const BUCKETS = DURATION_BOUNDS_MS.length + 1;
const UPSTREAM = GATEWAY + BUCKETS;
const SOCKETS = UPSTREAM + BUCKETS;
const EJECTIONS = SOCKETS + 1;
const RETRIES = EJECTIONS + 1;
const PROBLEMS = RETRIES + RETRY_KINDS.length;
const SIZE = PROBLEMS + REASONS.length;

const reasonIndex = new Map<AnswerReason, number>(REASONS.map((reason, index) => [reason, PROBLEMS + index]));
const retryIndex = Object.fromEntries(RETRY_KINDS.map((kind, index) => [kind, RETRIES + index])) as Readonly<
  Record<RetryKind, number>
>;

/** Counts that stand at zero. */
export const freshCounts = (route: string, service: string): SeriesCounts => ({
  route,
  service,
  values: new Float64Array(SIZE),
});

/**
 * `histogram` is where its buckets begin, `sum` where their sum stands. A clock that was set back would take from a sum
 * that must only grow.
 */
function observe(values: Float64Array, histogram: number, sum: number, ms: number): void {
  const taken = Math.max(ms, 0);
  let bucket = 0;
  while (bucket < DURATION_BOUNDS_MS.length && taken > DURATION_BOUNDS_MS[bucket]!) bucket++;
  values[histogram + bucket]!++;
  values[sum]! += taken;
}

/**
 * Counts one answer. `ms`: from taking the request up to the answer's headers. `reason`: left out where a service gave
 * it. Allocates nothing, never throws.
 */
export function countAnswer({ values }: SeriesCounts, status: number, ms: number, reason?: AnswerReason): void {
  // A status above 599 is not one of HTTP's; pods send such all the same.
  values[STATUSES + Math.min((status / 100) | 0, 5) - 1]!++;
  observe(values, GATEWAY, GATEWAY_SUM, ms);
  // Below that no request is refused: a redirect or a preflight's answer is what was asked for.
  if (reason !== undefined && status >= 400) values[reasonIndex.get(reason)!]!++;
}

/** A request went on to the service (1), or its answer came back (-1). */
export function countInFlight({ values }: SeriesCounts, change: 1 | -1): void {
  values[IN_FLIGHT]! += change;
}

/** A pod answered an attempt. `ms`: from sending it to the answer's headers. */
export function countUpstream({ values }: SeriesCounts, ms: number): void {
  observe(values, UPSTREAM, UPSTREAM_SUM, ms);
}

/** An attempt follows a failed one. */
export function countRetry({ values }: SeriesCounts, kind: RetryKind): void {
  values[retryIndex[kind]]!++;
}

/** An address was ejected. */
export function countEjection({ values }: SeriesCounts): void {
  values[EJECTIONS]!++;
}

/** A WebSocket was opened (1), or is over (-1). */
export function countSocket({ values }: SeriesCounts, change: 1 | -1): void {
  values[SOCKETS]! += change;
}

/** What a thread that is gone has counted: nothing of it is on its way or open any more. */
export function ofTheGone(counts: SeriesCounts): SeriesCounts {
  const values = counts.values.slice();
  values[IN_FLIGHT] = 0;
  values[SOCKETS] = 0;
  return { ...counts, values };
}

/** A histogram's numbers, not cumulative: one bucket for each bound, and one above them all. */
export interface Durations {
  readonly buckets: Float64Array;
  /** Milliseconds of all observations together. */
  readonly sum: number;
}

/** The numbers of a series by their meaning. */
export interface SeriesView {
  /** Answers by status class: 1xx to 5xx at 0 to 4. */
  readonly statuses: Float64Array;
  /** Requests on their way to the service. */
  readonly inFlight: number;
  /** WebSockets that are open. */
  readonly sockets: number;
  readonly ejections: number;
  readonly retries: Readonly<Record<RetryKind, number>>;
  /** From taking a request up to its answer's headers. */
  readonly gateway: Durations;
  /** From sending an attempt to its answer's headers. */
  readonly upstream: Durations;
  /** Answers of the gateway and its middleware, of 400 and above, by their reason; only those that occurred. */
  readonly problems: ReadonlyMap<AnswerReason, number>;
}

const durations = (values: Float64Array, from: number, sum: number): Durations => ({
  buckets: values.subarray(from, from + BUCKETS),
  sum: values[sum]!,
});

/** Reads a series. The arrays are its own: they go on counting. */
export function viewSeries({ values }: SeriesCounts): SeriesView {
  return {
    statuses: values.subarray(STATUSES, STATUSES + 5),
    inFlight: values[IN_FLIGHT]!,
    sockets: values[SOCKETS]!,
    ejections: values[EJECTIONS]!,
    retries: Object.fromEntries(RETRY_KINDS.map((kind) => [kind, values[retryIndex[kind]]!])) as Record<
      RetryKind,
      number
    >,
    gateway: durations(values, GATEWAY, GATEWAY_SUM),
    upstream: durations(values, UPSTREAM, UPSTREAM_SUM),
    problems: new Map(
      REASONS.map((reason, index) => [reason, values[PROBLEMS + index]!] as const).filter(([, count]) => count > 0),
    ),
  };
}

/** The counters of a gateway, by route and service. */
export interface Counters {
  /** The counts of a route towards a service; the same ones for a pair that was known before, across reloads. */
  series(route: string, service: string): SeriesCounts;
  /** Requests that no route took, or that were refused before one was looked for. */
  readonly unmatched: SeriesCounts;
  /** Forgets what is no longer configured: memory does not grow with reloads. */
  keep(used: ReadonlySet<SeriesCounts>): void;
  /** Every series, the unmatched one first. */
  all(): readonly SeriesCounts[];
}

/** Makes counters that stand at zero. */
export function createCounters(): Counters {
  const unmatched = freshCounts("", "");
  const known = new Map<string, SeriesCounts>();
  return {
    unmatched,
    series(route, service) {
      const key = JSON.stringify([route, service]);
      const before = known.get(key);
      if (before !== undefined) return before;
      const counts = freshCounts(route, service);
      known.set(key, counts);
      return counts;
    },
    keep(used) {
      for (const [key, counts] of known) if (!used.has(counts)) known.delete(key);
    },
    all: () => [unmatched, ...known.values()],
  };
}
