/** What a pod sends, and what a client may get of it. */
export interface HostileAnswer {
  readonly name: string;
  /** Latin-1; a list is sent piece by piece. */
  readonly bytes: string | readonly string[];
  /** What the client gets: a status, or "broken", where its connection ends within the answer. */
  readonly allowed: readonly (number | "broken")[];
  /** The body of a 200. */
  readonly body: string;
  /** How the request is made. @default "GET" */
  readonly method?: "GET" | "HEAD" | undefined;
  /** What the pod does behind its bytes; with "stays" it is the gateway that must end the connection. @default "stays" */
  readonly after?: "stays" | "ends" | "resets" | undefined;
  /** The pod's connection may serve other requests afterwards. @default false */
  readonly keeps?: boolean | undefined;
  /** What must be in the head of the client's answer, and what must not be anywhere in it. */
  readonly has?: string | undefined;
  readonly hasNot?: string | undefined;
}

type Options = Partial<Omit<HostileAnswer, "bytes">>;

/** A second answer, which is nobody's. */
export const SMUGGLED = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nx-smuggled: 1\r\n\r\nSMUGGLED";

const shown = (bytes: string | readonly string[]): string => {
  const text = typeof bytes === "string" ? bytes : bytes.join("");
  return JSON.stringify(text.length > 90 ? `${text.slice(0, 80)}… of ${text.length}` : text);
};
/** Refused in whole. */
const bad = (bytes: string | readonly string[], options: Options = {}): HostileAnswer => ({
  name: shown(bytes),
  bytes,
  allowed: [502],
  body: "",
  ...options,
});
/** Passed on; where the pod's connection is not fit for another request, `keeps` says so. */
const good = (bytes: string | readonly string[], body: string, options: Options = {}): HostileAnswer =>
  bad(bytes, { allowed: [200], body, keeps: true, ...options });
/** May be taken or refused, but never in a second way. */
const either = (bytes: string | readonly string[], body: string, options: Options = {}): HostileAnswer =>
  bad(bytes, { allowed: [200, 502], body, keeps: true, ...options });
/** Begun and not ended: the client must be able to see that. */
const broken = (bytes: string | readonly string[], options: Options = {}): HostileAnswer =>
  bad(bytes, { allowed: ["broken", 502], ...options });

