import type { Random } from "../base/clock.ts";
import { type Policy, type PoolMember, type PoolView, wasTried } from "./policy.ts";
import { nextTurn, settle, startAnywhere, type TurnHolder, totalWeight } from "./smooth.ts";
import type { PickInfo, Target } from "./types.ts";

/** The candidates of one weight: they take turns in plain rotation. */
interface Ring extends TurnHolder {
  /** The weight of each; the ring's own `weight` is that of all of them together. */
  readonly each: number;
  readonly members: PoolMember[];
  /** Index of the member whose turn is next. */
  next: number;
}

/** Slots looked at for a retry before the pool is left to look at every target. */
const SLOTS_PER_TRIED = 4;
/** Turns looked ahead for each member: its next one may be far where weights differ much. */
const TURNS_AHEAD = 10;

/**
 * Smooth weighted round robin. Targets of equal weight form a ring, and the rings take smooth turns, each with the
 * weight of its members together: a pick costs one pass over the *different* weights (nearly always one; at most one
 * per EndpointSlice), whatever the number of targets, and allocates nothing.
 *
 * The position survives changes: a ring goes on with the target that was next, or the first one after it that is left,
 * so that each target still gets its turn once a round, however often its neighbours change. The first position is
 * random.
 */
export const createRoundRobin = (random: Random): Policy => new RoundRobin(random);

class RoundRobin implements Policy {
  readonly #random: Random;
  #rings: readonly Ring[] = [];
  /** The only one there is: nearly always. */
  #ring: Ring | undefined;
  #total = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  update(view: PoolView): void {
    const before = new Map(this.#rings.map((ring) => [ring.each, ring]));
    const byWeight = new Map<number, Ring>();
    for (const member of view.candidates) {
      let ring = byWeight.get(member.weight);
      if (ring === undefined) {
        const credit = before.get(member.weight)?.credit ?? 0;
        ring = { each: member.weight, members: [], next: 0, weight: 0, credit };
        byWeight.set(member.weight, ring);
      }
      ring.members.push(member);
      ring.weight += member.weight;
    }
    const fresh = this.#rings.length === 0;
    const rings = [...byWeight.values()];
    this.#rings = rings;
    this.#ring = rings.length === 1 ? rings[0] : undefined;
    const totalBefore = this.#total;
    this.#total = totalWeight(rings);
    for (const ring of rings) {
      ring.next = resume(before.get(ring.each), ring) ?? Math.floor(this.#random() * ring.members.length);
    }
    if (fresh) startAnywhere(rings, this.#total, this.#random);
    else settle(rings, totalBefore, this.#total);
  }

  pick(_request: PickInfo, tried: readonly Target[]): PoolMember | undefined {
    if (this.#rings.length === 0) return undefined;
    for (let slots = tried.length * SLOTS_PER_TRIED; slots >= 0; slots--) {
      const member = this.#ring === undefined ? takeTurn(this.#rings, this.#total) : nextOf(this.#ring);
      if (!wasTried(member, tried)) return member;
    }
    return undefined;
  }

  preview(): { readonly by: "turn"; readonly order: readonly PoolMember[] } {
    return { by: "turn", order: turnsAhead(this.#rings, this.#total) };
  }
}

/** The member of a ring whose turn it is; the one after it is next. */
function nextOf(ring: Ring): PoolMember {
  const member = ring.members[ring.next]!;
  ring.next = ring.next + 1 === ring.members.length ? 0 : ring.next + 1;
  return member;
}

/** The member whose turn it is. There is at least one ring. */
const takeTurn = (rings: readonly Ring[], total: number): PoolMember => nextOf(nextTurn(rings, total));

/** All members by their next turn; those without a turn within the look-ahead come last. */
function turnsAhead(rings: readonly Ring[], total: number): PoolMember[] {
  const copies = rings.map((ring) => ({ ...ring }));
  const members = copies.flatMap((ring) => ring.members);
  const order = new Set<PoolMember>();
  for (let turns = members.length * TURNS_AHEAD; turns > 0 && order.size < members.length; turns--) {
    order.add(takeTurn(copies, total));
  }
  return [...order, ...members.filter((member) => !order.has(member))];
}

/** Where `ring` goes on after `before`; undefined where nothing of it is left in the pool. */
function resume(before: Ring | undefined, ring: Ring): number | undefined {
  if (before === undefined) return undefined;
  for (let step = 0; step < before.members.length; step++) {
    const { order } = before.members[(before.next + step) % before.members.length]!;
    if (order < 0) continue;
    const after = ring.members.findIndex((member) => member.order >= order);
    return Math.max(after, 0); // none after it: around to the first
  }
  return undefined;
}
