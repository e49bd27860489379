import { describe, test } from "bun:test";
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
});
