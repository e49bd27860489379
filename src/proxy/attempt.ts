import type { Picked } from "../balancing/backends.ts";
import type { Pool, Target } from "../balancing/types.ts";
import type { RequestFacts } from "../http/request.ts";
import type { Transport, Tunnel } from "../http/transport.ts";
import type { Upgrade } from "../platform/websocket.ts";
import { countInFlight, countRetry, type Outcome, type SeriesCounts } from "../telemetry/counters.ts";
import type { Exchange } from "../telemetry/exchange.ts";
import type { AttemptTrace } from "../telemetry/tracing/types.ts";
import type { Flight } from "./in-flight.ts";
import type { RetryCause } from "./options.ts";
import { mayRetry } from "./retry.ts";
import type { Choice, ProxyRoute } from "./types.ts";

/** One request on its way: what its attempts share. */
export interface Journey {
  readonly request: Request;
  readonly facts: RequestFacts;
  readonly route: ProxyRoute;
  readonly exchange: Exchange | undefined;
  readonly outcome: Outcome;
  /** Of the service it is on its way to. */
  pool: Pool;
  counts: SeriesCounts | undefined;
  readonly flight: Flight;
  readonly transport: Transport;
  /** A WebSocket that it asks for, and how the client's end of that is accepted. */
  readonly tunnel: Tunnel | undefined;
  readonly upgrade: Upgrade | undefined;
  /** Pods that failed; made at the first failure. */
  tried: Target[] | undefined;
  /** Of the attempt under way. */
  span: AttemptTrace | undefined;
}

/** The pod for another attempt, if the rule, the request and the budget allow one. */
export function another(
  journey: Journey,
  { from, target }: Picked<Choice>,
  cause: RetryCause,
  attempt: number,
): Picked<Choice> | undefined {
  const { facts, route, flight, counts } = journey;
  const { attempts } = route.rule.retries;
  if (attempts !== "all" && attempt >= attempts) return undefined;
  if (!mayRetry(route.rule.retries, cause, facts.method, flight.upload)) return undefined;
  journey.tried ??= [];
  journey.tried.push(target);
  const next = route.backends.next(facts, from, journey.tried, attempt + 1 === attempts);
  // A connection that was never made cost the pods nothing.
  if (next === undefined || (cause !== "connect" && !next.from.budget.take())) return undefined;
  if (counts !== undefined) countRetry(counts, typeof cause === "number" ? "status" : cause);
  if (next.from !== from) turnTo(next.from, journey);
  return next;
}

/** Goes on with another service: that is where the request is under way, and where its answer is counted. */
export function turnTo({ pool, counts, upstream }: Choice, journey: Journey): void {
  const { outcome, exchange } = journey;
  if (journey.counts !== undefined) countInFlight(journey.counts, -1);
  if (counts !== undefined) countInFlight(counts, 1);
  journey.pool = pool;
  journey.counts = counts;
  outcome.counts = counts;
  if (exchange === undefined) return;
  exchange.service = upstream.name;
  exchange.cluster = upstream.cluster;
}
