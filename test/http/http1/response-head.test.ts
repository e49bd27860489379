import { describe, test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { findHead, PartialHead } from "../../../src/http/http1/find-head.ts";
import { type ResponseHead, readHead } from "../../../src/http/http1/response-head.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** What a case looks at; its fields as lines. */
type Expected = Partial<Omit<ResponseHead, "fields"> & { fields: [name: string, value: string][] }>;

const lines = (...of: string[]): string => of.join("\r\n");

describe("the head of an answer", () => {
  const good: [what: string, text: string, expected: Expected][] = [
    ["with a length", lines("HTTP/1.1 200 OK", "Content-Length: 5"), { status: 200, statusText: "OK", framing: 5 }],
    ["without a reason", "HTTP/1.1 200", { status: 200, statusText: "", framing: "close" }],
    ["with an empty reason", "HTTP/1.1 404 ", { status: 404, statusText: "" }],
    ["with a status above 599, which is its caller's to judge", "HTTP/1.1 999 Denied", { status: 999 }],
    ["keeps its connection", lines("HTTP/1.1 200 OK", "Content-Length: 0"), { persistent: true }],
    ["closes it", lines("HTTP/1.1 200 OK", "Connection: foo, Close"), { persistent: false }],
    ["of HTTP/1.0 closes it", lines("HTTP/1.0 200 OK", "Content-Length: 0"), { persistent: false }],
    ["of HTTP/1.0 keeps it when it says so", lines("HTTP/1.0 200 OK", "connection: Keep-Alive"), { persistent: true }],
    ["in chunks", lines("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked"), { framing: "chunked", persistent: true }],
    [
      "of HTTP/1.0 in chunks closes its connection, whatever it says",
      lines("HTTP/1.0 200 OK", "Transfer-Encoding: chunked", "Connection: keep-alive"),
      { framing: "chunked", persistent: false },
    ],
    ["with as many fields as there may be", lines("HTTP/1.1 200 OK", ...Array(500).fill("a: 1")), { status: 200 }],
    ["with one length twice", lines("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5"), { framing: 5 }],
    ["with one length twice in a line", lines("HTTP/1.1 200 OK", "Content-Length: 5, 5"), { framing: 5 }],
    [
      "whose length stands where it first stood",
      lines("HTTP/1.1 200 OK", "A: 1", "content-LENGTH: 5", "B: 2", "Content-Length: 5", "C: 3"),
      {
        fields: [
          ["A", "1"],
          ["content-LENGTH", "5"],
          ["B", "2"],
          ["C", "3"],
        ],
      },
    ],
    [
      "that tells how long it waits, and of no upgrade",
      lines("HTTP/1.1 101 x", "Upgrade: a", "Keep-Alive: timeout=5"),
      { upgrade: "a", idleSeconds: 5 },
    ],
    ["that tells how long it waits", lines("HTTP/1.1 200 OK", "Keep-Alive: timeout=5, max=100"), { idleSeconds: 5 }],
    ["that tells it in quotes", lines("HTTP/1.1 200 OK", 'Keep-Alive: max=1, timeout="7"'), { idleSeconds: 7 }],
    [
      "whose fields keep their order, case and repetition",
      lines("HTTP/1.1 200 OK", "Set-Cookie: a=1", "X-A:b", "set-cookie:\t c=2 \t", "Content-Type: text/plain"),
      {
        fields: [
          ["Set-Cookie", "a=1"],
          ["X-A", "b"],
          ["set-cookie", "c=2"],
          ["Content-Type", "text/plain"],
        ],
      },
    ],
    [
      "without what is good for this hop only",
      lines(
        "HTTP/1.1 200 OK",
        "Connection: close, X-Mine, content-length",
        "X-Mine: 1",
        "Keep-Alive: timeout=1",
        "Proxy-Connection: close",
        "Proxy-Authenticate: Basic",
        "TE: trailers",
        "Trailer: x",
        "Upgrade: h2c",
        "Transfer-Encoding: chunked",
        "X-Yours: 2",
      ),
      { fields: [["X-Yours", "2"]] },
    ],
    [
      "with bare LF",
      "HTTP/1.1 200 OK\nA: 1\nB: 2",
      {
        fields: [
          ["A", "1"],
          ["B", "2"],
        ],
      },
    ], // prettier
    ["with white space before a colon", lines("HTTP/1.1 200 OK", "A : 1"), { fields: [["A", "1"]] }],
    ["with an option in tabs", lines("HTTP/1.1 200 OK", "Connection:\tx\t,\tclose\t"), { persistent: false }],
    ["with an empty value", lines("HTTP/1.1 200 OK", "A:"), { fields: [["A", ""]] }],
    [
      "with colons in a value",
      lines("HTTP/1.1 200 OK", "Location: http://a:1/"),
      { fields: [["Location", "http://a:1/"]] },
    ],
  ];
  test.each(good)("%s", (_what, text, expected) => {
    const head = readHead(text, bytes(text));
    const fields: [string, string][] = [];
    head.fields.forEachLine((name, value) => fields.push([name, value]));
    const read = { ...head, fields };
    for (const [key, value] of Object.entries(expected)) assertEquals(read[key as keyof Expected], value, key);
  });

  test.each([
    ["SSH-2.0-OpenSSH_9.2", "status line"],
    ["HTTP/2 200 OK", "status line"],
    ["HTTP/1.1 20 OK", "status line"],
    ["HTTP/1.1 2000 OK", "status line"],
    ["HTTP/1.1  200 OK", "status line"],
    [lines("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6"), "Content-Length"],
    [lines("HTTP/1.1 200 OK", "Content-Length: 5, 6"), "Content-Length"],
    [lines("HTTP/1.1 200 OK", "Content-Length: -5"), "Content-Length"],
    [lines("HTTP/1.1 200 OK", "Content-Length: 0x5"), "Content-Length"],
    [lines("HTTP/1.1 200 OK", "Content-Length:"), "Content-Length"],
    [lines("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"), "Transfer-Encoding"],
    [lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "Transfer-Encoding"],
    [lines("HTTP/1.1 200 OK", "no colon"), "name and colon"],
    [lines("HTTP/1.1 200 OK", ": no name"), "name and colon"],
    [lines("HTTP/1.1 200 OK", " folded: first"), "white space"],
    [lines("HTTP/1.1 200 OK", "A: 1", "  2"), "white space"],
    [lines("HTTP/1.1 200 OK", "Content-Length: 5", "\tX: 1"), "white space"],
    [lines("HTTP/1.1 200 OK", "Content-Length : 5"), "Content-Length"],
    [lines("HTTP/1.1 200 OK", "Transfer-Encoding\t: chunked"), "Transfer-Encoding"],
    [lines("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"), "both"],
    [lines("HTTP/1.1 200 OK", ...Array(501).fill("a: 1")), "more than 500"],
    ["HTTP/1.1 000 x", "status 000"],
    ["HTTP/1.1 099 x", "status 099"],
    ...["\u000b", "\u000c", "\u00a0", "\u0085", "\r"].flatMap((space): [string, string][] => [
      [lines("HTTP/1.1 200 OK", `Content-Length: ${space}5`), "Content-Length"],
      [lines("HTTP/1.1 200 OK", `Content-Length: 5${space}`), "Content-Length"],
      [lines("HTTP/1.1 200 OK", `Content-Length: 5,${space}5`), "Content-Length"],
      [lines("HTTP/1.1 200 OK", `Transfer-Encoding: ${space}chunked`), "Transfer-Encoding"],
      [lines("HTTP/1.1 200 OK", `Transfer-Encoding: chunked${space}`), "Transfer-Encoding"],
    ]),
  ])("that is none: %s", (text, words) => {
    assertThrows(() => readHead(text, bytes(text)), UpstreamError, words);
  });
});

describe("the end of a head", () => {
  test.each([
    ["A\r\nB\r\n\r\nrest", "A\r\nB", 8],
    ["A\nB\n\nrest", "A\nB", 5],
    ["A\r\nB\n\r\nrest", "A\r\nB", 7],
    ["A\nB\r\n\nrest", "A\nB", 6],
    ["A\n\nB\r\n\r\n", "A", 3],
    ["A\r\n\r\nB\n\n", "A", 5],
  ])("of %j", (text, head, end) => {
    assertEquals(findHead(bytes(text)), { text: head, end });
  });

  test("is not there yet", () => {
    assertEquals(findHead(bytes("HTTP/1.1 200 OK\r\nA: 1\r\n")), undefined);
  });

  test("is found far in, and each byte stays one character", () => {
    const text = `HTTP/1.1 200 OK\r\nX: ${"x".repeat(5000)}\u00e9\u0080\u009f\u00ff`;
    assertEquals(findHead(bytes(`${text}\r\n\r\nrest`)), { text, end: text.length + 4 });
  });

  test("that comes in pieces is found wherever it is cut", () => {
    for (const text of ["A\r\nB\r\n\r\nrest", "A\nB\n\nrest", "A\r\nB\n\r\nrest", "A\nB\r\n\nrest"]) {
      const end = findHead(bytes(text))!.end;
      for (let at = 0; at < text.length; at++) {
        const head = new PartialHead(bytes(text.slice(0, at)));
        const whole = head.add(bytes(text.slice(at)));
        if (at < end) assertEquals(findHead(whole!)?.end, end, `${JSON.stringify(text)} cut at ${at}`);
      }
      const [first = "", ...others] = text.slice(0, end);
      const head = new PartialHead(bytes(first));
      const found = others.map((byte) => head.add(bytes(byte)) !== undefined);
      assertEquals(found.indexOf(true), found.length - 1);
    }
  });

  test("that comes in pieces may be larger than what was thought of", () => {
    const head = new PartialHead(bytes("HTTP/1.1 200 OK\r\n"));
    for (let i = 0; i < 5000; i++) assertEquals(head.add(bytes("a: 1\r\n")), undefined);
    assertEquals(findHead(head.add(bytes("\r\nx"))!)?.end, 17 + 30_000 + 2);
  });
});
