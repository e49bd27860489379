import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { Fields } from "../../../src/http/header-fields.ts";
import { BodySender, CHUNKED } from "../../../src/http/http1/body-sender.ts";
import { uploadTrailers } from "../../../src/http/http1/request-head.ts";
import type { StreamSocket } from "../../../src/platform/sockets.ts";
import { PushedBody, sourceOfPieces } from "../../helpers/body.ts";

/** A message, what was written of it by write, and what came of it. */
function message(source: PushedBody, framing: number) {
  const written: string[] = [];
  const state = { takes: true, sent: [] as boolean[], failures: [] as [string, unknown][] };
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
    handedOver: (more: boolean) => void state.sent.push(more),
    broken: (fault: string, error: unknown) => void state.failures.push([fault, error]),
  };
  const body = new BodySender(owner, socket, source, "HEAD;", framing, uploadTrailers);
  body.start();
  return { written, state, body };
}

describe("the body of a message that is sent", () => {
  test("leaves with its head where it is there at once", () => {
    assertEquals(message(sourceOfPieces(["hello"]), 5).written, ["HEAD;hello"]);
    assertEquals(message(sourceOfPieces(["hello"]), CHUNKED).written, ["HEAD;5\r\nhello\r\n0\r\n\r\n"]);
    assertEquals(message(sourceOfPieces([]), CHUNKED).written, ["HEAD;0\r\n\r\n"]);
    assertEquals(message(sourceOfPieces(["a", "b"]), 2).written, ["HEAD;a", "b"]);
  });

  test("does not keep its head back where nothing is there yet", () => {
    const source = new PushedBody();
    const { written, state } = message(source, CHUNKED);
    assertEquals(written, ["HEAD;"]);
    source.push("hello");
    source.sink!.end(Fields.from([["x-a", "1"]]));
    assertEquals([written, state.sent], [["HEAD;", "5\r\nhello\r\n", "0\r\nx-a: 1\r\n\r\n"], [true]]);
  });

  test("never has an empty chunk, which would be its last", () => {
    const source = new PushedBody();
    const { written } = message(source, CHUNKED);
    source.push("");
    source.push("a");
    assertEquals(written, ["HEAD;", "1\r\na\r\n"]);
  });

  test("waits while its socket takes no more", () => {
    const source = new PushedBody();
    const { written, state, body } = message(source, 100);
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
    const owner = { handedOver: () => {}, broken: () => {} };
    new BodySender(owner, socket, source, "HEAD;", CHUNKED, uploadTrailers).start();
    assertEquals([written, source.paused], [["HEAD;1\r\n"], true]);
  });

  test.each([
    ["longer", ["hel", "lo!"], 5, 1],
    ["shorter", ["hell"], 5, 0],
  ] as const)("that is %s than its head said is never sent as whole", (fault, pieces, framing, cancelled) => {
    const source = sourceOfPieces(pieces);
    const { written, state } = message(source, framing);
    assertEquals([state.sent, state.failures, source.cancelled.length], [[], [[fault, undefined]], cancelled]);
    assertEquals(written.join("").includes("!"), false);
  });

  test("that breaks says why, and nothing comes of it after it was given up", () => {
    const source = new PushedBody();
    const { state, body, written } = message(source, CHUNKED);
    source.sink!.fail("why");
    assertEquals(state.failures, [["broke", "why"]]);
    body.cancel();
    assertEquals(source.cancelled, []);
    const other = new PushedBody();
    const given = message(other, CHUNKED);
    given.body.cancel("enough");
    given.body.cancel("again");
    other.push("late");
    other.sink!.end(undefined);
    other.sink!.fail(new Error("late"));
    given.body.drained();
    assertEquals([other.cancelled, given.written, written], [["enough"], ["HEAD;"], ["HEAD;"]]);
    assertEquals([given.state.sent, given.state.failures], [[], []]);
  });
});
