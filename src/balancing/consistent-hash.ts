import type { Random } from "../clock.ts";
import { hash, mix } from "./hash.ts";
import { type Member, type Policy, wasTried } from "./policy.ts";
import { type HashKey, keyReader } from "./request-key.ts";
import { createRoundRobin } from "./round-robin.ts";

/**
 * Points on the ring of the heaviest target, give or take a half: what ketama rings use. A target's share then lies
 * within about a tenth of its weight's.
 */
const POINTS = 160;
/** A point is one number: its place on the ring (32 bits) times this, plus the slot of its target. */
const SLOTS = 2 ** 20;

interface Slot {
  readonly index: number;
  readonly points: number;
}

/**
 * Consistent hashing: requests with equal keys go to the same target, and a target that comes or goes moves only the
 * keys it gains or loses. A ring of points, as many per target as its weight says; a pick is a binary search.
 *
 * A change costs one pass over the ring, not a sort of it: points of targets that left are dropped, those of new ones
 * merged in. An ejected target keeps its points and is stepped over, so its keys come back to it. Requests without the
 * key are spread by round robin.
 */
export function createConsistentHash(key: HashKey, random: Random): Policy {
  const readKey = keyReader(key);
  const others = createRoundRobin(random);
  const slots = new Map<Member, Slot>();
  const owners: (Member | undefined)[] = [];
  let free: number[] = [];
  let points = new Float64Array(0);
  let members: readonly Member[] = [];

  function rebuild(): void {
    const unit = POINTS / 2 ** Math.ceil(Math.log2(members.reduce((most, { weight }) => Math.max(most, weight), 1)));
    const wanted = (member: Member): number =>
      member.order < 0 || member.weight === 0 ? 0 : Math.max(1, Math.round(member.weight * unit));
    for (const [member, slot] of slots) {
      if (wanted(member) === slot.points) continue;
      slots.delete(member);
      owners[slot.index] = undefined;
    }
    const kept = points.filter((point) => owners[point % SLOTS] !== undefined);
    free = [];
    for (let i = 0; i < owners.length; i++) if (owners[i] === undefined) free.push(i);

    const added: number[] = [];
    for (const member of members) {
      const count = wanted(member);
      if (count === 0 || slots.has(member)) continue;
      const index = free.pop() ?? owners.length;
      owners[index] = member;
      slots.set(member, { index, points: count });
      const base = hash(member.endpoint.address, 0);
      for (let i = 1; i <= count; i++) added.push(mix(base ^ mix(i)) * SLOTS + index);
    }
    points = merge(kept, Float64Array.from(added).sort());
  }

  return {
    update(view) {
      others.update(view);
      if (view.members === members) return;
      members = view.members;
      rebuild();
    },
    pick(request, tried) {
      const text = readKey(request);
      if (text === undefined) return others.pick(request, tried);
      let at = lowerBound(points, hash(text, 0) * SLOTS);
      for (let steps = points.length; steps > 0; steps--, at++) {
        if (at === points.length) at = 0;
        const owner = owners[points[at]! % SLOTS]!;
        if (owner.selectable && !wasTried(owner, tried)) return owner;
      }
      return undefined;
    },
  };
}

/** Index of the first point that is not below `value`; the length where there is none. */
function lowerBound(points: Float64Array, value: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Two sorted lists made one. */
function merge(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const both = new Float64Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let to = 0; to < both.length; to++) {
    both[to] = j === b.length || (i < a.length && a[i]! <= b[j]!) ? a[i++]! : b[j++]!;
  }
  return both;
}
