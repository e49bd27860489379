import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { isFlat, type Sample, trendOf } from "./trend.ts";

const MB = 2 ** 20;
/** A sample every 5 s for ten minutes. */
const samples = (bytes: (i: number) => number): Sample[] =>
  Array.from({ length: 120 }, (_, i) => ({ at: i * 5000, bytes: bytes(i) }));

describe("a trend of memory", () => {
  test("of a saw between two collections is flat", () => {
    const trend = trendOf(
      samples((i) => (80 + (i % 7) * 10) * MB),
      0,
    );
    assert(isFlat(trend));
    assertEquals(trend.highest, 140 * MB);
  });

  test("of a slow leak is not, and it is told how much an hour", () => {
    const trend = trendOf(
      samples((i) => (80 + (i % 7) * 10 + i / 3) * MB),
      0,
    );
    assert(!isFlat(trend));
    assert(Math.abs(trend.perHour / MB - 240) < 20);
  });

  test("does not count the warm-up", () => {
    assert(
      isFlat(
        trendOf(
          samples((i) => Math.min(i, 24) * 10 * MB),
          120_000,
        ),
      ),
    );
  });

  test("of next to nothing is no trend", () => {
    assertThrows(
      () =>
        trendOf(
          samples(() => MB),
          590_000,
        ),
      Error,
      "too few",
    );
  });
});
