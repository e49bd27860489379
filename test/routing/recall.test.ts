import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createRecall } from "../../src/routing/recall.ts";

describe("what a recall keeps", () => {
  test("is bounded over all its maps", () => {
    const recall = createRecall(10);
    const maps = [recall.map<number>(), recall.map<number>(), recall.map<number>()];
    let most = 0;
    for (let i = 0; i < 1_000; i++) {
      recall.keep(maps[i % 3]!, `/${i}`, i);
      most = Math.max(
        most,
        maps.reduce((sum, { size }) => sum + size, 0),
      );
    }
    assertEquals(most, 10);
    assertEquals(maps[999 % 3]!.get("/999"), 999);
  });

  test("has no long keys in it", () => {
    const recall = createRecall(10);
    const map = recall.map<number>();
    recall.keep(map, `/${"x".repeat(1_000)}`, 1);
    assertEquals(map.size, 0);
  });
});
