import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { PoolMember } from "../../src/balancing/policy.ts";
import { createWeightedDraw } from "../../src/balancing/weighted-draw.ts";
import { seededRandom } from "../helpers/random.ts";

const DRAWS = 6000;

function drawOver(weights: readonly number[]) {
  const draw = createWeightedDraw(seededRandom(4));
  draw.update(weights.map((weight) => ({ weight }) as PoolMember));
  return draw;
}

/** The part of the draws that each index got. */
function parts(draw: () => number, size: number): number[] {
  const counts = Array<number>(size).fill(0);
  for (let i = 0; i < DRAWS; i++) counts[draw()]!++;
  return counts.map((count) => count / DRAWS);
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  actual.forEach((part, i) => {
    assert(Math.abs(part - expected[i]!) < 0.03 && (part === 0) === (expected[i] === 0), `${actual}, not ${expected}`);
  });
}

describe("a weighted draw", () => {
  test("gives each its weight's share", () => {
    assertClose(parts(drawOver([10, 20, 70]).draw, 3), [0.1, 0.2, 0.7]);
    assertClose(parts(drawOver([5, 5, 5, 5]).draw, 4), [0.25, 0.25, 0.25, 0.25]);
  });

  test("of another one gives the others their shares among themselves", () => {
    const weighted = drawOver([10, 20, 70]);
    assertClose(
      parts(() => weighted.drawOther(0), 3),
      [0, 2 / 9, 7 / 9],
    );
    assertClose(
      parts(() => weighted.drawOther(1), 3),
      [1 / 8, 0, 7 / 8],
    );
    assertClose(
      parts(() => weighted.drawOther(2), 3),
      [1 / 3, 2 / 3, 0],
    );
    const equal = drawOver([5, 5, 5]);
    for (const first of [0, 1, 2]) {
      assertClose(
        parts(() => equal.drawOther(first), 3),
        [0, 1, 2].map((i) => (i === first ? 0 : 0.5)),
      );
    }
  });

  test("is -1 where there is nothing to draw", () => {
    assertEquals(drawOver([]).draw(), -1);
    assertEquals(drawOver([7]).drawOther(0), -1);
  });
});

test("a draw among none finds none, and another than the only one neither", () => {
  const draw = createWeightedDraw(seededRandom(4));
  assertEquals([draw.draw(), draw.drawOther(0)], [-1, -1]);
  draw.update([]);
  assertEquals([draw.draw(), draw.drawOther(0)], [-1, -1]);
  draw.update([{ weight: 3 } as PoolMember]);
  assertEquals([draw.draw(), draw.drawOther(0)], [0, -1]);
});
