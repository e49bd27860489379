import type { Endpoint } from "../discovery/types.ts";
import type { PassiveState } from "./health/passive-health.ts";
import type { CookieInfo, Decider, PickInfo, Target } from "./types.ts";

/** A target as the pool and its policy see it. */
export interface PoolMember extends Target {
  /** Replaced when only its weight or zone changed. */
  endpoint: Endpoint;
  readonly passive: PassiveState;
  /** What active health checks say; true until they say otherwise: Kubernetes called it ready. */
  healthy: boolean;
  /** Its place in the pool's list; -1 once it left the pool. */
  order: number;
  /** 0 is used first, the others in their order: by priority, then those that discovery prefers. */
  rank: number;
  /** The endpoint's weight; 1 where every endpoint of the pool has weight 0. */
  weight: number;
  /** One of the view's candidates. */
  selectable: boolean;
}

/** What a policy chooses from. A new one for every change. */
export interface PoolView {
  /** Every target of the pool, in the order of its endpoints. The array changes only when endpoints did. */
  readonly members: readonly PoolMember[];
  /**
   * Those that take new requests: with weight, healthy, not ejected, of the first rank that has such; where no rank
   * has, all with weight of the first. In the order of `members`.
   */
  readonly candidates: readonly PoolMember[];
}

/** One way to choose a target. */
export interface Policy {
  /** Called before the first pick, and again whenever endpoints, ejections or health changed. */
  update(view: PoolView): void;
  /**
   * One of the candidates that is not among `tried`. undefined: none was found with little effort; the pool then looks
   * at each.
   */
  pick(request: PickInfo, tried: readonly Target[]): PoolMember | undefined;
  /** What `pick` would choose from, in its order (see `Preview`), without changing any state. */
  preview(request: PickInfo): { readonly by: Decider; readonly order: readonly PoolMember[] };
  /** Whether the request's cookie is one of this service; left out: this policy sets no cookie. */
  claims?(request: PickInfo): boolean;
  /** The `Set-Cookie` line for an answer of this target, for policies that use one. */
  cookie?(request: CookieInfo, target: Target): string | undefined;
}

/** Whether this request already failed on the target's address, whichever pod was behind it then. */
export function wasTried(target: Target, tried: readonly Target[]): boolean {
  for (let i = 0; i < tried.length; i++) {
    if (tried[i] === target || tried[i]!.endpoint.address === target.endpoint.address) return true;
  }
  return false;
}
