import { describe, test } from "bun:test";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { memoize } from "../../src/base/memoize.ts";

describe("a function that remembers", () => {
  test("is asked once for what comes again", () => {
    let asked = 0;
    const lengthOf = memoize((text) => {
      asked++;
      return text.length;
    });
    assertEquals([lengthOf("one"), lengthOf("one"), lengthOf("three"), lengthOf("one")], [3, 3, 5, 3]);
    assertEquals(asked, 2);
  });

  test("forgets when there are too many different questions, and keeps none that are long", () => {
    let asked = 0;
    const lengthOf = memoize((text) => {
      asked++;
      return text.length;
    }, 3);
    for (const text of ["a", "b", "c", "d", "d"]) lengthOf(text);
    assertEquals(asked, 4);
    lengthOf("a");
    assertEquals(asked, 5);
    const long = "x".repeat(300);
    assert(lengthOf(long) === 300 && lengthOf(long) === 300);
    assertEquals(asked, 7);
  });

  test("keeps a question alone, not the text that it was cut out of", () => {
    const lowerOf = memoize((text) => text.toLowerCase());
    const heap = (): number => {
      Bun.gc(true);
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    for (let at = 0; at < 500; at++) {
      const head = Buffer.alloc(200_000, `x-${at}-`).toString("latin1");
      lowerOf(head.slice(100, 140));
    }
    assert(heap() - before < 20 * 2 ** 20, `${heap() - before} bytes are kept`);
  });
});