const ok = (line: string, body = "abc"): string => `HTTP/1.1 200 OK\r\n${line}\r\n\r\n${body}`;
const withStatus = (line: string): string => `${line}\r\nContent-Length: 3\r\n\r\nabc`;
const withField = (line: string): string => ok(`Content-Length: 3\r\n${line}`);
const chunked = (body: string): string => ok("Transfer-Encoding: chunked", body);
const fields = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: 1`).join("\r\n");
const LAST = "0\r\n\r\n";

/** RFC 9112 section 4. */
const STATUS_LINES: readonly HostileAnswer[] = [
  good(withStatus("HTTP/1.1 200 "), "abc"),
  good(withStatus("HTTP/1.0 200 OK"), "abc"),
  good(withStatus("HTTP/1.1 200 Quite \xe9 Right"), "abc"),
  either(withStatus("HTTP/1.1 200"), "abc"),
  either(withStatus("HTTP/1.2 200 OK"), "abc"),
  either(`\r\n${withStatus("HTTP/1.1 200 OK")}`, "abc"),
  ...[
    "HTTP/1.1  200 OK",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 -20 OK",
    "HTTP/1.1 +20 OK",
  ].map((line) => bad(withStatus(line))),
  ...[
    "HTTP/1.1 2e2 OK",
    "HTTP/1.1 0xc8 OK",
    "HTTP/1.1 OK",
    "HTTP/1.1",
    "HTTP/2.0 200 OK",
    "HTTP/2 200",
    "HTTP/0.9 200 OK",
  ].map((line) => bad(withStatus(line))),
  ...[
    "http/1.1 200 OK",
    "HTTPS/1.1 200 OK",
    "ICY 200 OK",
    "200 OK",
    " HTTP/1.1 200 OK",
    "\0HTTP/1.1 200 OK",
    "HTTP/1.1200 OK",
  ].map((line) => bad(withStatus(line))),
  ...[
    "HTTP/1.1 000 X",
    "HTTP/1.1 099 X",
    "HTTP/1.1 600 X",
    "HTTP/1.1 999 X",
    "HTTP/1.1 20\x00 OK",
    "HTTP/1.1 \xb2\xb0\xb0 OK",
  ].map((line) => bad(withStatus(line))),
  ...["a\0b", "a\x01b", "a\rb", "a\r\rb", "a\x7fb"].map((reason) =>
    either(withStatus(`HTTP/1.1 200 ${reason}`), "abc"),
  ),
  bad("SSH-2.0-OpenSSH_9.2\r\n", { after: "ends" }),
  bad("\x15\x03\x01\x00\x02\x02\x46", { after: "ends" }),
  bad("<html>no HTTP at all</html>\n", { after: "ends" }),
  bad("", { after: "ends" }),
  bad("", { after: "resets" }),
  bad("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", { after: "ends" }),
  bad("\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff", { after: "ends" }),
];

/** RFC 9112 section 5. */
const FIELDS: readonly HostileAnswer[] = [
  good(withField("X-A:"), "abc"),
  good(withField("X-A: \xe9"), "abc", { has: "X-A: \xe9" }),
  good(withField("x-MiXeD: 1"), "abc", { has: "x-MiXeD: 1" }),
  ...["X-A", ": 1", " : 1", "X-A: 1\r\n 2", "X-A: 1\r\n\t2", "X A: 1", "X(A): 1", "X-\x80: 1", "X\0A: 1"].map((line) =>
    bad(withField(line)),
  ),
  ...["X-A: a\0b", "X-A: a\rb", "X-A: a\r\rb", "Set-Cookie: a=b\rc: d"].map((line) => bad(withField(line))),
  ...["X-A: a\x01b", "X-A: a\x7fb", "X-A: a\x0bb"].map((line) => either(withField(line), "abc")),
  either("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc"),
  either("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\nabc", "abc"),
  either(withField("X-A : 1"), "abc", { hasNot: "X-A :" }),
  either("HTTP/1.1 200 OK\r\n X-A: 1\r\nContent-Length: 3\r\n\r\nabc", "abc", { allowed: [502] }),
  good(withField("Connection: x-hop\r\nX-Hop: 1"), "abc", { hasNot: "X-Hop" }),
  good(withField("Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: y"), "abc", { hasNot: "Proxy-Connection" }),
  good(withField("Upgrade: h2c\r\nConnection: upgrade"), "abc", { hasNot: "h2c" }),
  good(ok("Connection: content-length\r\nContent-Length: 3"), "abc"),
  good(withField("Connection: close"), "abc", { keeps: false }),
  bad(withField(fields(501))),
  bad(withField(fields(20_000))),
  bad(withField(`X-A: ${"b".repeat(300_000)}`)),
  bad(`HTTP/1.1 200 OK\r\nX-A: ${"b".repeat(5_000_000)}`),
  bad(`HTTP/1.1 200 ${"b".repeat(1_000_000)}`),
  bad("HTTP/1.1 200 OK\r\nX-A: 1\r\n".padEnd(600_000, "X-A: 1\r\n")),
];

/** RFC 9112 section 6. */
const LENGTHS: readonly HostileAnswer[] = [
  good(ok("Content-Length:  3 \t"), "abc"),
  good(ok("Content-Length: 0", ""), ""),
  ...[
    "3\r\nContent-Length: 4",
    "3, 4",
    "+3",
    "-3",
    "3.0",
    "0x3",
    "3a",
    "",
    " ",
    "three",
    "99999999999999999999",
    "3;",
    "'3'",
  ].map((text) => bad(ok(`Content-Length: ${text}`))),
  ...["\x0b3", "3\x0c", "3\0", "\xa03", "3 3", "\xb3"].map((text) => bad(ok(`Content-Length: ${text}`))),
  ...["3\r\nContent-Length: 3", "3, 3"].map((text) => either(ok(`Content-Length: ${text}`), "abc")),
  bad(ok("Content-Length : 3")),
  bad(ok("Content-Length:\r\n 3")),
  bad(ok("Content-Length: 3\r\nTransfer-Encoding: chunked", `3\r\nabc\r\n${LAST}`)),
  bad(ok("Transfer-Encoding: chunked\r\nContent-Length: 3", "abc")),
  bad(ok("Transfer-Encoding: chunked\r\nContent-Length: 0", `8\r\nSMUGGLED\r\n${LAST}`)),
  ...[
    "gzip, chunked",
    "gzip",
    "identity",
    "xchunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked\r\nTransfer-Encoding: chunked",
  ].map((text) => bad(ok(`Transfer-Encoding: ${text}`, `3\r\nabc\r\n${LAST}`))),
  ...[
    "\x0bchunked",
    "chunked\x0c",
    "chunked\0",
    "\xa0chunked",
    "'chunked'",
    '"chunked"',
    "chunked;q=1",
    "chunk",
    "",
  ].map((text) => bad(ok(`Transfer-Encoding: ${text}`, `3\r\nabc\r\n${LAST}`))),
  bad(ok("Transfer-Encoding : chunked", `3\r\nabc\r\n${LAST}`)),
  bad(ok("Transfer-Encoding:\r\n chunked", `3\r\nabc\r\n${LAST}`)),
  good(ok("Transfer-Encoding: CHUNKED", `3\r\nabc\r\n${LAST}`), "abc"),
  either(`HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n${LAST}`, "abc", { keeps: false }),
  good("HTTP/1.1 200 OK\r\n\r\nabc", "abc", { after: "ends", keeps: false }),
  good("HTTP/1.0 200 OK\r\n\r\nabc", "abc", { after: "ends", keeps: false }),
];

/** RFC 9112 section 7.1. */
const CHUNKS: readonly HostileAnswer[] = [
  good(chunked(`3\r\nabc\r\n${LAST}`), "abc"),
  good(chunked(`1;a=b\r\na\r\n2\r\nbc\r\n${LAST}`), "abc"),
  good(chunked(`${"1\r\na\r\n".repeat(5000)}${LAST}`), "a".repeat(5000)),
  ...[
    "g\r\nabc",
    "-3\r\nabc",
    "+3\r\nabc",
    "0x3\r\nabc",
    "\r\nabc",
    "3h\r\nabc",
    "3 3\r\nabc",
    "3\nabc",
    "3\rabc",
    " 3\r\nabc",
  ].map((text) => broken(chunked(`${text}\r\n${LAST}`))),
  ...[
    "fffffffffffffffff\r\nabc",
    "10000000000000003\r\nabc",
    "2\r\nabc",
    "3\r\nabcd",
    "3;a\nb\r\nabc",
    "3;a\rb\r\nabc",
  ].map((text) => broken(chunked(`${text}\r\n${LAST}`))),
  broken(chunked(`3\r\nabc${LAST}`)),
  broken(chunked(`3\r\nabc\n${LAST}`)),
  broken(chunked(`3;${"a".repeat(200_000)}\r\nabc\r\n${LAST}`)),
  broken(chunked(`3\r\nabc\r\nzz\r\nabc\r\n${LAST}`)),
  broken(chunked("3\r\nabc\r\n0\n\n")),
  broken(chunked("3\r\nabc\r\n0\r\n\n")),
  broken(chunked(`3\r\nabc\r\n0\r\n${SMUGGLED}`), { hasNot: "SMUGGLED" }),
  broken(chunked(`2\r\nab\r\n2\r\nc${SMUGGLED}`), { hasNot: "x-smuggled" }),
  good(chunked("3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"), "abc"),
  ...["Content-Length: 9", "Transfer-Encoding: chunked", "Set-Cookie: a=b"].map((line) =>
    good(chunked(`3\r\nabc\r\n0\r\n${line}\r\n\r\n`), "abc", { allowed: [200, "broken"], hasNot: `0\r\n${line}` }),
  ),
  ...["X-T", ": 1", "X T: 1", "X-T: a\0b", "X-T: 1\r\n 2", "X-T: a\rb", "X-T: a\nb"].map((line) =>
    broken(chunked(`3\r\nabc\r\n0\r\n${line}\r\n\r\n`)),
  ),
  broken(chunked(`3\r\nabc\r\n0\r\nX-T: ${"b".repeat(600_000)}\r\n\r\n`)),
  broken(chunked(`3\r\nabc\r\n0\r\n${fields(20_000)}\r\n\r\n`)),
];

/** An answer that breaks off must not look whole (RFC 9112 section 8). */
const ENDS: readonly HostileAnswer[] = [
  ...[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nContent-Len",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
  ].flatMap((bytes) => [
    bad(bytes, { after: "ends" }),
    bad(bytes, { after: "resets", name: `${shown(bytes)} and a reset` }),
  ]),
  ...[
    ok("Content-Length: 3", ""),
    ok("Content-Length: 4"),
    chunked(""),
    chunked("3\r\na"),
    chunked("3\r\nabc\r\n"),
    chunked("3\r\nabc\r\n0\r\n"),
  ].flatMap((bytes) => [
    broken(bytes, { after: "ends" }),
    broken(bytes, { after: "resets", name: `${shown(bytes)} and a reset` }),
  ]),
  broken("HTTP/1.1 200 OK\r\n\r\nabc", { after: "resets", name: "a body without a length and a reset" }),
];

/** RFC 9110 section 15.2. */
const INTERIM: readonly HostileAnswer[] = [
  good(`HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n${ok("Content-Length: 3")}`, "abc"),
  good(`${"HTTP/1.1 102 P\r\n\r\n".repeat(32)}${ok("Content-Length: 3")}`, "abc"),
  good(`HTTP/1.1 100 Continue\r\n\r\n${ok("Content-Length: 3")}`, "abc"),
  good(`HTTP/1.1 199 X\r\n\r\n${ok("Content-Length: 3")}`, "abc"),
  bad(`${"HTTP/1.1 103 E\r\n\r\n".repeat(33)}${ok("Content-Length: 3")}`),
  bad("HTTP/1.1 103 E\r\n\r\n".repeat(20_000)),
  bad(`HTTP/1.1 103 E\r\nX-A: ${"b".repeat(300_000)}\r\n\r\n${ok("Content-Length: 3")}`),
  bad(`HTTP/1.1 103 E\r\nX(A): 1\r\n\r\n${ok("Content-Length: 3")}`),
  bad(`HTTP/1.1 103 E\r\nX-A: a\0b\r\n\r\n${ok("Content-Length: 3")}`),
  bad(`HTTP/1.1 103 E\r\nX-A: 1\r\n 2\r\n\r\n${ok("Content-Length: 3")}`),
  either(`HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\n${ok("Content-Length: 3")}`, "abc"),
  bad("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nSMUGGLED", {
    hasNot: "SMUGGLED",
  }),
  bad(`HTTP/1.1 101 S\r\n\r\n${ok("Content-Length: 3")}`),
  bad(`HTTP/1.1 100 C\r\n\r\nHTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`),
  bad("HTTP/1.1 103 E\r\n\r\n", { after: "ends", allowed: [502] }),
];

/** What comes behind an answer belongs to no request. */
const BEHIND: readonly HostileAnswer[] = [
  good(`${ok("Content-Length: 3")}${SMUGGLED}`, "abc", { keeps: false, hasNot: "SMUGGLED" }),
  good(`${ok("Content-Length: 0", "")}${SMUGGLED}`, "", { keeps: false, hasNot: "SMUGGLED" }),
  good(`${chunked(`3\r\nabc\r\n${LAST}`)}${SMUGGLED}`, "abc", { keeps: false, hasNot: "SMUGGLED" }),
  good(`${ok("Content-Length: 3")}x`, "abc", { keeps: false }),
  good(`${ok("Content-Length: 3")}\r\n`, "abc", { keeps: false }),
  good(`${ok("Content-Length: 3")}HTTP/1.1 103 E\r\n\r\n`, "abc", { keeps: false }),
  good(`${ok("Content-Length: 3", `abc${SMUGGLED}`)}`, "abc", {
    keeps: false,
    hasNot: "SMUGGLED",
    name: "a body longer than its length",
  }),
  ...["204 No Content", "304 Not Modified"].flatMap((status) => [
    good(`HTTP/1.1 ${status}\r\n\r\n${SMUGGLED}`, "", {
      allowed: [Number(status.slice(0, 3))],
      keeps: false,
      hasNot: "SMUGGLED",
    }),
    good(`HTTP/1.1 ${status}\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, "", {
      allowed: [Number(status.slice(0, 3))],
      keeps: false,
      hasNot: "SMUGGLED",
    }),
    good(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nSMUGGLED\r\n${LAST}`, "", {
      allowed: [Number(status.slice(0, 3)), 502],
      keeps: false,
      hasNot: "SMUGGLED",
    }),
  ]),
  ...[`Content-Length: ${SMUGGLED.length}`, "Transfer-Encoding: chunked", "X-A: 1"].map((line) =>
    good(ok(line, SMUGGLED), "", {
      method: "HEAD",
      keeps: false,
      hasNot: "SMUGGLED",
      name: `a body of HEAD with ${line}`,
    }),
  ),
  good([ok("Content-Length: 3"), SMUGGLED], "abc", {
    keeps: false,
    hasNot: "SMUGGLED",
    name: "a second answer a moment later",
  }),
  good([ok("Content-Length: 3", "a"), "b", `c${SMUGGLED}`], "abc", {
    keeps: false,
    hasNot: "SMUGGLED",
    name: "the same in three pieces",
  }),
];

export const HOSTILE: Readonly<Record<string, readonly HostileAnswer[]>> = {
  "a status line": STATUS_LINES,
  "a field": FIELDS,
  "a length or a coding": LENGTHS,
  "a body in chunks": CHUNKS,
  "an early end": ENDS,
  "interim answers": INTERIM,
  "what comes behind an answer": BEHIND,
};
