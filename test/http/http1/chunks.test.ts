import { describe, test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { type ChunkRules, Chunks } from "../../../src/http/http1/chunks.ts";

class Invalid extends Error {}

const RULES: ChunkRules = { trailers: 8, padding: false, invalid: (what) => new Invalid(what) };

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** The body of what comes in these pieces, its trailers, whether it is over, and what of the last piece was not its. */
function read(pieces: readonly string[], rules = RULES) {
  const chunks = new Chunks(rules);
  let body = "";
  let rest = "";
  for (const piece of pieces) {
    const taken = chunks.take(bytes(piece));
    body += new TextDecoder("latin1").decode(chunks.body);
    rest = piece.slice(taken);
  }
  const trailers: string[] = [];
  chunks.trailers?.forEachLine((name, value) => trailers.push(`${name}=${value}`));
  return { body, over: chunks.over, rest, trailers };
}

/** What is read of these pieces, or the words of the error. */
function outcome(pieces: readonly string[]): unknown {
  try {
    return read(pieces);
  } catch (error) {
    return (error as Invalid).message;
  }
}

const WHOLE =
  '5\r\nhello\r\n1;name=value\r\n \r\n0A ; x ; y = "\\"\\\t;" \r\nworld\r\nyou\r\n0;z\r\nX-Trailer: 1\r\nx-trailer:\t2 \xe9 \r\n\r\n';

const BAD: readonly (readonly [text: string, words: string])[] = [
  ["x\r\n", "without a size"],
  ["\r\n", "without a size"],
  [" 5\r\nhello\r\n", "without a size"],
  ["-1\r\n", "without a size"],
  ["+5\r\nhello\r\n", "without a size"],
  ["0x5\r\nhello\r\n", "not a number"],
  ["5x\r\nhello", "not a number"],
  ["5 0\r\nhello", "not a number"],
  ["5,5\r\nhello", "not a number"],
  ["5.\r\nhello", "not a number"],
  ["5 \r\nhello\r\n", "white space"],
  ["5\t\r\nhello\r\n", "white space"],
  ["5 \n", "CR and LF"],
  ["5\r\nhello!\r\n", "longer than its size"],
  ["5\r\nhell\r\n0\r\n", "longer than its size"],
  ["5\r\nhello0\r\n\r\n", "longer than its size"],
  ["fffffffffffffff\r\n", "4 PiB"],
  ["00000000000000\r\n", "4 PiB"],
  ["5\nhello\r\n", "CR and LF"],
  ["5\rhello\r\n", "CR and LF"],
  ["5\r5hello\r\n", "CR and LF"],
  ["5\r\rhello\r\n", "CR and LF"],
  ["5\r\nhello\n0\r\n\r\n", "longer than its size"],
  ["5\r\nhello\r\r\n0\r\n\r\n", "CR and LF"],
  ["5;x\nhello\r\n", "CR and LF"],
  ["5;x\ry\r\nhello\r\n", "CR and LF"],
  ["5;\r\nhello\r\n", "extension"],
  ["5;x=\r\nhello\r\n", "extension"],
  ["5;=x\r\nhello\r\n", "extension"],
  ["5;x y\r\nhello\r\n", "extension"],
  ["5;x=y z\r\nhello\r\n", "extension"],
  ["5;x;\r\nhello\r\n", "extension"],
  ["5;x\0\r\nhello\r\n", "extension"],
  ['5;x="\r\nhello\r\n', "extension"],
  ['5;x="\nhello\r\n', "CR and LF"],
  ['5;x="\\\r\nhello\r\n', "extension"],
  ['5;x="\\\nhello\r\n', "CR and LF"],
  ['5;x="y"z\r\nhello\r\n', "extension"],
  ['5;x="\x7f"\r\nhello\r\n', "extension"],
  [`5;${"x".repeat(20_000)}`, "too long"],
  ["0\r\n\n", "CR and LF"],
  ["0\r\n\r\r\n", "CR and LF"],
  ["0\r\nX: 1\n\r\n", "CR and LF"],
  ["0\r\nX: 1\r\r\n\r\n", "CR and LF"],
  ["0\r\nX: 1\r\n\n", "CR and LF"],
  ["0\r\nX\r\n\r\n", "no colon"],
  ["0\r\n: x\r\n\r\n", "no name"],
  ["0\r\nX : x\r\n\r\n", "white space behind it"],
  ["0\r\n X: x\r\n\r\n", "begins with white space"],
  ["0\r\nX: x\r\n y\r\n\r\n", "begins with white space"],
  ["0\r\nX: \0\r\n\r\n", "control character"],
  ["0\r\nGET / HTTP/1.1\r\n\r\n", "no colon"],
  [`0\r\nX: ${"x".repeat(20_000)}`, "too long"],
  [`0\r\nX: ${"x".repeat(16_000)}\r\nY: ${"x".repeat(400)}\r\n\r\n`, "too long"],
  [`0\r\n${"x: y\r\n".repeat(9)}`, "more than 8"],
];

describe("a body in chunks", () => {
  const whole = {
    body: "hello world\r\nyou",
    over: true,
    rest: "",
    trailers: ["X-Trailer=1", "x-trailer=2 \xe9"],
  };

  test("is the same wherever it is cut in two", () => {
    for (let at = 0; at <= WHOLE.length; at++) {
      const pieces = [WHOLE.slice(0, at), WHOLE.slice(at)].filter((piece) => piece !== "");
      assertEquals(read(pieces), whole, `cut at ${at}`);
    }
  });

  test("is the same byte by byte", () => {
    assertEquals(read([...WHOLE]), whole);
  });

  test("leaves what follows it alone", () => {
    assertEquals(read([`${WHOLE}HTTP/1.1`]).rest, "HTTP/1.1");
  });

  test.each([
    ["0\r\n\r\n", ""],
    ["000\r\n\r\n", ""],
    ["a\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
    ["0000000000005\r\nhello\r\n0\r\n\r\n", "hello"],
  ])("%j", (text, body) => {
    assertEquals(read([text]), { body, over: true, rest: "", trailers: [] });
  });

  test.each(["5\r\nhello\r\n", "5\r\nhel", "0\r\n", "0\r\nX: 1\r\n", "0\r\n\r", ""])("is not over after %j", (text) => {
    assertEquals(read([text]).over, false);
  });

  test.each(BAD)("that is none: %j", (text, words) => {
    assertThrows(() => read([text]), Invalid, words);
  });

  test("that is none is none wherever it is cut", () => {
    for (const [text] of BAD) {
      const expected = outcome([text]);
      assertEquals(outcome([...text]), expected, text);
      const cuts = text.length > 100 ? [1, 3, 10, 16_385, 16_388, 16_390] : Array.from(text, (_, at) => at);
      for (const at of cuts)
        assertEquals(outcome([text.slice(0, at), text.slice(at)]), expected, `${text} cut at ${at}`);
    }
  });

  test("may have white space behind a size where the rules have that", () => {
    assertEquals(read(["1 \t\r\na\r\n0  \r\n\r\n"], { ...RULES, padding: true }).body, "a");
    assertThrows(() => read(["1 \n"], { ...RULES, padding: true }), Invalid, "CR and LF");
  });

  test("has as many trailers as the rules say", () => {
    assertEquals(read([`0\r\n${"x: y\r\n".repeat(8)}\r\n`]).trailers.length, 8);
  });

  test("has any number of trailers where the rules set none, up to 16 KiB", () => {
    const any = { ...RULES, trailers: 0 };
    assertEquals(read([`0\r\n${"x: y\r\n".repeat(2000)}\r\n`], any).trailers.length, 2000);
    assertThrows(() => read([`0\r\n${"x: y\r\n".repeat(4000)}`], any), Invalid, "too long");
  });

  test("in tiny chunks comes as one piece, which keeps no memory but its own", () => {
    const chunks = new Chunks(RULES);
    // Some runtimes hand over a Buffer, whose `slice` is no copy.
    const came = Buffer.from("1\r\nx\r\n".repeat(1000));
    assertEquals(chunks.take(came), came.length);
    assertEquals([chunks.body?.length, chunks.body?.buffer.byteLength], [1000, 1000]);
  });

  test("in large chunks is not copied", () => {
    const chunks = new Chunks(RULES);
    const came = bytes(`fff\r\n${"x".repeat(4095)}\r\n1\r\ny`);
    chunks.take(came);
    assertEquals(new TextDecoder().decode(chunks.body), `${"x".repeat(4095)}y`);
    assertEquals(chunks.body?.buffer === came.buffer, true);
  });
});
