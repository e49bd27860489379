import { describe, test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { createChunks } from "../../../src/http/http1/chunks.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The body of what comes in these pieces, whether it is over, and what of the last piece was not its. */
function read(pieces: readonly string[]): { body: string; over: boolean; rest: string } {
  const chunks = createChunks();
  let body = "";
  let rest = "";
  for (const piece of pieces) {
    const taken = chunks.take(bytes(piece));
    body += new TextDecoder().decode(chunks.body);
    rest = piece.slice(taken);
  }
  return { body, over: chunks.over, rest };
}

const WHOLE = "5\r\nhello\r\n1;name=value\r\n \r\n0A ;x\r\nworld\r\nyou\r\n0\r\nX-Trailer: 1\r\nY: 2\r\n\r\n";

describe("a body in chunks", () => {
  test("is the same wherever it is cut in two", () => {
    for (let at = 0; at <= WHOLE.length; at++) {
      const { body, over } = read([WHOLE.slice(0, at), WHOLE.slice(at)]);
      assertEquals([body, over], ["hello world\r\nyou", true], `cut at ${at}`);
    }
  });

  test("is the same byte by byte", () => {
    assertEquals(read([...WHOLE]).body, "hello world\r\nyou");
  });

  test("leaves what follows it alone", () => {
    assertEquals(read([`${WHOLE}HTTP/1.1`]).rest, "HTTP/1.1");
  });

  test.each([
    ["0\r\n\r\n", ""],
    ["000\r\n\r\n", ""],
    ["a\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
    ["1 \t\r\na\r\n0\r\n\r\n", "a"],
  ])("%j", (text, body) => {
    assertEquals(read([text]), { body, over: true, rest: "" });
  });

  test.each(["5\r\nhello\r\n", "5\r\nhel", "0\r\n", "0\r\nX: 1\r\n", ""])("is not over after %j", (text) => {
    assertEquals(read([text]).over, false);
  });

  test.each([
    ["x\r\n", "without a size"],
    ["\r\n", "without a size"],
    ["-1\r\n", "without a size"],
    ["5x\r\nhello", "not a number"],
    ["5 0\r\nhello", "not a number"],
    ["5 \n", "not a number"],
    ["5\r\nhello!\r\n", "longer than its size"],
    ["fffffffffffffff\r\n", "4 PiB"],
    ["5\nhello\r\n", "CR and LF"],
    ["5\r5hello\r\n", "CR and LF"],
    ["5;x\nhello\r\n", "CR and LF"],
    ["5;x\ry\r\nhello\r\n", "CR and LF"],
    ["5\r\nhello\n0\r\n\r\n", "longer than its size"],
    ["5\r\nhello\r\r\n0\r\n\r\n", "CR and LF"],
    ["0\r\n\n", "CR and LF"],
    ["0\r\nX: 1\n\r\n", "CR and LF"],
    ["0\r\n\r\r\n", "CR and LF"],
    [`5;${"x".repeat(20_000)}`, "too long"],
    [`0\r\n${"x: y\r\n".repeat(4000)}`, "too long"],
  ])("that is none: %j", (text, words) => {
    assertThrows(() => read([text]), UpstreamError, words);
  });

  test("in tiny chunks comes as one piece, which keeps no memory but its own", () => {
    const chunks = createChunks();
    const came = bytes("1\r\nx\r\n".repeat(1000));
    assertEquals(chunks.take(came), came.length);
    assertEquals([chunks.body?.length, chunks.body?.buffer.byteLength], [1000, 1000]);
  });

  test("in large chunks is not copied", () => {
    const chunks = createChunks();
    const came = bytes(`fff\r\n${"x".repeat(4095)}\r\n1\r\ny`);
    chunks.take(came);
    assertEquals(new TextDecoder().decode(chunks.body), `${"x".repeat(4095)}y`);
    assertEquals(chunks.body?.buffer === came.buffer, true);
  });
});
