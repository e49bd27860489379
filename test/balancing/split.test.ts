import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { createSplit } from "../../src/balancing/split.ts";
import { seededRandom } from "../helpers/random.ts";

const counted = (weights: number[], times: number, random = seededRandom(1)): number[] => {
  const entries = weights.map((weight, id) => ({ id, weight }));
  const split = createSplit(entries, random);
  const counts = weights.map(() => 0);
  for (let i = 0; i < times; i++) counts[split.choose().id]!++;
  return counts;
};

describe("a split over several services", () => {
  test("10 and 90 send 10 % of 5,000 requests to the canary", () => {
    assertEquals(counted([10, 90], 5000), [500, 4500]);
  });

  test("is smooth: any ten requests in a row hold exactly one for the canary", () => {
    const entries = [{ weight: 10 }, { weight: 90 }];
    for (let seed = 0; seed < 20; seed++) {
      const split = createSplit(entries, seededRandom(seed));
      const turns = Array.from({ length: 200 }, () => (split.choose() === entries[0] ? 1 : 0));
      for (let at = 0; at + 10 <= turns.length; at++) {
        assertEquals(
          turns.slice(at, at + 10).reduce<number>((sum, one) => sum + one, 0),
          1,
        );
      }
    }
  });

  test("weight 0 gets nothing, and all the same where every weight is 0", () => {
    assertEquals(counted([1, 0, 3], 400), [100, 0, 300]);
    assertEquals(counted([0, 0], 400), [200, 200]);
    assertEquals(counted([0], 5), [5]);
  });

  test("gateways start at different places", () => {
    const firsts = new Set<string>();
    for (let seed = 0; seed < 40; seed++) firsts.add(String(counted([1, 1, 1, 1], 1, seededRandom(seed))));
    assertGreater(firsts.size, 2);
    assert(firsts.size <= 4);
  });
});
