import type { Random } from "../base/clock.ts";
import type { PoolMember } from "./policy.ts";

/**
 * Draws members at random, each with its weight's share of the draws. A draw costs a binary search, or nothing but the
 * random number where all weights are equal.
 */
export function createWeightedDraw(random: Random) {
  let size = 0;
  /** Sum of the weights up to and with each member; undefined where all are equal. */
  let sums: Float64Array | undefined;

  /** The first member whose sum is above `at`. */
  function find(sums: Float64Array, at: number): number {
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  return {
    update(members: readonly PoolMember[]): void {
      size = members.length;
      sums = undefined;
      if (members.every((member) => member.weight === members[0]!.weight)) return;
      sums = new Float64Array(size);
      let sum = 0;
      for (let i = 0; i < size; i++) {
        sum += members[i]!.weight;
        sums[i] = sum;
      }
    },
    /** An index into the members; -1 where there are none. */
    draw(): number {
      if (sums === undefined) return size === 0 ? -1 : Math.floor(random() * size);
      return find(sums, random() * sums[size - 1]!);
    },
    /** An index other than `first`, with the shares the others have among themselves; -1 where there is no other. */
    drawOther(first: number): number {
      if (size < 2) return -1;
      if (sums === undefined) {
        const index = Math.floor(random() * (size - 1));
        return index >= first ? index + 1 : index;
      }
      const start = first === 0 ? 0 : sums[first - 1]!;
      const width = sums[first]! - start;
      const at = random() * (sums[size - 1]! - width);
      return find(sums, at >= start ? at + width : at);
    },
  };
}
