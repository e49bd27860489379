import type { Random } from "../base/clock.ts";
import { type Policy, type PoolMember, wasTried } from "./policy.ts";
import { createWeightedDraw } from "./weighted-draw.ts";

/** Draws for a retry before the pool is left to look at every target. */
const DRAWS_PER_TRIED = 4;

/**
 * The less busy of two random targets: near the quality of asking all of them, at the cost of two draws (Mitzenmacher,
 * The Power of Two Choices, 2001). Both are drawn by weight and compared by requests in flight per weight, so that an
 * idle pool is used by weight and a busy one is filled by weight.
 */
export function createLeastRequests(random: Random): Policy {
  const shares = createWeightedDraw(random);
  let candidates: readonly PoolMember[] = [];

  return {
    update(view) {
      candidates = view.candidates;
      shares.update(candidates);
    },
    pick(_request, tried) {
      for (let draws = tried.length * DRAWS_PER_TRIED; draws >= 0; draws--) {
        const index = shares.draw();
        const first = candidates[index];
        if (first === undefined) return undefined;
        const second = candidates[shares.drawOther(index)];
        if (second === undefined || wasTried(second, tried)) {
          if (!wasTried(first, tried)) return first;
        } else if (wasTried(first, tried) || busier(first, second)) return second;
        else return first;
      }
      return undefined;
    },
    preview: () => ({
      by: "load",
      order: candidates.toSorted((a, b) => a.inFlight * b.weight - b.inFlight * a.weight),
    }),
  };
}

/** Whether `a` has more requests in flight per weight than `b`. */
const busier = (a: PoolMember, b: PoolMember): boolean => a.inFlight * b.weight > b.inFlight * a.weight;
