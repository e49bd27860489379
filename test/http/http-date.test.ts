import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { httpDate } from "../../src/http/http-date.ts";

test("a date is the one of its second, whatever was asked before", () => {
  const at = Date.parse("1994-11-06T08:49:37Z");
  for (const [ms, second] of [
    [0, "37"],
    [999, "37"],
    [1000, "38"],
    [0, "37"],
  ] as const) {
    assertEquals(httpDate(at + ms), `Sun, 06 Nov 1994 08:49:${second} GMT`);
  }
});
