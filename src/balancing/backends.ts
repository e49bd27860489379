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
export const createBackends = <B extends Backend>(entries: readonly B[], options: BackendsOptions): Backends<B> =>
  new ServiceBackends(entries, options);

interface BackendsOptions {
  readonly random: Random;
  readonly keyOf: ((request: PickInfo) => string | undefined) | undefined;
}

/** The services of one priority. */
interface Tier<B> {
  readonly of: readonly B[];
  readonly split: { choose(): B };
}

class ServiceBackends<B extends Backend> implements Backends<B> {
  /** The only one there is: then there is nothing to choose. */
  readonly #only: B | undefined;
  readonly #tiers: readonly Tier<B>[];
  readonly #keyOf: BackendsOptions["keyOf"];
  readonly #refreshing = new Set<B>();

  constructor(entries: readonly B[], { random, keyOf }: BackendsOptions) {
    const priorities = [...new Set(entries.map(({ priority }) => priority))].sort((a, b) => b - a);
    this.#only = entries.length === 1 ? entries[0] : undefined;
    this.#keyOf = keyOf;
    this.#tiers = priorities.map((priority) => {
      const of = entries.filter((entry) => entry.priority === priority);
      return { of, split: createSplit(of, random) };
    });
  }

  choose(request: PickInfo): B {
    return this.#only ?? this.#chooseIn(this.#activeTier(), request);
  }

  next(request: PickInfo, from: B, tried: readonly Target[], last: boolean): Picked<B> | undefined {
    const lower = last
      ? (from.pool.pick(request, tried, true) ?? this.#below(from.priority, request, tried))
      : undefined;
    if (lower !== undefined) return "from" in lower ? lower : { from, target: lower };
    const target = from.pool.pick(request, tried);
    return target === undefined ? this.#below(from.priority, request, tried) : { from, target };
  }

  activePriority(): number {
    return this.#activeTier().of[0]!.priority;
  }

  pinned(request: PickInfo): B | undefined {
    return this.#pinnedIn(this.#activeTier(), request);
  }

  /** A priority without addresses gets no requests, so a cluster queried per request would never query its services. */
  #refresh(entry: B): void {
    if (this.#refreshing.has(entry)) return;
    const work = entry.upstream.refresh();
    if (work === undefined) return;
    this.#refreshing.add(entry);
    void work.then(() => this.#refreshing.delete(entry));
  }

  /** The highest in which an address takes traffic, else the highest that has an address. */
  #activeTier(): Tier<B> {
    const first = this.#tiers[0]!;
    if (this.#tiers.length === 1) return first;
    let best = first;
    let most = 0;
    for (const tier of this.#tiers) {
      let availability = 0;
      for (const { pool } of tier.of) availability = Math.max(availability, pool.availability());
      if (availability === 2) return tier;
      for (const entry of tier.of) this.#refresh(entry);
      if (availability <= most) continue;
      best = tier;
      most = availability;
    }
    return best;
  }

  #pinnedIn({ of }: Tier<B>, request: PickInfo): B | undefined {
    for (const entry of of) if (entry.pool.claims(request)) return entry;
    const key = this.#keyOf?.(request);
    return key === undefined ? undefined : byKey(of, key);
  }

  #chooseIn(tier: Tier<B>, request: PickInfo): B {
    return tier.of.length === 1 ? tier.of[0]! : (this.#pinnedIn(tier, request) ?? tier.split.choose());
  }

  /** A target of a lower priority than `above`. */
  #below(above: number, request: PickInfo, tried: readonly Target[]): Picked<B> | undefined {
    // First those with an address that takes traffic, then those that have only ejected or unhealthy ones.
    for (const least of [2, 1]) {
      for (const tier of this.#tiers) {
        if (tier.of[0]!.priority >= above) continue;
        const chosen = this.#chooseIn(tier, request);
        for (const from of [chosen, ...tier.of]) {
          const target = from.pool.availability() >= least ? from.pool.pick(request, tried) : undefined;
          if (target !== undefined) return { from, target };
        }
      }
    }
    return undefined;
  }
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
