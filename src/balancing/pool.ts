import type { Clock, Random } from "../base/clock.ts";
import type { Endpoint, Upstream } from "../discovery/types.ts";
import { createConsistentHash } from "./consistent-hash.ts";
import type { ProbedPool } from "./health/active-health.ts";
import { freshState, PassiveHealth, type PassiveState } from "./health/passive-health.ts";
import { createLeastRequests } from "./least-requests.ts";
import type { BalancerConfig, PassiveHealthConfig } from "./options.ts";
import { type Policy, type PoolMember, wasTried } from "./policy.ts";
import { createRandom } from "./random.ts";
import { createRoundRobin } from "./round-robin.ts";
import { createStickyCookie } from "./sticky-cookie.ts";
import type { CookieInfo, PickInfo, Pool, Preview, Target, TargetState } from "./types.ts";

export interface PoolOptions {
  upstream: Upstream;
  /** The protocol of its targets. */
  scheme: "http" | "https" | "tcp";
  balancer: BalancerConfig;
  /** false: failures are not counted, nothing is ejected. */
  passive: PassiveHealthConfig | false;
  clock: Clock;
  random: Random;
  /**
   * The route has services of a lower priority: then all targets may be ejected, instead of half of them at most.
   * @default false
   */
  backed?: boolean | undefined;
  /** The route has other services: a sticky cookie then names the service too. @default false */
  shared?: boolean | undefined;
  /** A target was ejected, until that time in milliseconds since the epoch. */
  onEject?: ((target: Target, untilMs: number) => void) | undefined;
}

const NONE_TRIED: readonly Target[] = [];

/**
 * The targets of one route towards one service, in ranks: by priority, then those that discovery prefers (the gateway's
 * own zone). A rank puts targets behind others and hides none.
 *
 * A request goes to a target with weight that is healthy and not ejected, of the first rank that has such; where no
 * rank has, to any with weight of the first (better a doubtful one than no answer). Weight 0 takes no new requests
 * while another target has weight; where all have weight 0, all count the same. A retry goes to one of the same rank
 * that was not tried, then of the next ranks, then to an ejected or unhealthy one; the last attempt to a lower rank
 * first.
 *
 * Never more than half of the last rank is ejected. Of the ranks before it all may be: the others take their requests.
 */
export const createPool = (options: PoolOptions): Pool & ProbedPool => new TargetPool(options);

