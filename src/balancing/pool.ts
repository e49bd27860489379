import type { Clock, Random } from "../clock.ts";
import type { BalancerConfig, PassiveHealthConfig } from "../config/schema.ts";
import type { Endpoint, Upstream } from "../discovery/types.ts";
import type { HealthSubjects } from "./active-health.ts";
import { createConsistentHash } from "./consistent-hash.ts";
import { createLeastRequests } from "./least-requests.ts";
import { createPassiveHealth, freshState, type PassiveState } from "./passive-health.ts";
import { type Member, type Policy, wasTried } from "./policy.ts";
import { createRandom } from "./random.ts";
import { createRoundRobin } from "./round-robin.ts";
import { createStickyCookie } from "./sticky-cookie.ts";
import type { Pool, Target, TargetState } from "./types.ts";

/** What a pool is made of. */
export interface PoolOptions {
  upstream: Upstream;
  /** How its targets are spoken to. */
  scheme: "http" | "https" | "tcp";
  balancer: BalancerConfig;
  /** false: failures are not counted, nothing is ejected. */
  passive: PassiveHealthConfig | false;
  clock: Clock;
  random: Random;
  /** A target was ejected, until that time in milliseconds since the epoch. */
  onEject?: ((target: Target, untilMs: number) => void) | undefined;
}

const NONE_TRIED: readonly Target[] = [];

/**
 * The targets of one route towards one service.
 *
 * Who may be picked, in this order: targets with weight that are healthy and not ejected; while there are none of those,
 * all with weight (better a doubtful one than no answer). Weight 0 takes no new requests while another target has
 * weight; where all have weight 0, all count the same. A retry whose every such target was tried gets an ejected or
 * unhealthy one that was not.
 */
export function createPool(options: PoolOptions): Pool & HealthSubjects {
  const { upstream, random, clock } = options;
  const policy = createPolicy(options);
  const passive = options.passive === false ? undefined : createPassiveHealth(options.passive, clock);
  const byAddress = new Map<string, Member>();
  let endpoints: readonly Endpoint[] | undefined;
  let members: readonly Member[] = [];
  let candidates: readonly Member[] = [];
  /** Ejections or health changed since the policy last saw the candidates. */
  let outdated = false;
  /** Where the last look at every target ended. */
  let scanned = 0;

  /** Takes in other endpoints: same address and pod uid, same target; whatever else is new or gone. */
  function adopt(next: readonly Endpoint[]): void {
    endpoints = next;
    for (const member of members) member.order = -1;
    const weighted = next.some((endpoint) => endpoint.weight > 0);
    const list: Member[] = [];
    const left: PassiveState[] = [];
    for (const endpoint of next) {
      let member = byAddress.get(endpoint.address);
      if (member === undefined || member.endpoint.uid !== endpoint.uid) {
        if (member !== undefined) left.push(member.passive);
        member = createMember(endpoint, options.scheme);
        byAddress.set(endpoint.address, member);
      } else if (member.order >= 0) continue;
      member.endpoint = endpoint;
      member.order = list.length;
      member.weight = weighted ? endpoint.weight : 1;
      list.push(member);
    }
    for (const member of members) {
      if (member.order >= 0 || byAddress.get(member.endpoint.address) !== member) continue;
      byAddress.delete(member.endpoint.address);
      left.push(member.passive);
    }
    members = list;
    passive?.resize(left, list.length);
    outdated = true;
  }

  function refresh(): void {
    outdated = false;
    const taking = members.filter((member) => member.weight > 0);
    const fit = taking.filter((member) => member.healthy && member.passive.ejectedUntil === 0);
    candidates = fit.length > 0 ? fit : taking;
    for (const member of members) member.selectable = false;
    for (const member of candidates) member.selectable = true;
    policy.update({ members, candidates });
  }

  function follow(): void {
    const next = upstream.endpoints();
    if (next !== endpoints) adopt(next);
    if (passive?.lapse()) outdated = true;
    if (outdated) refresh();
  }

  /** The first after the last one found that has weight and was not tried. */
  function scan(list: readonly Member[], tried: readonly Target[]): Member | undefined {
    for (let step = 0; step < list.length; step++) {
      scanned = (scanned + 1) % list.length;
      const member = list[scanned]!;
      if (member.weight > 0 && !wasTried(member, tried)) return member;
    }
    return undefined;
  }

  return {
    pick(request, tried = NONE_TRIED) {
      follow();
      const member = policy.pick(request, tried);
      if (member !== undefined || tried.length === 0) return member;
      return scan(candidates, tried) ?? scan(members, tried);
    },
    succeeded(target) {
      const member = target as Member;
      if (member.order >= 0) passive?.succeeded(member.passive);
    },
    failed(target) {
      const member = target as Member;
      if (member.order < 0 || !passive?.failed(member.passive, members.length)) return;
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
    census() {
      follow();
      let ejected = 0;
      let unhealthy = 0;
      for (const { passive, healthy } of members) {
        if (passive.ejectedUntil !== 0) ejected++;
        if (!healthy) unhealthy++;
      }
      return { endpoints: members.length, ejected, unhealthy };
    },
    inspect() {
      follow();
      return members.map(stateOf);
    },
    outlook(request) {
      follow();
      const { by, order } = policy.outlook(request);
      const taking = new Set(order);
      return { by, order: order.map(stateOf), others: members.filter((member) => !taking.has(member)).map(stateOf) };
    },
    targets() {
      follow();
      return members;
    },
    mark(target, healthy) {
      const member = target as Member;
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
    return createStickyCookie({ name: balancer.sticky_cookie.name, upstream: upstream.name, random });
  }
}

const stateOf = ({ endpoint, passive, inFlight, healthy }: Member): TargetState => ({
  endpoint,
  ejectedUntil: passive.ejectedUntil === 0 ? undefined : passive.ejectedUntil,
  inFlight,
  healthy,
});

function createMember(endpoint: Endpoint, scheme: string): Member {
  return {
    endpoint,
    origin: `${scheme}://${endpoint.address}`,
    inFlight: 0,
    passive: freshState(),
    healthy: true,
    order: -1,
    weight: 0,
    selectable: false,
  };
}
