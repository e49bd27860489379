import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { Fields } from "../../src/http/header-fields.ts";
import { WatchedSource } from "../../src/http/watched-source.ts";
import { collect, PushedBody, sourceOfPieces } from "../helpers/body.ts";

/** A watched body and what was seen of it. */
function watched(source: PushedBody) {
  const seen: unknown[] = [];
  const body = new WatchedSource(source, {
    passed: (bytes) => void seen.push(bytes),
    waiting: (paused) => void seen.push(paused ? "paused" : "resumed"),
    over: (how) => void seen.push(how),
  });
  return { body, seen };
}

/** A sink that keeps what it gets. */
function sink() {
  const got: unknown[] = [];
  return {
    got,
    data: (bytes: Uint8Array) => void got.push(bytes.length),
    end: (trailers: Fields | undefined) => void got.push(trailers?.get("a") ?? "end"),
    fail: (error: unknown) => void got.push(error),
  };
}

describe("a body that is watched on its way", () => {
  test("passes as it is, length, pieces, trailers and all", async () => {
    const { body, seen } = watched(sourceOfPieces(["ab", "c"], Fields.from([["a", "1"]])));
    assertEquals(await collect(body), { text: "abc", size: 3, trailers: [["a", "1"]] });
    assertEquals(seen, [2, 1, "complete"]);
    assertEquals(new WatchedSource(new PushedBody(7), { passed: () => {}, over: () => {} }).length, 7);
  });

  test("lets its reader pause and resume its source", () => {
    const source = new PushedBody();
    const { body, seen } = watched(source);
    body.pipe(sink());
    body.pause();
    assertEquals(source.paused, true);
    body.resume();
    assertEquals([source.paused, seen], [false, ["paused", "resumed"]]);
  });

  test("is over once, however it ends, and nothing passes after that", () => {
    const ends: [(body: WatchedSource, source: PushedBody) => void, string, unknown[]][] = [
      [(body) => body.cancel("no more"), "cancelled", []],
      [(_body, source) => source.sink!.fail("broken"), "error", ["broken"]],
      [(_body, source) => source.sink!.end(undefined), "complete", ["end"]],
      [(body) => body.close(), "complete", ["end"]],
    ];
    for (const [end, how, left] of ends) {
      const source = new PushedBody();
      const { body, seen } = watched(source);
      const reader = sink();
      body.pipe(reader);
      end(body, source);
      for (const [again] of ends) again(body, source);
      source.sink!.data(new Uint8Array(1));
      body.pause();
      assertEquals([seen, reader.got], [[how], left]);
    }
  });

  test("that is ended in peace lets go of its source, and is whole for who reads it later, too", () => {
    for (const early of [true, false]) {
      const source = new PushedBody();
      const { body, seen } = watched(source);
      const reader = sink();
      if (early) body.close();
      body.pipe(reader);
      body.close();
      assertEquals([reader.got, seen, source.cancelled.length], [["end"], ["complete"], 1]);
    }
  });
});
