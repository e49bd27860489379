import { hash, mix } from "./hash.ts";
import type { PoolMember } from "./policy.ts";

/**
 * Points on the ring of the heaviest target, give or take a half: what ketama rings use. A target's part of the keys
 * then lies within about a tenth of its weight's share.
 */
const POINTS = 160;
/** A new point is sorted as one number: its place on the ring (32 bits) times this, plus the slot of its target. */
const SLOTS = 2 ** 20;

interface Slot {
  readonly index: number;
  readonly points: number;
}

/**
 * Targets on a ring, each at as many points as its weight says. A change costs one pass over the points, not a sort of
 * them: points of targets that left are dropped and those of new ones merged in. Where points are depends on address
 * and weight alone, so replicas agree.
 */
export function createHashRing() {
  const slots = new Map<PoolMember, Slot>();
  const owners: (PoolMember | undefined)[] = [];
  const free: number[] = [];
  /** The points in ring order: where each is, and the slot of its target. */
  let places = new Uint32Array(0);
  let holders = new Uint32Array(0);

  /** Takes out targets that left or whose number of points changed; returns their slots, not yet free for others. */
  function remove(pointsOf: (member: PoolMember) => number): Slot[] {
    const removed: Slot[] = [];
    for (const [member, slot] of slots) {
      if (pointsOf(member) === slot.points) continue;
      slots.delete(member);
      owners[slot.index] = undefined;
      removed.push(slot);
    }
    return removed;
  }

  /** Gives new targets their slots and returns their points, in ring order. */
  function add(members: readonly PoolMember[], pointsOf: (member: PoolMember) => number): Float64Array {
    const points: number[] = [];
    for (const member of members) {
      const count = pointsOf(member);
      if (count === 0 || slots.has(member)) continue;
      const index = free.pop() ?? owners.length;
      owners[index] = member;
      slots.set(member, { index, points: count });
      const base = hash(member.endpoint.address, 0);
      for (let i = 1; i <= count; i++) points.push(mix(base ^ mix(i)) * SLOTS + index);
    }
    return Float64Array.from(points).sort();
  }

  /** One pass over the old points and the new ones. */
  function merge(added: Float64Array, size: number): void {
    const nextPlaces = new Uint32Array(size);
    const nextHolders = new Uint32Array(size);
    let to = 0;
    let from = 0;
    const placeAt = (index: number): number => (index < added.length ? Math.floor(added[index]! / SLOTS) : 2 ** 32);
    let nextAdded = placeAt(0);
    for (let i = 0; i <= places.length; i++) {
      const place = i < places.length ? places[i]! : 2 ** 32;
      while (nextAdded < place) {
        nextPlaces[to] = nextAdded;
        nextHolders[to++] = added[from++]! % SLOTS;
        nextAdded = placeAt(from);
      }
      if (i === places.length || owners[holders[i]!] === undefined) continue;
      nextPlaces[to] = place;
      nextHolders[to++] = holders[i]!;
    }
    places = nextPlaces;
    holders = nextHolders;
  }

  return {
    /** Replaces the targets on the ring. Those that stay keep their points. */
    update(members: readonly PoolMember[]): void {
      const heaviest = members.reduce((most, { weight }) => Math.max(most, weight), 1);
      // A power of two: changing weights seldom changes the unit, which would move all keys.
      const unit = POINTS / 2 ** Math.ceil(Math.log2(heaviest));
      const pointsOf = ({ order, weight }: PoolMember): number =>
        order < 0 || weight === 0 ? 0 : Math.max(1, Math.round(weight * unit));
      const removed = remove(pointsOf);
      const added = add(members, pointsOf);
      merge(
        added,
        removed.reduce((size, { points }) => size - points, places.length + added.length),
      );
      for (const { index } of removed) free.push(index);
    },
    /** How many points there are. */
    get size(): number {
      return places.length;
    },
    /** Index of the first point at or after a hash; `size` where the ring closes. */
    seek(hash: number): number {
      let low = 0;
      let high = places.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (places[middle]! < hash) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    owner: (point: number): PoolMember => owners[holders[point]!]!,
  };
}
