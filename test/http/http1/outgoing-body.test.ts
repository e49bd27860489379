import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Fields } from "../../../src/http/header-fields.ts";
import { OutgoingBody } from "../../../src/http/http1/outgoing-body.ts";
import type { StreamSocket } from "../../../src/platform/sockets.ts";
import { PushedBody, sourceOfPieces } from "../../helpers/body.ts";

/** An upload, what was written of it by write, and what came of it. */
function upload(source: PushedBody, framing: number | "chunked") {
  const written: string[] = [];
  const state = { takes: true, sent: 0, failures: [] as Error[] };
  const text = (data: Uint8Array | string): string =>
    typeof data === "string" ? data : Buffer.from(data).toString("latin1");
  const write = (data: Uint8Array | string): boolean => {
    written.push(text(data));
    return state.takes;
  };
  const socket = {
    write,
    writeFramed: (before: string, bytes: Uint8Array, after: string) => write(before + text(bytes) + after),
  } as StreamSocket;
  const owner = {
    sent: () => void state.sent++,
    unsendable: (error: Error) => void state.failures.push(error),
  };
  const body = new OutgoingBody(owner, socket, source, "HEAD;", framing);
  body.start();
  return { written, state, body };
}

describe("a request's body", () => {
  test("leaves with its head where it is there at once", () => {
    assertEquals(upload(sourceOfPieces(["hello"]), 5).written, ["HEAD;hello"]);
    assertEquals(upload(sourceOfPieces(["hello"]), "chunked").written, ["HEAD;5\r\nhello\r\n0\r\n\r\n"]);
    assertEquals(upload(sourceOfPieces([]), "chunked").written, ["HEAD;0\r\n\r\n"]);
    assertEquals(upload(sourceOfPieces(["a", "b"]), 2).written, ["HEAD;a", "b"]);
  });

  test("does not keep its head back where nothing is there yet", () => {
    const source = new PushedBody();
    const { written, state } = upload(source, "chunked");
    assertEquals(written, ["HEAD;"]);
    source.push("hello");
    source.sink!.end(Fields.from([["x-a", "1"]]));
    assertEquals([written, state.sent], [["HEAD;", "5\r\nhello\r\n", "0\r\nx-a: 1\r\n\r\n"], 1]);
  });

  test("waits while its socket takes no more", () => {
    const source = new PushedBody();
    const { written, state, body } = upload(source, 100);
    state.takes = false;
    source.push("one");
    assertEquals(source.paused, true);
    body.drained();
    assertEquals(source.paused, false);
    state.takes = true;
    source.push("two");
    body.drained();
    assertEquals([source.paused, written], [false, ["HEAD;", "one", "two"]]);
  });

  test("waits from its head on", () => {
    const source = new PushedBody();
    source.onFlow = () => {
      if (source.sink !== undefined && !source.paused) source.push("x");
    };
    const written: string[] = [];
    const refuses = (data: string): boolean => {
      written.push(data);
      return false;
    };
    const socket = { writeFramed: (before: string) => refuses(before) } as unknown as StreamSocket;
    new OutgoingBody({ sent: () => {}, unsendable: () => {} }, socket, source, "HEAD;", "chunked").start();
    assertEquals([written, source.paused], [["HEAD;1\r\n"], true]);
  });

  test.each([
    ["longer", ["hel", "lo!"], 5, 1],
    ["shorter", ["hell"], 5, 0],
  ] as const)("that is %s than its head said is never sent as whole", (words, pieces, framing, cancelled) => {
    const source = sourceOfPieces(pieces);
    const { written, state } = upload(source, framing);
    assertEquals([state.sent, state.failures.length, source.cancelled.length], [0, 1, cancelled]);
    assertStringIncludes(state.failures[0]!.message, words);
    assertEquals(written.join("").includes("!"), false);
  });

  test("that breaks says why, and nothing comes of it after it was given up", () => {
    const source = new PushedBody();
    const { state, body, written } = upload(source, "chunked");
    source.sink!.fail(new RangeError("why"));
    assertEquals([state.failures.length, (state.failures[0]!.cause as Error).message], [1, "why"]);
    body.cancel();
    assertEquals(source.cancelled, []);
    const other = new PushedBody();
    const given = upload(other, "chunked");
    given.body.cancel("enough");
    given.body.cancel("again");
    other.push("late");
    other.sink!.end(undefined);
    other.sink!.fail(new Error("late"));
    given.body.drained();
    assertEquals([other.cancelled, given.written, written], [["enough"], ["HEAD;"], ["HEAD;"]]);
    assertEquals([given.state.sent, given.state.failures], [0, []]);
  });
});
