import type { Clock, Random } from "../base/clock.ts";
import type { Endpoint, Upstream } from "../discovery/types.ts";
import { createConsistentHash } from "./consistent-hash.ts";
import type { ProbedPool } from "./health/active-health.ts";
import { createPassiveHealth, freshState, type PassiveState } from "./health/passive-health.ts";
import { createLeastRequests } from "./least-requests.ts";
import type { BalancerConfig, PassiveHealthConfig } from "./options.ts";
import { type Policy, type PoolMember, wasTried } from "./policy.ts";
import { createRandom } from "./random.ts";
import { createRoundRobin } from "./round-robin.ts";
import { createStickyCookie } from "./sticky-cookie.ts";
import type { Pool, Target, TargetState } from "./types.ts";

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
export function createPool(options: PoolOptions): Pool & ProbedPool {
  const { upstream, random, clock, backed = false } = options;
  const policy = createPolicy(options);
  const passive = options.passive === false ? undefined : createPassiveHealth(options.passive, clock);
  const byAddress = new Map<string, PoolMember>();
  let endpoints: readonly Endpoint[] | undefined;
  let members: readonly PoolMember[] = [];
  let candidates: readonly PoolMember[] = [];
  /** The fit ones behind the candidates, by rank. */
  let standby: readonly (readonly PoolMember[])[] = [];
  let availability: 0 | 1 | 2 = 0;
  /** How many may be ejected only by half. */
  let limited = 0;
  /** Ejections or health changed since the policy last saw the candidates. */
  let outdated = false;
  /** Where the last look at every target ended. */
  let scanned = 0;

  /** Replaces the endpoints. The same address and pod uid remain the same target. */
  function replace(next: readonly Endpoint[]): void {
    endpoints = next;
    for (const member of members) member.order = -1;
    const weighted = next.some((endpoint) => endpoint.weight > 0);
    const list: PoolMember[] = [];
    const left: PassiveState[] = [];
    const ranks = [...new Set(next.map(orderOf))].sort((a, b) => b - a);
    limited = 0;
    for (const endpoint of next) {
      let member = byAddress.get(endpoint.address);
      if (member === undefined || member.endpoint.uid !== endpoint.uid) {
        if (member !== undefined) left.push(member.passive);
        member = createMember(endpoint, options.scheme);
        byAddress.set(endpoint.address, member);
      } else if (member.order >= 0) continue;
      member.endpoint = endpoint;
      member.order = list.length;
      member.rank = ranks.length === 1 ? 0 : ranks.indexOf(orderOf(endpoint));
      member.passive.limited = !backed && member.rank === ranks.length - 1;
      if (member.passive.limited) limited++;
      member.weight = weighted ? endpoint.weight : 1;
      list.push(member);
    }
    for (const member of members) {
      if (member.order >= 0 || byAddress.get(member.endpoint.address) !== member) continue;
      byAddress.delete(member.endpoint.address);
      left.push(member.passive);
    }
    members = list;
    passive?.resize(left, limited);
    outdated = true;
  }

  function updatePolicy(): void {
    outdated = false;
    const taking = members.filter((member) => member.weight > 0);
    const fit = taking.filter((member) => member.healthy && member.passive.ejectedUntil === 0);
    const [first = [], ...rest] = byRank(fit.length > 0 ? fit : taking);
    candidates = first;
    standby = fit.length > 0 ? rest : [];
    availability = fit.length > 0 ? 2 : taking.length > 0 ? 1 : 0;
    for (const member of members) member.selectable = false;
    for (const member of candidates) member.selectable = true;
    policy.update({ members, candidates });
  }

  /** Takes in what changed since the last call. */
  function sync(): void {
    const next = upstream.endpoints();
    if (next !== endpoints) replace(next);
    if (passive?.endDue()) outdated = true;
    if (outdated) updatePolicy();
  }

  /** The first after the last one found that has weight and was not tried. */
  function scan(list: readonly PoolMember[], tried: readonly Target[]): PoolMember | undefined {
    for (let step = 0; step < list.length; step++) {
      scanned = (scanned + 1) % list.length;
      const member = list[scanned]!;
      if (member.weight > 0 && !wasTried(member, tried)) return member;
    }
    return undefined;
  }

  /** The next of those behind the candidates that are of a lower rank than that one. */
  function behind(tried: readonly Target[], rank: number): PoolMember | undefined {
    for (const members of standby) {
      const member = members[0]!.rank > rank ? scan(members, tried) : undefined;
      if (member !== undefined) return member;
    }
    return undefined;
  }

  return {
    pick(request, tried = NONE_TRIED, last = false) {
      sync();
      const rank = (tried.at(-1) as PoolMember | undefined)?.rank ?? -1;
      // Once the tried targets were ejected, the candidates may already be of a lower rank.
      if (last && (rank === -1 || (candidates[0]?.rank ?? rank) <= rank)) return behind(tried, rank);
      const member = policy.pick(request, tried);
      if (member !== undefined || tried.length === 0) return member;
      return scan(candidates, tried) ?? behind(tried, -1) ?? scan(members, tried);
    },
    availability() {
      sync();
      return availability;
    },
    claims(request) {
      if (policy.claims === undefined) return false;
      sync();
      return availability > 0 && policy.claims(request);
    },
    succeeded(target) {
      const member = target as PoolMember;
      if (member.order >= 0) passive?.succeeded(member.passive);
    },
    failed(target) {
      const member = target as PoolMember;
      if (member.order < 0 || !passive?.failed(member.passive, limited)) return;
      outdated = true;
      options.onEject?.(member, member.passive.ejectedUntil);
    },
    start(target) {
      target.inFlight++;
    },
    finish(target) {
      target.inFlight--;
    },
    cookie: (request, target) => policy.cookie?.(request, target),
    counts() {
      sync();
      let ejected = 0;
      let unhealthy = 0;
      let waiting = 0;
      for (const rank of standby) waiting += rank.length;
      for (const { passive, healthy } of members) {
        if (passive.ejectedUntil !== 0) ejected++;
        if (!healthy) unhealthy++;
      }
      return { endpoints: members.length, ejected, unhealthy, standby: waiting };
    },
    targetStates() {
      sync();
      return members.map(stateOf);
    },
    preview(request) {
      sync();
      const { by, order } = policy.preview(request);
      const taking = new Set(order);
      const others = members.filter((member) => !taking.has(member)).sort((a, b) => a.rank - b.rank);
      return { by, order: order.map(stateOf), others: others.map(stateOf) };
    },
    targets() {
      sync();
      return members;
    },
    mark(target, healthy) {
      const member = target as PoolMember;
      if (member.healthy === healthy) return;
      member.healthy = healthy;
      outdated = true;
    },
  };

  function createPolicy({ balancer }: PoolOptions): Policy {
    if (balancer === "round_robin") return createRoundRobin(random);
    if (balancer === "least_requests") return createLeastRequests(random);
    if (balancer === "random") return createRandom(random);
    if ("consistent_hash" in balancer) return createConsistentHash(balancer.consistent_hash, random);
    const { name } = balancer.sticky_cookie;
    return createStickyCookie({ name, upstream: upstream.name, shared: options.shared ?? false, random });
  }

  function stateOf({ endpoint, passive, inFlight, healthy, weight, rank }: PoolMember): TargetState {
    const fit = healthy && passive.ejectedUntil === 0 && weight > 0;
    return {
      endpoint,
      ejectedUntil: passive.ejectedUntil === 0 ? undefined : passive.ejectedUntil,
      inFlight,
      healthy,
      standby: fit && rank > (candidates[0]?.rank ?? rank),
    };
  }
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
