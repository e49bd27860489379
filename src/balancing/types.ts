import type { Endpoint } from "../discovery/types.ts";
import type { RequestFacts } from "../request.ts";

/** What a choice may depend on. A connection has no headers and no query. */
export type PickFacts = Pick<RequestFacts, "headers" | "search" | "client">;

/**
 * One address of a pool, with what balancing remembers of it. It lives as long as its endpoint (address and pod uid)
 * stays in the pool: changes around it do not reset it, a reused address with another uid starts fresh.
 */
export interface Target {
  readonly endpoint: Endpoint;
  /** `http://10.0.0.1:8080`, ready to have a path appended. */
  readonly origin: string;
  /** Requests sent to it and not yet finished. */
  inFlight: number;
}

/** The targets of a pool by their state. */
export interface PoolCensus {
  readonly endpoints: number;
  readonly ejected: number;
  /** Found by active checks. */
  readonly unhealthy: number;
}

/** The targets of one route towards one service, in the order a policy gives them. */
export interface Pool {
  /**
   * The target for this request. `tried` are the targets this request already failed on: never one of them. undefined:
   * none is left. Costs the same whatever the number of services; allocates nothing.
   */
  pick(request: PickFacts, tried?: readonly Target[]): Target | undefined;
  /** The request's headers arrived: passive health counts a success. `inFlight` is the caller's, through start/finish. */
  succeeded(target: Target): void;
  /** It could not be reached, or broke before its answer: passive health counts a failure, and may eject it. */
  failed(target: Target): void;
  start(target: Target): void;
  finish(target: Target): void;
  /** The `Set-Cookie` line a sticky pool adds to the answer; undefined for others and where the client has it already. */
  cookie(request: PickFacts, target: Target): string | undefined;
  /** How many targets there are, and how many of them are out of turn now. For metrics: it allocates next to nothing. */
  census(): PoolCensus;
  /** For explain and the nodes page: every endpoint, and until when (ms since the epoch) it is ejected. */
  inspect(): readonly { endpoint: Endpoint; ejectedUntil: number | undefined; inFlight: number; healthy: boolean }[];
}
