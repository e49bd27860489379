import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import {
  type HeadLimits,
  type RefusedRequest,
  type RequestHead,
  RequestReader,
} from "../../../src/http/http1/read-request.ts";

const LIMITS: HeadLimits = { header_bytes: 32_768, headers: 100, url_bytes: 8192 };

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** What a reader makes of these pieces, one after the other, its fields as lines; what is behind a head is read as the next. */
function readAll(pieces: readonly string[], limits = LIMITS) {
  const reader = new RequestReader(limits);
  const read: unknown[] = [];
  for (const piece of pieces) {
    let rest: Uint8Array = bytes(piece);
    while (rest.length > 0) {
      const head = reader.read(rest);
      if (head === undefined) break;
      if (head.problem !== undefined) return [...read, head];
      read.push(shown(head));
      rest = reader.rest;
    }
  }
  return reader.begun ? [...read, `${reader.held} bytes`] : read;
}

function shown({ fields, ...head }: RequestHead) {
  const lines: string[] = [];
  fields.forEachLine((name, value) => lines.push(`${name}:${value}`));
  return { ...head, lines };
}

const only = (text: string, limits = LIMITS) => readAll([text], limits)[0] as RequestHead & { lines: string[] };
/** As the reader gives it. */
const raw = (text: string) => new RequestReader(LIMITS).read(bytes(text)) as RequestHead;
const refused = (text: string, limits = LIMITS) => readAll([text], limits)[0] as RefusedRequest;

