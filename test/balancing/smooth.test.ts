import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nextTurn, settle, totalWeight } from "../../src/balancing/smooth.ts";

const holdersOf = (weights: readonly number[]) => weights.map((weight, id) => ({ id, weight, credit: 0 }));
const weightLists = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 });

describe("smooth turns", () => {
  test("at every moment each holder has had its share, rounded up or down", () => {
    fc.assert(
      fc.property(weightLists, (weights) => {
        const holders = holdersOf(weights);
        const total = totalWeight(holders);
        const taken = weights.map(() => 0);
        for (let turn = 1; turn <= Math.min(3 * total, 1500); turn++) {
          taken[nextTurn(holders, total).id]!++;
          for (const { id, weight } of holders) {
            const share = (turn * weight) / total;
            assert(
              taken[id]! >= Math.floor(share) && taken[id]! <= Math.ceil(share),
              `weights ${weights}: after ${turn} turns holder ${id} has ${taken[id]}, its share is ${share}`,
            );
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test("every holder has exactly its weight in turns after a whole round", () => {
    const holders = holdersOf([5, 1, 1]);
    const turns = Array.from({ length: 7 }, () => nextTurn(holders, 7).id);
    assertEquals(
      [0, 1, 2].map((id) => turns.filter((turn) => turn === id).length),
      [5, 1, 1],
    );
    assert(!turns.join("").includes("0000"), `the heavy one must not have its turns in one go: ${turns}`);
  });

  test("changed weights leave everybody owed what they were owed, in turns", () => {
    fc.assert(
      fc.property(weightLists, fc.nat(100), fc.nat(1000), (weights, before, factor) => {
        const holders = holdersOf(weights);
        const totalBefore = totalWeight(holders);
        for (let i = 0; i < before; i++) nextTurn(holders, totalBefore);
        const owed = holders.map(({ credit }) => credit / totalBefore);
        for (const holder of holders) holder.weight = 1 + holder.weight * ((holder.id * factor) % 7);
        const total = totalWeight(holders);
        settle(holders, totalBefore, total);
        for (const { id, credit } of holders) {
          const off = Math.abs(credit / total - owed[id]!);
          assert(off <= (holders.length + 2) / total, `weights ${weights}: holder ${id} is off by ${off} turns`);
        }
      }),
    );
  });

  test("what departed holders were owed goes to the others, so that nobody waits for it", () => {
    fc.assert(
      fc.property(weightLists, fc.nat(100), (weights, before) => {
        const holders = holdersOf(weights);
        for (let i = 0; i < before; i++) nextTurn(holders, totalWeight(holders));
        const rest = [...holders.slice(0, Math.ceil(holders.length / 2)), { id: -1, weight: 50, credit: 0 }];
        const total = totalWeight(rest);
        settle(rest, totalWeight(holders), total);
        const sum = rest.reduce((sum, { credit }) => sum + credit, 0);
        assert(Math.abs(sum) <= rest.length, `credits of ${sum} are left over among weights ${weights}`);
      }),
    );
  });
});
