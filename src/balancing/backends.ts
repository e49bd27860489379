import type { Random } from "../base/clock.ts";
import type { Upstream } from "../discovery/types.ts";
import { hash } from "./hash.ts";
import { createSplit } from "./split.ts";
import type { PickInfo, Pool, Target } from "./types.ts";

/** One of the services that a route may send a request to. */
export interface Backend {
  readonly pool: Pick<Pool, "pick" | "availability" | "claims">;
  readonly upstream: Pick<Upstream, "name" | "refresh">;
  /** Its share is this of all weights of its priority; where all are 0, all count the same. */
  readonly weight: number;
  /** The greater first. */
  readonly priority: number;
}

/** A target, and the service it belongs to. */
export interface Picked<B extends Backend> {
  readonly from: B;
  readonly target: Target;
}

/** The services of a route: which of them a request goes to, and where its retries go. */
export interface Backends<B extends Backend> {
  /**
   * The service for this request: one of the highest priority in which an address takes traffic; among several, the
   * one its key or cookie points to, else the next by weight.
   */
  choose(request: PickInfo): B;
  /**
   * The target for another attempt, never one of `tried`: of the same service while it has one left, then of a lower
   * priority. `last`: no other attempt will follow, so the next priority comes first. undefined: none is left.
   */
  next(request: PickInfo, from: B, tried: readonly Target[], last: boolean): Picked<B> | undefined;
  /** The priority that requests go to now. */
  activePriority(): number;
  /** The service that a request's key or cookie points to; undefined: services take turns. Changes no state. */
  pinned(request: PickInfo): B | undefined;
}

/**
 * Makes them of at least one service. `keyOf` reads the request's key where a key chooses the address: it has to choose
 * the service too, or a client would not stay with its address.
 */
export function createBackends<B extends Backend>(
  entries: readonly B[],
  { random, keyOf }: { random: Random; keyOf: ((request: PickInfo) => string | undefined) | undefined },
): Backends<B> {
  const priorities = [...new Set(entries.map(({ priority }) => priority))].sort((a, b) => b - a);
  const tiers = priorities.map((priority) => {
    const of = entries.filter((entry) => entry.priority === priority);
    return { of, split: createSplit(of, random) };
  });
  type Tier = (typeof tiers)[number];
  const first = tiers[0]!;

  const refreshing = new Set<B>();

  /** A priority without addresses gets no requests, so a cluster queried per request would never query its services. */
  function refresh(entry: B): void {
    if (refreshing.has(entry)) return;
    const work = entry.upstream.refresh();
    if (work === undefined) return;
    refreshing.add(entry);
    void work.then(() => refreshing.delete(entry));
  }

  /** The highest in which an address takes traffic, else the highest that has an address. */
  function activeTier(): Tier {
    if (tiers.length === 1) return first;
    let best = first;
    let most = 0;
    for (const tier of tiers) {
      let availability = 0;
      for (const { pool } of tier.of) availability = Math.max(availability, pool.availability());
      if (availability === 2) return tier;
      for (const entry of tier.of) refresh(entry);
      if (availability <= most) continue;
      best = tier;
      most = availability;
    }
    return best;
  }

  function pinnedIn({ of }: Tier, request: PickInfo): B | undefined {
    for (const entry of of) if (entry.pool.claims(request)) return entry;
    const key = keyOf?.(request);
    return key === undefined ? undefined : byKey(of, key);
  }

  const chooseIn = (tier: Tier, request: PickInfo): B =>
    tier.of.length === 1 ? tier.of[0]! : (pinnedIn(tier, request) ?? tier.split.choose());

  /** A target of a lower priority than `above`. */
  function below(above: number, request: PickInfo, tried: readonly Target[]): Picked<B> | undefined {
    // First those with an address that takes traffic, then those that have only ejected or unhealthy ones.
    for (const least of [2, 1]) {
      for (const tier of tiers) {
        if (tier.of[0]!.priority >= above) continue;
        const chosen = chooseIn(tier, request);
        for (const from of [chosen, ...tier.of]) {
          const target = from.pool.availability() >= least ? from.pool.pick(request, tried) : undefined;
          if (target !== undefined) return { from, target };
        }
      }
    }
    return undefined;
  }

  return {
    choose: (request) => chooseIn(activeTier(), request),
    next(request, from, tried, last) {
      const lower = last ? (from.pool.pick(request, tried, true) ?? below(from.priority, request, tried)) : undefined;
      if (lower !== undefined) return "from" in lower ? lower : { from, target: lower };
      const target = from.pool.pick(request, tried);
      return target === undefined ? below(from.priority, request, tried) : { from, target };
    },
    activePriority: () => activeTier().of[0]!.priority,
    pinned: (request) => pinnedIn(activeTier(), request),
  };
}

/**
 * The entry for a key: rendezvous hashing by weight, so that equal keys lead to the same one in every replica, and a
 * changed weight moves no more keys than it has to (Schindelhauer and Schomaker, Weighted Distributed Hash Tables,
 * 2005).
 */
function byKey<B extends Backend>(entries: readonly B[], key: string): B {
  const weighted = entries.some(({ weight }) => weight > 0);
  let chosen = entries[0]!;
  let best = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    if (weighted && entry.weight === 0) continue;
    const drawn = (hash(key, hash(entry.upstream.name, 0)) + 1) / (2 ** 32 + 1);
    const score = -Math.log(drawn) / (weighted ? entry.weight : 1);
    if (score >= best) continue;
    best = score;
    chosen = entry;
  }
  return chosen;
}
