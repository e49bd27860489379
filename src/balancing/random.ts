import type { Random } from "../base/clock.ts";
import { type Policy, type PoolMember, wasTried } from "./policy.ts";
import { createWeightedDraw } from "./weighted-draw.ts";

/** Draws for a retry before the pool is left to look at every target. */
const DRAWS_PER_TRIED = 4;

/** A random target, each with its weight's share. */
export function createRandom(random: Random): Policy {
  const shares = createWeightedDraw(random);
  let candidates: readonly PoolMember[] = [];

  return {
    update(view) {
      candidates = view.candidates;
      shares.update(candidates);
    },
    pick(_request, tried) {
      for (let draws = tried.length * DRAWS_PER_TRIED; draws >= 0; draws--) {
        const member = candidates[shares.draw()];
        if (member === undefined || !wasTried(member, tried)) return member;
      }
      return undefined;
    },
    preview: () => ({ by: "chance", order: candidates }),
  };
}
