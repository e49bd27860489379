import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { ClientGone } from "../../src/http/client-gone.ts";

describe("a client's signal", () => {
  test("calls each listener once when the client leaves, in their order, functions and objects", () => {
    const gone = new ClientGone(false);
    const calls: string[] = [];
    const first = (): void => void calls.push("first");
    const second = { handleEvent: (): void => void calls.push("second") };
    for (const listener of [first, second, first, second]) gone.addEventListener("abort", listener);
    assertEquals([gone.aborted, calls], [false, []]);
    gone.abort();
    gone.abort();
    assertEquals([gone.aborted, calls], [true, ["first", "second"]]);
  });

  test("does not call what was taken back", () => {
    const gone = new ClientGone(false);
    const calls: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => (): void => void calls.push(name));
    for (const listener of [a!, b!, c!]) gone.addEventListener("abort", listener);
    gone.removeEventListener("abort", a!);
    gone.removeEventListener("abort", c!);
    gone.removeEventListener("abort", () => {});
    gone.abort();
    assertEquals(calls, ["b"]);
  });
});
