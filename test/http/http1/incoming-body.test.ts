import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../../src/http/header-fields.ts";
import { IncomingBody } from "../../../src/http/http1/incoming-body.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A body, what its connection was asked, and what its sink got. */
function incoming(first?: string) {
  const asked: string[] = [];
  const got: string[] = [];
  const origin = {
    hold: () => void asked.push("hold"),
    flow: () => void asked.push("flow"),
    leave: () => void asked.push("leave"),
  };
  const body = new IncomingBody(origin, 7, first === undefined ? undefined : bytes(first));
  const pausing = { at: "" };
  const sink = {
    data(piece: Uint8Array) {
      const text = new TextDecoder().decode(piece);
      got.push(text);
      if (text === pausing.at) body.pause();
    },
    end: (trailers: Fields | undefined) => void got.push(`end ${trailers?.get("x") ?? ""}`),
    fail: (error: unknown) => void got.push(`fail ${error}`),
  };
  return { asked, got, body, sink, pausing };
}

describe("the body of an answer on its way", () => {
  test("waits for its sink, its connection held from the second piece on", () => {
    const { asked, got, body, sink } = incoming("one");
    assertEquals([asked, body.length], [[], 7]);
    body.take(bytes("two"));
    assertEquals(asked, ["hold"]);
    body.pipe(sink);
    assertEquals(
      [got, asked],
      [
        ["one", "two"],
        ["hold", "flow"],
      ],
    );
    body.take(bytes("three"));
    body.complete(Fields.from([["x", "1"]]));
    assertEquals(got, ["one", "two", "three", "end 1"]);
  });

  test("that is whole before it is wanted is handed over at once", () => {
    const { asked, got, body, sink } = incoming("one");
    body.complete(undefined);
    body.pipe(sink);
    assertEquals([got, asked], [["one", "end "], []]);
  });

  test("that broke before it was wanted ends with why", () => {
    const { got, body, sink } = incoming("one");
    body.break("why");
    body.pipe(sink);
    assertEquals(got, ["one", "fail why"]);
  });

  test("hands over nothing while it is paused, its end neither", () => {
    const { asked, got, body, sink, pausing } = incoming();
    pausing.at = "one";
    body.pipe(sink);
    body.take(bytes("one"));
    body.take(bytes("two"));
    body.complete(undefined);
    assertEquals([got, asked], [["one"], ["flow", "hold", "hold"]]);
    pausing.at = "two";
    body.resume();
    assertEquals(got, ["one", "two"]);
    body.resume();
    assertEquals(got, ["one", "two", "end "]);
    body.resume();
    body.cancel();
    assertEquals([got.length, asked.includes("leave")], [3, false]);
  });

  test("that breaks while it is paused says so at once, and nothing else any more", () => {
    const { got, body, sink, pausing } = incoming();
    pausing.at = "one";
    body.pipe(sink);
    body.take(bytes("one"));
    body.take(bytes("two"));
    body.break("why");
    body.resume();
    assertEquals(got, ["one", "fail why"]);
  });

  test("stays in order where its sink stops and goes on within a piece", () => {
    const { got, body, sink } = incoming("one");
    body.take(bytes("two"));
    const eager = {
      ...sink,
      data(piece: Uint8Array) {
        body.pause();
        body.resume();
        sink.data(piece);
        if (got.length === 1) body.take(bytes("three"));
      },
    };
    body.pipe(eager);
    body.complete(undefined);
    assertEquals(got, ["one", "two", "three", "end "]);
  });

  test("that is not wanted leaves its connection, once", () => {
    const { asked, got, body, sink } = incoming("one");
    body.cancel();
    body.cancel();
    body.take(bytes("two"));
    body.complete(undefined);
    body.break("why");
    body.pipe(sink);
    body.pause();
    assertEquals([asked, got], [["leave"], []]);
    assert(body.length === 7);
  });
});
