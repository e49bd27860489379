import type { Endpoint } from "../discovery/types.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { PoolCounts } from "../telemetry/traffic.ts";

/** What a choice may depend on. A connection has no headers and no query. */
export type PickInfo = Pick<IncomingRequest, "headers" | "search" | "client">;

/** What a cookie depends on: the scheme is what the client came by. */
export type CookieInfo = Pick<IncomingRequest, "headers" | "scheme">;

/**
 * One address of a pool, with its state. It lives as long as its endpoint (address and pod uid) stays in the pool:
 * changes around it do not reset it, a reused address with another uid starts with fresh state.
 */
export interface Target {
  readonly endpoint: Endpoint;
  /** `http://10.0.0.1:8080`, ready to have a path appended. */
  readonly origin: string;
  /** Requests sent to it and not yet finished. */
  inFlight: number;
}

/**
 * What decides which target a request gets: whose turn it is, its hash key, the client's address for want of one, its
 * cookie, which target is less busy, or chance.
 */
export type Decider = "turn" | "key" | "client" | "cookie" | "load" | "chance";

/** A target's state, for reports. */
export interface TargetState {
  readonly endpoint: Endpoint;
  /** Milliseconds since the epoch; undefined: it is not ejected. */
  readonly ejectedUntil: number | undefined;
  readonly inFlight: number;
  /** What active health checks say. */
  readonly healthy: boolean;
  /** It is of a lower rank than those that take traffic: used when none of them does, and for last attempts. */
  readonly standby: boolean;
}

/** What a request would find in a pool. */
export interface Preview {
  readonly by: Decider;
  /**
   * The targets that may take it. By turn, key, client or cookie, the first is the one it gets and the others follow as
   * its retries would; by load, the less busy come first, but two are drawn and compared; by chance, in no order.
   */
  readonly order: readonly TargetState[];
  /** Those that take no requests now: ejected, unhealthy, of a lower rank, or without weight while others have some. */
  readonly others: readonly TargetState[];
}

/** The targets of one route towards one service, in the order a policy gives them. */
export interface Pool {
  /**
   * The target for this request, of the highest rank in which one takes traffic; never one of `tried`, on which this
   * request already failed. undefined: none is left. `last`: no other attempt will follow, so only one of a lower rank
   * than the last one tried is wanted. Costs the same whatever the number of services; allocates nothing.
   */
  pick(request: PickInfo, tried?: readonly Target[], last?: boolean): Target | undefined;
  /** 2: some target takes traffic. 1: there are only ejected or unhealthy ones. 0: there are none. */
  availability(): 0 | 1 | 2;
  /** Whether the request has a cookie of this sticky pool, which must not be empty. */
  claims(request: PickInfo): boolean;
  /** The answer's headers arrived: passive health counts a success. */
  succeeded(target: Target): void;
  /** It could not be reached, or broke before its answer: passive health counts a failure, and may eject it. */
  failed(target: Target): void;
  /** Counts a request in flight, until `finish`. */
  start(target: Target): void;
  finish(target: Target): void;
  /** The `Set-Cookie` line a sticky pool adds to the answer; undefined for other pools, or if the client has it. */
  cookie(request: CookieInfo, target: Target): string | undefined;
  /** How many targets there are, and how many take no requests now. For metrics: it allocates next to nothing. */
  counts(): Omit<PoolCounts, "route" | "service">;
  /** Every target, in the order of its endpoints. */
  targetStates(): readonly TargetState[];
  /** What `pick` would do for this request, without changing any state. Slow: for reports, not for requests. */
  preview(request: PickInfo): Preview;
}
