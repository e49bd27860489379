import {
  EITHER,
  get,
  HIDDEN,
  head,
  type Probe,
  type ProbeOptions,
  post,
  probe,
  REFUSED,
  UNKNOWN_CODING,
} from "./probe.ts";

const lengthLine = (line: string, options?: ProbeOptions, section = "6.2"): Probe =>
  probe(`a body of abc with ${JSON.stringify(line)}`, section, post([line], "abc"), { body: "abc", ...options });
const length = (value: string, options?: ProbeOptions): Probe => lengthLine(`Content-Length: ${value}`, options);

/** Digits, and nothing else (RFC 9110 section 8.6). */
const LENGTHS: readonly Probe[] = [
  length("3"),
  length(" \t3"),
  length("3 \t"),
  lengthLine("CONTENT-LENGTH:3"),
  length("003", EITHER),
  length("00000000000000000000003", EITHER),
  ...[
    "+3",
    "-3",
    "-0",
    "3.0",
    "3e0",
    "0x3",
    "0b11",
    "3 3",
    "3;",
    "'3'",
    '"3"',
    "three",
    "",
    " ",
    "3_0",
    "NaN",
    "Infinity",
  ].map((text) => length(text, REFUSED)),
  ...[
    "\x0b3",
    "3\x0c",
    "3\0",
    "\xa03",
    "\xb3",
    "3\x85",
    "\xd9\xa3",
    "3\x01",
    "(3)",
    "3h",
    "3L",
    "0o3",
    "3,",
    ",3",
    "3,4",
  ].map((text) => length(text, REFUSED)),
  ...["99999999999999999999", "18446744073709551619", "1".repeat(400), "-9223372036854775805"].map((text) =>
    length(text, REFUSED),
  ),
  ...["3,3", "3, 3"].map((text) => length(text, { allowed: [200, 400] })),
  lengthLine("Content-Length: 3\r\nContent-Length: 3", EITHER, "RFC 9110 8.6"),
  ...[
    "3\r\nContent-Length: 4",
    "4\r\nContent-Length: 3",
    "3\r\ncontent-length: 03",
    "0\r\nContent-Length: 3",
    "3\r\nContent-Length:",
  ].map((text) => length(text, REFUSED)),
  ...[
    "Content-Length : 3",
    "Content-Length\t: 3",
    "Content-Length\0: 3",
    " Content-Length: 3",
    "X: 1\r\n Content-Length: 3",
  ].map((line) => lengthLine(line, REFUSED, "5.1")),
  ...["X: 1\rContent-Length: 3", "Content-Length:\r\n 3", "Content-Length\r: 3"].map((line) =>
    lengthLine(line, REFUSED, "2.2"),
  ),
  lengthLine("Connection: content-length\r\nContent-Length: 3", {}, "RFC 9110 7.6.1"),
  probe("a length of nothing", "6.3", get("Content-Length: 0")),
  ...["GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "BREW"].map((method) =>
    probe(
      `${method} with a body`,
      "RFC 9110 9.3",
      `${head(`${method} /x HTTP/1.1`, "Host: a", "Content-Length: 3")}abc`,
      {
        body: "abc",
      },
    ),
  ),
  probe("a body that looks like a request", "6.2", post([`Content-Length: ${HIDDEN.length}`], HIDDEN), {
    body: HIDDEN,
  }),
  probe("a body of GET that looks like a request", "6.2", get(`Content-Length: ${HIDDEN.length}`) + HIDDEN, {
    body: HIDDEN,
  }),
  probe("a body of all 256 bytes", "6.2", post(["Content-Length: 256"], allBytes()), { body: allBytes() }),
];

const coded = (lines: string, options?: ProbeOptions, section = "6.1"): Probe =>
  probe(`chunks with ${JSON.stringify(lines)}`, section, post([lines], "3\r\nabc\r\n0\r\n\r\n"), {
    body: "abc",
    ...options,
  });
const coding = (value: string, options?: ProbeOptions): Probe => coded(`Transfer-Encoding: ${value}`, options);
/** Where a reader that misses the coding would find a request of its own. */
const both = (lines: string, body: string): Probe =>
  probe(`both with ${JSON.stringify(lines)}`, "6.3", post([lines], body), { ...REFUSED, closes: true });

