import type { Endpoint } from "../discovery/types.ts";
import type { RequestFacts } from "../http/request.ts";

/** What a choice may depend on. A connection has no headers and no query. */
export type PickInfo = Pick<RequestFacts, "headers" | "search" | "client">;

/** What a cookie depends on: the scheme is what the client came by. */
export type CookieInfo = Pick<RequestFacts, "headers" | "scheme">;

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
export interface TargetCounts {
  readonly endpoints: number;
  readonly ejected: number;
  /** Found by active checks. */
  readonly unhealthy: number;
  /** Of a lower rank than those that take traffic. */
  readonly standby: number;
}

/**
 * What decides which target a request gets: whose turn it is, its hash key, the client's address for want of one, its cookie, who is
 * less busy, or chance.
 */
export type Decider = "turn" | "key" | "client" | "cookie" | "load" | "chance";

/** A target as people may see it. */
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
   * The targets that may take it. By turn, key, client or cookie, the first is the one it gets and the others follow as its
   * retries would; by load, the less busy come first, but two are drawn and compared; by chance, as the endpoints are.
   */
  readonly order: readonly TargetState[];
  /** Those that take none now: ejected, not healthy, of a lower rank, or without weight while others have some. */
  readonly others: readonly TargetState[];
}

/** The targets of one route towards one service, in the order a policy gives them. */
export interface Pool {
  /**
   * The target for this request, of the highest rank in which one takes traffic. `tried` are the targets this request
   * already failed on: never one of them. undefined: none is left. `last`: no other attempt will follow, so that one of a
   * lower rank than the last one tried is wanted, and none where there is no such. Costs the same whatever the number of
   * services; allocates nothing.
   */
  pick(request: PickInfo, tried?: readonly Target[], last?: boolean): Target | undefined;
  /** 2: some target takes traffic. 1: there are only doubtful ones, ejected or unhealthy. 0: there are none. */
  availability(): 0 | 1 | 2;
  /** Whether the request says that it belongs to this service: the cookie of a sticky pool does, while a target is there. */
  claims(request: PickInfo): boolean;
  /** The request's headers arrived: passive health counts a success. `inFlight` is the caller's, through start/finish. */
  succeeded(target: Target): void;
  /** It could not be reached, or broke before its answer: passive health counts a failure, and may eject it. */
  failed(target: Target): void;
  start(target: Target): void;
  finish(target: Target): void;
  /** The `Set-Cookie` line a sticky pool adds to the answer; undefined for others and where the client has it already. */
  cookie(request: CookieInfo, target: Target): string | undefined;
  /** How many targets there are, and how many of them are out of turn now. For metrics: it allocates next to nothing. */
  counts(): TargetCounts;
  /** Every target, in the order of its endpoints. */
  targetStates(): readonly TargetState[];
  /** What `pick` would do for this request, told without moving anything. Slow: for people, not for requests. */
  preview(request: PickInfo): Preview;
}