describe("the head of a request", () => {
  test("passes its fields as they came, without the white space around values", () => {
    const {
      method,
      target,
      minor,
      host,
      lines,
      bytes: size,
    } = only("PATCH /a//b/../c?d=%20&e HTTP/1.1\r\nhOST:a:81\r\nX-A:\t b \xe9\x80 c \t\r\nx-a:\r\nX_B: \t\r\n\r\n");
    assertEquals([method, target, minor, host, size], ["PATCH", "/a//b/../c?d=%20&e", 1, "a:81", 78]);
    assertEquals(lines, ["hOST:a:81", "X-A:b \xe9\x80 c", "x-a:", "X_B:"]);
  });

  test("leaves what stands behind it", () => {
    const reader = new RequestReader(LIMITS);
    reader.read(bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET"));
    assertEquals(reader.rest, bytes("abcGET"));
    assertEquals([reader.begun, reader.held], [false, 0]);
  });

  test("is read again and again, and nothing of one stays for the next", () => {
    const full =
      "POST http://b/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close, upgrade\r\nUpgrade: X\r\n\r\n";
    const plain = "GET / HTTP/1.0\r\n\r\n";
    const [alone] = readAll([plain]);
    assertEquals(readAll([full + plain + plain]).slice(1), [alone, alone]);
    const modern = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const [modernAlone] = readAll([modern]);
    assertEquals(
      readAll([full + modern + full + modern]).filter((_, at) => at % 2 === 1),
      [modernAlone, modernAlone],
    );
  });

  test("keeps nothing of the memory it came in, which is its socket's", () => {
    const text = "GET /kept HTTP/1.1\r\nHost: kept\r\nX-Kept-Name: kept\r\n\r\n";
    const whole = shown(raw(text));
    for (const cut of [0, 10, 30, 45]) {
      const reader = new RequestReader(LIMITS);
      let head: ReturnType<RequestReader["read"]>;
      for (const piece of [text.slice(0, cut), text.slice(cut)]) {
        // Some runtimes hand over a Buffer, whose `slice` is no copy.
        const memory = Buffer.from(piece, "latin1");
        head = reader.read(memory);
        memory.fill("z");
      }
      assertEquals(shown(head as RequestHead), whole);
    }
  });

  test("has begun with its first byte, not with an empty line before it", () => {
    const reader = new RequestReader(LIMITS);
    for (const [piece, begun, held] of [
      ["\r", false, 1],
      ["\n", false, 0],
      ["\r\n\r\n", false, 0],
      ["G", true, 1],
      ["ET / HTTP/1.1\r\nHo", true, 18],
    ] as const) {
      assertEquals(reader.read(bytes(piece)), undefined);
      assertEquals([reader.begun, reader.held], [begun, held], piece);
    }
  });

  test("is refused as soon as it is too long, whether or not its end comes", () => {
    const limits = { header_bytes: 100, headers: 3, url_bytes: 64 };
    const head = (target: string, fields: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}`;
    const field = (size: number) => `X: ${"x".repeat(size)}\r\n`;
    assertEquals(only(head(`/${"x".repeat(63)}`, "\r\n"), limits).problem, undefined);
    assertEquals(refused(head(`/${"x".repeat(64)}`, "\r\n"), limits).problem, "url_too_long");
    assertEquals(refused(`GET /${"x".repeat(600)}`, limits).problem, "url_too_long");
    assertEquals(only(head("/", `${field(86)}\r\n`), limits).problem, undefined);
    assertEquals(refused(head("/", field(87)), limits).problem, "headers_too_large");
    assertEquals(refused(head("/", `X: ${"x".repeat(89)}`), limits).problem, "headers_too_large");
    assertEquals(only(head("/", "A:\r\nB:\r\n\r\n"), limits).problem, undefined);
    assertEquals(refused(head("/", "A:\r\nB:\r\nC:\r\n"), limits).problem, "headers_too_large");
    assertEquals(refused(`${"M".repeat(65)} / HTTP/1.1\r\n`, limits).problem, "not_supported");
  });

  test("has no limits where they are 0", () => {
    const none = { header_bytes: 0, headers: 0, url_bytes: 0 };
    const text = `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: a\r\n${`X: ${"x".repeat(1000)}\r\n`.repeat(300)}\r\n`;
    assertEquals(only(text, none).lines.length, 301);
    assertEquals(only(text, none).target.length, 100_001);
  });
});

describe("the words of a refusal", () => {
  const fields = (text: string) => `GET / HTTP/1.1\r\nHost: a\r\n${text}\r\n\r\n`;

  test.each([
    ["HELO\r\n", "The request line does not begin with a method and a space"],
    ["GET \r\n", "The request line has no target"],
    ["GET  / HTTP/1.1\r\n", "The request line has no target"],
    ["GET /\r\n", "The request line does not end in an HTTP version"],
    ["GET / HTTP/1.1 x\r\n", "The request line does not end in an HTTP version"],
    ["GET / HTTP/1.1\n", "A line does not end in CR and LF"],
    ["GET / HTTP/1.9\r\n", "The HTTP version is neither 1.0 nor 1.1"],
    ["GET /a#b HTTP/1.1\r\n", "The request target has a fragment"],
    ["GET /a\x01b HTTP/1.1\r\n", "The request target has a control character"],
    ["GET a HTTP/1.1\r\n", "The request target is neither a path nor a URL of http or https"],
    ["CONNECT a:1 HTTP/1.1\r\n", "The gateway does not open tunnels with CONNECT"],
    [`${"M".repeat(65)} / HTTP/1.1\r\n`, "The method is longer than any known"],
    [`GET /${"a".repeat(9000)} HTTP/1.1\r\n`, "The path and query are longer than the gateway's limit"],
    ["GET / HTTP/1.1\r\n\r\n", "There is no Host header"],
    [fields("Host: a"), "The Host header is not one host with an optional port"],
    [fields("X"), "A field line has no colon"],
    [fields("X Y"), "A field line has no colon"],
    [fields("X : y"), "A field name has white space behind it"],
    [fields(": y"), "A field line has no name"],
    [fields(" X: y"), "A field line begins with white space"],
    [fields("X(: y"), "A field name has a character that is not a token's"],
    [fields("X\x80: y"), "A field name has a character that is not a token's"],
    [fields("X: \0"), "A field value has a control character"],
    [fields("X: a\rb"), "A line does not end in CR and LF"],
    [fields("X\ry: b"), "A line does not end in CR and LF"],
    [fields("X\ny: b"), "A line does not end in CR and LF"],
    ["GET / HTTP/1.1\r\nHost: a\r\n\rX", "A line does not end in CR and LF"],
    [fields("Content-Length: x"), "Content-Length is not one number"],
    [fields("Transfer-Encoding: x"), "Transfer-Encoding is not chunked alone"],
    [
      fields("Transfer-Encoding: chunked\r\nContent-Length: 1"),
      "The body has both a Content-Length and a Transfer-Encoding",
    ],
    ["GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding is not known to HTTP/1.0"],
    [fields("Expect: x"), "The only known expectation is 100-continue"],
    [fields("X: y\r\n".repeat(100).trimEnd()), "There are more header fields than the gateway's limit"],
    [fields(`X: ${"x".repeat(33_000)}`), "The header fields are larger than the gateway's limit"],
  ])("%j: %s", (text, words) => {
    assertEquals(refused(text).detail, words);
  });

  test("show the method and the target, as much as was read and a log can hold", () => {
    const shownOf = (text: string) => {
      const { method, target } = refused(text);
      return [method, target];
    };
    assertEquals(shownOf("\x16\x03\x01"), ["", ""]);
    assertEquals(shownOf("PUT /a?b HTTP/1.1\r\n\r\n"), ["PUT", "/a?b"]);
    assertEquals(shownOf("PUT /a#b HTTP/1.1\r\n"), ["PUT", "/a"]);
    assertEquals(shownOf("PUT http://a/b HTTP/1.1\r\n\r\n"), ["PUT", "/b"]);
    const [method, target] = shownOf(`${"M".repeat(64)} /${"a".repeat(9000)} HTTP/1.1\r\n`);
    assertEquals([method!.length, target!.length], [64, 256]);
    assertEquals(shownOf(`${"M".repeat(9000)} / HTTP/1.1\r\n`)[0]!.length, 64);
  });
});

describe("the bytes of requests", () => {
  const streams = [
    "\r\nGET /a HTTP/1.1\r\nHost: a\r\nX: y\t\r\n\r\nPOST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nhost: [::1]:80\r\n\r\nOPTIONS http://b HTTP/1.1\r\nhost:\r\n\r\nGET /\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nFolded: a\r\n b\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\rX",
    "\rX",
    "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUnfinished",
    `GET /${"x".repeat(80)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100)}\0\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nX\0: ${"x".repeat(100)}\r\n\r\n`,
    `GET /\0${"x".repeat(600)}`,
  ];
  const limits = { header_bytes: 64, headers: 8, url_bytes: 64 };

  test.each(streams)("are the same requests wherever they are cut: %j", (text) => {
    const whole = readAll([text], limits);
    for (let at = 0; at <= text.length; at++) {
      assertEquals(readAll([text.slice(0, at), text.slice(at)], limits), whole, `cut at ${at}`);
    }
    assertEquals(readAll([...text], limits), whole, "byte by byte");
  });

  test("are looked at a bounded number of times, however small the pieces are", () => {
    const text = `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(1000)}Y: ${"y".repeat(1_000_000)}\r\n\r\n`;
    const reader = new RequestReader({ header_bytes: 0, headers: 0, url_bytes: 0 });
    const all = bytes(text);
    let head: RequestHead | RefusedRequest | undefined;
    for (let at = 0; at < all.length; at++) head = reader.read(all.subarray(at, at + 1));
    assertEquals((head as RequestHead).bytes, all.length);
  });
});
