import { EITHER, get, head, type Probe, type ProbeOptions, post, probe, REFUSED, shown } from "./probe.ts";

const field = (text: string, options?: ProbeOptions, section = "5"): Probe =>
  probe(`the field line ${shown(text)}`, section, get(text), options);
const host = (lines: readonly string[], options?: ProbeOptions, section = "3.2"): Probe =>
  probe(`Host as ${JSON.stringify(lines)}`, section, head("GET /x HTTP/1.1", ...lines), options);
const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: 1`);

/** A name is a token, its colon follows at once (RFC 9112 section 5.1). */
const NAMES: readonly Probe[] = [
  ...[...'"(),/<=>?@[\\]{}'].map((byte) => field(`X${byte}Y: 1`, REFUSED, "RFC 9110 5.6.2")),
  ...["\0", "\x01", "\t", "\x0b", "\x7f", "\x80", "\xff", " "].map((byte) =>
    field(`X${byte}Y: 1`, REFUSED, "RFC 9110 5.6.2"),
  ),
  ...["X : 1", "X\t: 1", "X\x0b: 1", ": 1", " : 1", "X", "X;1", "X\xa0: 1"].map((text) => field(text, REFUSED, "5.1")),
  field("X!#$%&'*+-.^_`|~0: 1", { has: "X!#$%&'*+-.^_`|~0: 1" }, "RFC 9110 5.6.2"),
  field(`${"n".repeat(1000)}: 1`, {}, "RFC 9110 5.1"),
];

/** Visible characters, spaces, tabs and bytes above 127 (RFC 9110 section 5.5). */
const VALUES: readonly Probe[] = [
  ...["\0", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x0e", "\x1b", "\x1f", "\x7f"].map((byte) =>
    field(`X: a${byte}b`, byte === "\0" ? REFUSED : EITHER, "RFC 9110 5.5"),
  ),
  field("X:", { has: "X: " }, "RFC 9110 5.5"),
  field("X: \t ", { has: "X: " }, "RFC 9110 5.5"),
  field("X:1", { has: "X: 1" }, "5.1"),
  field("X: \t 1 \t", { has: "X: 1" }, "5.1"),
  field("X: a\tb  c", { has: "X: a\tb  c" }, "RFC 9110 5.5"),
  field("X: \x80\xe9\xff", { has: "X: \x80\xe9\xff" }, "RFC 9110 5.5"),
  field("X: a:b:c", { has: "X: a:b:c" }, "5.1"),
  field(`X: ${"b".repeat(10_000)}`, {}, "5"),
  field(`X: ${"b".repeat(70_000)}`, { allowed: [431], closes: true }, "5"),
  field(`X: ${"b".repeat(2_000_000)}`, { allowed: [431, 0], closes: true }, "5"),
];

/** CR and LF end a line, together (RFC 9112 section 2.2); a value goes on in no other one (section 5.2). */
const ENDS: readonly Probe[] = [
  ...["X: 1\n", "X: 1\nY: 2", "\nX: 1"].map((text) => field(text, EITHER, "2.2")),
  ...["X: 1\r", "X: 1\rY: 2", "X: 1\r\rY: 2", "\rX: 1", "X\r: 1", "X:\r1", "\r"].map((text) =>
    field(text, REFUSED, "2.2"),
  ),
  ...["X: 1\r\n 2", "X: 1\r\n\t2", "X: 1\r\n \r\nY: 2", "X:\r\n 1", " X: 1", "\tX: 1", " "].map((text) =>
    field(text, REFUSED, "5.2"),
  ),
  probe("a head that ends in two line feeds", "2.2", "GET /x HTTP/1.1\r\nHost: a\n\n", EITHER),
  probe("a head that ends in CR LF LF", "2.2", "GET /x HTTP/1.1\r\nHost: a\r\n\n", EITHER),
  probe("a head that ends in CR LF CR and a field", "2.2", "GET /x HTTP/1.1\r\nHost: a\r\n\rX: 1\r\n\r\n", REFUSED),
  probe("a head that ends in CR CR LF", "2.2", "GET /x HTTP/1.1\r\nHost: a\r\r\n\r\n", REFUSED),
  probe("bare line feeds everywhere", "2.2", "GET /x HTTP/1.1\nHost: a\n\n", EITHER),
];

