import type { Picked } from "../balancing/backends.ts";
import type { Pool, Target } from "../balancing/types.ts";
import type { IncomingRequest } from "../http/request.ts";
import { countInFlight, countRetry } from "../telemetry/counters.ts";
import type { RequestOutcome } from "../telemetry/request-outcome.ts";
import type { AttemptTrace } from "../telemetry/tracing/types.ts";
import type { InFlightRequest } from "./in-flight.ts";
import type { RetryCause } from "./options.ts";
import { mayRetry } from "./retry.ts";
import type { Switched } from "./switched.ts";
import type { ProxyBackend, ProxyRoute } from "./types.ts";

/** One request on its way: what its attempts share. */
export interface AttemptContext {
  readonly facts: IncomingRequest;
  readonly route: ProxyRoute;
  readonly outcome: RequestOutcome;
  /** Of the service it is on its way to. */
  pool: Pool;
  readonly pending: InFlightRequest;
  /** What becomes of its connection where its pod goes over to another protocol; undefined: it does not ask for that. */
  readonly switched: Switched | undefined;
  /** Pods that failed; made at the first failure. */
  tried: Target[] | undefined;
  /** Of the attempt under way. */
  span: AttemptTrace | undefined;
}

/** The pod for another attempt, if the rule, the request and the budget allow one. */
export function nextAttempt(
  context: AttemptContext,
  { from, target }: Picked<ProxyBackend>,
  cause: RetryCause,
  attempt: number,
): Picked<ProxyBackend> | undefined {
  const { facts, route, pending, outcome } = context;
  const { attempts } = route.rule.retries;
  if (attempts !== "all" && attempt >= attempts) return undefined;
  if (!mayRetry(route.rule.retries, cause, facts.method, pending.upload)) return undefined;
  context.tried ??= [];
  context.tried.push(target);
  const next = route.backends.next(facts, from, context.tried, attempt + 1 === attempts);
  // A connection that was never made cost the pods nothing.
  if (next === undefined || (cause !== "connect" && !next.from.budget.take())) return undefined;
  if (outcome.counts !== undefined) countRetry(outcome.counts, typeof cause === "number" ? "status" : cause);
  if (next.from !== from) switchBackend(next.from, context);
  return next;
}

/** Goes on with another service: that is where the request is under way, and where its answer is counted. */
export function switchBackend({ pool, counts, upstream }: ProxyBackend, context: AttemptContext): void {
  const { outcome } = context;
  const { entry } = outcome;
  if (outcome.counts !== undefined) countInFlight(outcome.counts, -1);
  if (counts !== undefined) countInFlight(counts, 1);
  context.pool = pool;
  outcome.counts = counts;
  if (entry === undefined) return;
  entry.service = upstream.name;
  entry.cluster = upstream.cluster;
}