/** One shape and one code for the pools of all routes: what a request touches of its route is little and close together. */
class TargetPool implements Pool, ProbedPool {
  readonly #options: PoolOptions;
  readonly #upstream: Upstream;
  readonly #policy: Policy;
  /** Made at the first failure; until then every target is as good as new. */
  #passive: PassiveHealth | undefined;
  readonly #byAddress = new Map<string, PoolMember>();
  #endpoints: readonly Endpoint[] | undefined;
  #members: readonly PoolMember[] = [];
  #candidates: readonly PoolMember[] = [];
  /** The fit ones behind the candidates, by rank. */
  #standby: readonly (readonly PoolMember[])[] = [];
  #availability: 0 | 1 | 2 = 0;
  /** How many may be ejected only by half. */
  #limited = 0;
  /** Ejections or health changed since the policy last saw the candidates. */
  #outdated = false;
  /** Where the last look at every target ended. */
  #scanned = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#upstream = options.upstream;
    this.#policy = createPolicy(options);
  }

  pick(request: PickInfo, tried: readonly Target[] = NONE_TRIED, last = false): PoolMember | undefined {
    this.#sync();
    const rank = (tried.at(-1) as PoolMember | undefined)?.rank ?? -1;
    // Once the tried targets were ejected, the candidates may already be of a lower rank.
    if (last && (rank === -1 || (this.#candidates[0]?.rank ?? rank) <= rank)) return this.#behind(tried, rank);
    const member = this.#policy.pick(request, tried);
    if (member !== undefined || tried.length === 0) return member;
    return this.#scan(this.#candidates, tried) ?? this.#behind(tried, -1) ?? this.#scan(this.#members, tried);
  }

  availability(): 0 | 1 | 2 {
    this.#sync();
    return this.#availability;
  }

  claims(request: PickInfo): boolean {
    if (this.#policy.claims === undefined) return false;
    this.#sync();
    return this.#availability > 0 && this.#policy.claims(request);
  }

  succeeded(target: Target): void {
    if (this.#passive === undefined) return;
    const member = target as PoolMember;
    if (member.order >= 0) this.#passive.succeeded(member.passive);
  }

  failed(target: Target): void {
    const { passive, clock, onEject } = this.#options;
    const member = target as PoolMember;
    if (member.order < 0 || passive === false) return;
    this.#passive ??= new PassiveHealth(passive, clock);
    if (!this.#passive.failed(member.passive, this.#limited)) return;
    this.#outdated = true;
    onEject?.(member, member.passive.ejectedUntil);
  }

  start(target: Target): void {
    target.inFlight++;
  }

  finish(target: Target): void {
    target.inFlight--;
  }

  cookie(request: CookieInfo, target: Target): string | undefined {
    return this.#policy.cookie?.(request, target);
  }

  counts(): ReturnType<Pool["counts"]> {
    this.#sync();
    let ejected = 0;
    let unhealthy = 0;
    let waiting = 0;
    for (const rank of this.#standby) waiting += rank.length;
    for (const { passive, healthy } of this.#members) {
      if (passive.ejectedUntil !== 0) ejected++;
      if (!healthy) unhealthy++;
    }
    return { endpoints: this.#members.length, ejected, unhealthy, standby: waiting };
  }

  targetStates(): readonly TargetState[] {
    this.#sync();
    return this.#members.map((member) => this.#stateOf(member));
  }

  preview(request: PickInfo): Preview {
    this.#sync();
    const { by, order } = this.#policy.preview(request);
    const taking = new Set(order);
    const others = this.#members.filter((member) => !taking.has(member)).sort((a, b) => a.rank - b.rank);
    const state = (member: PoolMember): TargetState => this.#stateOf(member);
    return { by, order: order.map(state), others: others.map(state) };
  }

  targets(): readonly PoolMember[] {
    this.#sync();
    return this.#members;
  }

  mark(target: Target, healthy: boolean): void {
    const member = target as PoolMember;
    if (member.healthy === healthy) return;
    member.healthy = healthy;
    this.#outdated = true;
  }

  /** Takes in what changed since the last call. */
  #sync(): void {
    const next = this.#upstream.endpoints();
    if (next !== this.#endpoints) this.#replace(next);
    if (this.#passive?.endDue()) this.#outdated = true;
    if (this.#outdated) this.#updatePolicy();
  }

  /** Replaces the endpoints. The same address and pod uid remain the same target. */
  #replace(next: readonly Endpoint[]): void {
    this.#endpoints = next;
    const { backed = false, scheme } = this.#options;
    const byAddress = this.#byAddress;
    for (const member of this.#members) member.order = -1;
    const weighted = next.some((endpoint) => endpoint.weight > 0);
    const list: PoolMember[] = [];
    const left: PassiveState[] = [];
    const ranks = [...new Set(next.map(orderOf))].sort((a, b) => b - a);
    this.#limited = 0;
    for (const endpoint of next) {
      let member = byAddress.get(endpoint.address);
      if (member === undefined || member.endpoint.uid !== endpoint.uid) {
        if (member !== undefined) left.push(member.passive);
        member = createMember(endpoint, scheme);
        byAddress.set(endpoint.address, member);
      } else if (member.order >= 0) continue;
      member.endpoint = endpoint;
      member.order = list.length;
      member.rank = ranks.length === 1 ? 0 : ranks.indexOf(orderOf(endpoint));
      member.passive.limited = !backed && member.rank === ranks.length - 1;
      if (member.passive.limited) this.#limited++;
      member.weight = weighted ? endpoint.weight : 1;
      list.push(member);
    }
    for (const member of this.#members) {
      if (member.order >= 0 || byAddress.get(member.endpoint.address) !== member) continue;
      byAddress.delete(member.endpoint.address);
      left.push(member.passive);
    }
    this.#members = list;
    this.#passive?.resize(left, this.#limited);
    this.#outdated = true;
  }

  #updatePolicy(): void {
    this.#outdated = false;
    const members = this.#members;
    const taking = members.filter((member) => member.weight > 0);
    const fit = taking.filter((member) => member.healthy && member.passive.ejectedUntil === 0);
    const [candidates = [], ...rest] = byRank(fit.length > 0 ? fit : taking);
    this.#candidates = candidates;
    this.#standby = fit.length > 0 ? rest : [];
    this.#availability = fit.length > 0 ? 2 : taking.length > 0 ? 1 : 0;
    for (const member of members) member.selectable = false;
    for (const member of candidates) member.selectable = true;
    this.#policy.update({ members, candidates });
  }

  /** The first after the last one found that has weight and was not tried. */
  #scan(list: readonly PoolMember[], tried: readonly Target[]): PoolMember | undefined {
    for (let step = 0; step < list.length; step++) {
      this.#scanned = (this.#scanned + 1) % list.length;
      const member = list[this.#scanned]!;
      if (member.weight > 0 && !wasTried(member, tried)) return member;
    }
    return undefined;
  }

  /** The next of those behind the candidates that are of a lower rank than that one. */
  #behind(tried: readonly Target[], rank: number): PoolMember | undefined {
    for (const members of this.#standby) {
      const member = members[0]!.rank > rank ? this.#scan(members, tried) : undefined;
      if (member !== undefined) return member;
    }
    return undefined;
  }

  #stateOf({ endpoint, passive, inFlight, healthy, weight, rank }: PoolMember): TargetState {
    const fit = healthy && passive.ejectedUntil === 0 && weight > 0;
    return {
      endpoint,
      ejectedUntil: passive.ejectedUntil === 0 ? undefined : passive.ejectedUntil,
      inFlight,
      healthy,
      standby: fit && rank > (this.#candidates[0]?.rank ?? rank),
    };
  }
}

function createPolicy({ balancer, random, upstream, shared = false }: PoolOptions): Policy {
  if (balancer === "round_robin") return createRoundRobin(random);
  if (balancer === "least_requests") return createLeastRequests(random);
  if (balancer === "random") return createRandom(random);
  if ("consistent_hash" in balancer) return createConsistentHash(balancer.consistent_hash, random);
  return createStickyCookie({ name: balancer.sticky_cookie.name, upstream: upstream.name, shared, random });
}

/** By what ranks are made: the greater first. */
const orderOf = ({ priority, preferred }: Endpoint): number => priority * 2 + (preferred ? 1 : 0);

/** Members of one rank together, the first rank first, in their order. */
function byRank(members: readonly PoolMember[]): PoolMember[][] {
  const ranks: PoolMember[][] = [];
  for (const member of members) {
    ranks[member.rank] ??= [];
    ranks[member.rank]!.push(member);
  }
  return ranks.filter((rank) => rank !== undefined);
}

function createMember(endpoint: Endpoint, scheme: string): PoolMember {
  return {
    endpoint,
    origin: `${scheme}://${endpoint.address}`,
    inFlight: 0,
    passive: freshState(),
    healthy: true,
    order: -1,
    rank: 0,
    weight: 0,
    selectable: false,
  };
}
