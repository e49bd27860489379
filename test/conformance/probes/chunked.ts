import { EITHER, HIDDEN, type Probe, type ProbeOptions, post, probe, shown } from "./probe.ts";

const LAST = "0\r\n\r\n";
const chunks = (body: string, options?: ProbeOptions, section = "7.1"): Probe =>
  probe(`chunks ${shown(body)}`, section, post(["Transfer-Encoding: chunked"], body), {
    body: "abc",
    ...options,
  });
/** A fault within a body: the request has begun, so it may be ended by the connection's end alone. */
const BROKEN: ProbeOptions = { allowed: [400, 0], closes: true };
const sized = (size: string, options?: ProbeOptions, section?: string): Probe =>
  chunks(`${size}\r\nabc\r\n${LAST}`, options, section);
const trailer = (lines: string, options?: ProbeOptions): Probe =>
  chunks(`3\r\nabc\r\n0\r\n${lines}\r\n\r\n`, options, "7.1.2");

/** Hexadecimal digits (RFC 9112 section 7.1). */
const SIZES: readonly Probe[] = [
  sized("3"),
  sized("03"),
  sized("0000003"),
  sized(`${"0".repeat(40)}3`, { allowed: [200, 400, 0] }),
  chunks(`a\r\n0123456789\r\n${LAST}`, { body: "0123456789" }),
  chunks(`A\r\n0123456789\r\n${LAST}`, { body: "0123456789" }),
  chunks(`1\r\na\r\n2\r\nbc\r\n${LAST}`),
  chunks(LAST, { body: "" }),
  chunks("000\r\n\r\n", { body: "" }),
  ...[
    "",
    "g",
    "-1",
    "-3",
    "+3",
    "0x3",
    "3h",
    "3.0",
    "3,",
    "1_0",
    "'3'",
    "\\x03",
    "\xb3",
    "3\0",
    "\x003",
    "x3",
    "#3",
    "3-",
    "%33",
  ].map((size) => sized(size, BROKEN)),
  ...[" 3", "\t3", "3 3", "3\x0b", "\x0b3", "3\x0c", "\xa03", "\n3", "\r\n3", "3\r", "3\n"].map((size) =>
    sized(size, BROKEN),
  ),
  ...["3 ", "3\t", "3 \t "].map((size) => sized(size, { ...EITHER, allowed: [200, 400, 0] })),
  ...[
    "fffffffffffffffff",
    "10000000000000003",
    "100000003".padStart(40, "1"),
    "7fffffffffffffff8",
    "ffffffff00000003",
  ].map((size) => sized(size, { allowed: [400, 413, 0], closes: true })),
];

/** Extensions are skipped, not their faults (RFC 9112 section 7.1.1). */
const EXTENSIONS: readonly Probe[] = [
  ...["3;a", "3;a=b", '3;a="b"', '3;a="b;c"', "3;a;b=c;d", `3;a=${"b".repeat(500)}`].map((size) =>
    sized(size, {}, "7.1.1"),
  ),
  ...["3;", "3 ;a", "3;a =b", "3; a=b", '3;a="b', "3;=b", "3;a=", "3;\xe9=b", "3;a\x0bb", "3;;"].map((size) =>
    sized(size, { allowed: [200, 400, 0] }, "7.1.1"),
  ),
  ...["3;a\nb", "3;a\rb", "3;a\r\r", '3;a="\r', '3;a="\n"', "3;a\n"].map((size) => sized(size, BROKEN, "7.1.1")),
  sized(`3;${"a".repeat(100_000)}`, BROKEN, "7.1.1"),
  sized(`3;a="\r\n${HIDDEN}`, BROKEN, "7.1.1"),
  chunks(`3\r\nabc\r\n0;a=b\r\n\r\n`, {}, "7.1.1"),
  chunks(`3\r\nabc\r\n0;\n\r\n\r\n`, BROKEN, "7.1.1"),
];

/** What stands between the data, and behind it. */
const DATA: readonly Probe[] = [
  chunks(`2\r\nabc\r\n${LAST}`, BROKEN),
  chunks(`2\r\nabc\r\n${LAST}${HIDDEN}`, BROKEN),
  chunks(`4\r\nabc\r\n${LAST}`, BROKEN),
  chunks(`3\r\nabc${LAST}`, BROKEN),
  chunks(`3\r\nabc\n${LAST}`, BROKEN),
  chunks(`3\r\nabc\r${LAST}`, BROKEN),
  chunks(`3\r\nabc\n\r${LAST}`, BROKEN),
  chunks(`3\r\nabc\r\n\r\n${LAST}`, BROKEN),
  chunks(`3\r\nabcxx${LAST}`, BROKEN),
  chunks("3\nabc\n0\n\n", BROKEN),
  chunks("3\rabc\r0\r\r", BROKEN),
  chunks("3\r\nabc\r\nzz\r\nabc\r\n0\r\n\r\n", BROKEN),
  chunks(`3\r\nabc\r\n0\r\n${HIDDEN}`, BROKEN),
  chunks("3\r\nabc\r\n0\r\n\r", { ...BROKEN, allowed: [400, 0] }),
  chunks("3\r\nabc\r\n0\n\n", BROKEN),
  chunks("3\r\nabc\r\n0\r\n\n", BROKEN),
  chunks("3\r\nabc\r\n-0\r\n\r\n", BROKEN),
  chunks("3\r\nabc\r\n0x0\r\n\r\n", BROKEN),
  chunks(`${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n${LAST}`, { body: HIDDEN }),
  chunks(`${"1\r\na\r\n".repeat(10_000)}${LAST}`, { body: "a".repeat(10_000) }),
  chunks(`5\r\n0\r\n\r\n\r\n${LAST}`, { body: "0\r\n\r\n" }),
];

/** Trailers go by the rules of fields (RFC 9112 section 7.1.2), and never frame (RFC 9110 section 6.5.1). */
const TRAILERS: readonly Probe[] = [
  trailer("X-T: 1"),
  trailer("X-T: 1\r\nX-U: 2"),
  trailer("X-T:"),
  trailer("Content-Length: 5", { allowed: [200, 400, 0] }),
  trailer("Transfer-Encoding: chunked", { allowed: [200, 400, 0] }),
  trailer("Host: evil.test", { allowed: [200, 400, 0], has: "Host: a" }),
  trailer("X-Forwarded-For: 1.2.3.4", { allowed: [200, 400, 0], has: "x-forwarded-for: 127.0.0.1" }),
  trailer("Connection: close", { allowed: [200, 400, 0] }),
  ...["X-T : 1", "X T: 1", ": 1", "X-T", "X-T: a\0b", "X(: 1", "X-T: 1\rY: 2", "\0"].map((lines) =>
    trailer(lines, BROKEN),
  ),
  ...["X-T: 1\r\n 2", " X-T: 1", "X-T: 1\nX-U: 2"].map((lines) => trailer(lines, BROKEN)),
  trailer(`X-T: ${"b".repeat(200_000)}`, { allowed: [400, 413, 431, 0], closes: true }),
  trailer(Array.from({ length: 5000 }, (_, i) => `X-${i}: 1`).join("\r\n"), {
    allowed: [400, 413, 431, 0],
    closes: true,
  }),
];

export const CHUNKED: readonly Probe[] = [...SIZES, ...EXTENSIONS, ...DATA, ...TRAILERS];