/** `chunked` alone, once (RFC 9112 section 6.1); never beside a length (section 6.3). */
const CODINGS: readonly Probe[] = [
  coding("chunked"),
  coding("Chunked"),
  coding("CHUNKED"),
  coding(" \tchunked \t"),
  coded("transfer-encoding:chunked"),
  ...[
    "gzip",
    "gzip, chunked",
    "deflate,chunked",
    "identity",
    "xchunked",
    "chunkedx",
    "chunk",
    "cow",
    "x, chunked",
    "chunked, gzip",
  ].map((text) => coding(text, UNKNOWN_CODING)),
  ...[
    "",
    " ",
    ",",
    ",chunked",
    "chunked,",
    "chunked, ",
    "chunked;q=1",
    "chunked chunked",
    "chu nked",
    "chunked, identity",
  ].map((text) => coding(text, UNKNOWN_CODING)),
  ...[
    "identity, chunked",
    "chunked, chunked",
    "'chunked'",
    '"chunked"',
    "=chunked",
    "chunked=",
    "(x)chunked",
    "chunked\\",
  ].map((text) => coding(text, UNKNOWN_CODING)),
  ...[
    "\x0bchunked",
    "chunked\x0b",
    "\x0cchunked",
    "chunked\0",
    "\0chunked",
    "\xa0chunked",
    "chunked\x85",
    "\x01chunked",
    "chun\0ked",
  ].map((text) => coding(text, UNKNOWN_CODING)),
  ...["\xefchunked", "ch\xfcnked", "chun\xc5\xbfed", "\x1fchunked", "\x7fchunked"].map((text) =>
    coding(text, UNKNOWN_CODING),
  ),
  ...[
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    "Transfer-Encoding\0: chunked",
    " Transfer-Encoding: chunked",
  ].map((line) => coded(line, REFUSED, "5.1")),
  ...[
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: x\r\n chunked",
    "X: 1\rTransfer-Encoding: chunked",
    "Transfer-Encoding\r: chunked",
  ].map((line) => coded(line, REFUSED, "5.2")),
  ...[
    "chunked\r\nTransfer-Encoding: chunked",
    "chunked\r\nTransfer-Encoding: identity",
    "identity\r\nTransfer-Encoding: chunked",
  ].map((text) => coding(text, UNKNOWN_CODING)),
  coded("Connection: transfer-encoding\r\nTransfer-Encoding: chunked", {}, "RFC 9110 7.6.1"),
  probe("chunks in HTTP/1.0", "6.1", `${head("POST /x HTTP/1.0", "Host: a", "Transfer-Encoding: chunked")}0\r\n\r\n`, {
    allowed: [400, 501],
    closes: true,
  }),
  both("Transfer-Encoding: chunked\r\nContent-Length: 3", "3\r\nabc\r\n0\r\n\r\n"),
  both("Content-Length: 3\r\nTransfer-Encoding: chunked", "abc"),
  both(`Content-Length: ${5 + HIDDEN.length}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${HIDDEN}`),
  both("Transfer-Encoding: chunked\r\nContent-Length: 0", `0\r\n\r\n`),
  both("Transfer-Encoding: chunked\r\nContent-Length: x", "0\r\n\r\n"),
  both("Connection: content-length\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", "3\r\nabc\r\n0\r\n\r\n"),
  both("Content-Length: 3\r\nTransfer-Encoding: identity", "abc"),
  both("Content-Length: 3\r\nTransfer-Encoding:", "abc"),
  both("Content-Length: 3\r\nTransfer-Encoding: xchunked", "abc"),
  ...["GET", "DELETE", "OPTIONS", "BREW"].map((method) =>
    probe(
      `${method} with chunks`,
      "RFC 9110 9.3",
      `${head(`${method} /x HTTP/1.1`, "Host: a", "Transfer-Encoding: chunked")}3\r\nabc\r\n0\r\n\r\n`,
      {
        body: "abc",
      },
    ),
  ),
];

function allBytes(): string {
  return String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
}

export const FRAMING: readonly Probe[] = [...LENGTHS, ...CODINGS];