/** One Host, which is one (RFC 9112 section 3.2; RFC 9110 section 7.2). */
const HOSTS: readonly Probe[] = [
  ...[
    [],
    ["X: 1"],
    ["Host : a"],
    ["Host: a", "Host: b"],
    ["Host: a", "Host: a"],
    ["Host: a", "HOST: a"],
    ["Host: a", "Host:"],
  ].map((lines) => host(lines, REFUSED)),
  ...[
    "a b",
    "a\tb",
    "a, b",
    "a/b",
    "a?b",
    "a#b",
    "u@a",
    "a:x",
    "a:80:80",
    "a:-1",
    "a:999999",
    "[::1",
    "::1",
    "[::1]x",
  ].map((text) => host([`Host: ${text}`], REFUSED)),
  ...["http://a", "a\\b", "a%00", "a\x80", "[a", "a]", "<a>", "a\0", '"a"', "a^", "a`", "{a}", "a|b"].map((text) =>
    host([`Host: ${text}`], REFUSED),
  ),
  ...["a:", "a%41", "", "a..b", ".a"].map((text) => host([`Host: ${text}`], EITHER)),
  ...["a.example", "A.Example:8080", "[::1]", "[::1]:80", "10.0.0.1", "a_b", "xn--caf-dma.test", "a."].map((text) =>
    host([`Host: ${text}`], { has: `Host: ${text}` }),
  ),
  host(["HOST: a"], { has: "HOST: a" }),
  host(["hOsT:a"], {}),
];

/** What `Connection` may and may not say (RFC 9110 section 7.6.1), and what a server expects (section 10.1.1). */
const CONTROL: readonly Probe[] = [
  field("Connection: close", { closes: true }, "9.6"),
  field("Connection: CLOSE", { closes: true }, "9.6"),
  field("Connection: x, close", { closes: true }, "9.6"),
  field("Connection: close\r\nConnection: keep-alive", { closes: true }, "9.6"),
  field("Connection: keep-alive", { hasNot: "connection:" }, "9.3"),
  field("Connection: x-hop\r\nX-Hop: 1", { hasNot: "x-hop:" }, "RFC 9110 7.6.1"),
  field("X-Hop: 1\r\nConnection: ,, x-hop ,", { hasNot: "x-hop:" }, "RFC 9110 7.6.1"),
  field("Connection: host", { has: "Host: a" }, "RFC 9110 7.6.1"),
  field("Connection: x-forwarded-for, x-real-ip", { has: "x-forwarded-for: 127.0.0.1" }, "RFC 9110 7.6.1"),
  field("Keep-Alive: timeout=5", { hasNot: "keep-alive:" }, "RFC 9110 7.6.1"),
  field("Proxy-Connection: keep-alive", { hasNot: "proxy-connection:" }, "RFC 9110 7.6.1"),
  field("TE: gzip", { hasNot: "te: gzip" }, "7.4"),
  field(
    "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    { hasNot: "upgrade:" },
    "RFC 9110 7.8",
  ),
  field(
    "Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    { hasNot: "http2-settings:" },
    "RFC 9113 3.2.1",
  ),
  field("Connection: upgrade\r\nUpgrade: TLS/1.0", { hasNot: "upgrade:" }, "RFC 9110 7.8"),
  field("Connection: upgrade\r\nUpgrade: HTTP/2.0", { hasNot: "upgrade:" }, "RFC 9110 7.8"),
  field("Upgrade: websocket", { hasNot: "upgrade:" }, "RFC 9110 7.8"),
  field("Expect: nothing-known", { allowed: [417, 200] }, "RFC 9110 10.1.1"),
  field("Max-Forwards: 0", { has: "Max-Forwards: 0" }, "RFC 9110 7.6.2"),
  field("Range: bytes=0-0", { has: "Range: bytes=0-0" }, "RFC 9110 14.2"),
  probe("two lines of a name, in their order", "RFC 9110 5.3", get("X-A: 1", "Y: 2", "x-a: 3"), { has: "x-a: 3" }),
  probe("a field in the case it came in", "RFC 9110 5.1", get("x-MiXed: 1"), { has: "x-MiXed: 1" }),
  probe("Cookie as it came", "RFC 6265 5.4", get("Cookie: a=b; c=d"), { has: "Cookie: a=b; c=d" }),
  probe("98 more fields", "RFC 9110 5.4", get(...fields(98))),
  probe("101 more fields", "RFC 6585 5", get(...fields(101)), { allowed: [431], closes: true }),
  probe("20,000 more fields", "RFC 6585 5", get(...fields(20_000)), { allowed: [431, 0], closes: true }),
  probe("POST without a body or a length", "6.3", post([], "")),
];

export const FIELD_LINES: readonly Probe[] = [...NAMES, ...VALUES, ...ENDS, ...HOSTS, ...CONTROL];
