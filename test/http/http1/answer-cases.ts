/** What becomes of an answer: a status with its body, or an error. */
export interface AnswerCase {
  /** Of RFC 9112, or of RFC 9110 where that stands before it. */
  readonly section: string;
  readonly what: string;
  /** As a pod sends it, each character a byte. */
  readonly bytes: string;
  /**
   * The status and the body that the client has; or words of the error that it has instead. Where those come third, the error
   * comes in the middle of the body, or instead of the answer where it was there as soon.
   */
  readonly reads: readonly [status: number, body: string, broken?: string] | string;
  /** The body ends with the connection: all that comes is its. */
  readonly toTheEnd?: boolean;
  /** Of the request. @default "GET" */
  readonly method?: string;
}

type Row = readonly [
  section: string,
  what: string,
  bytes: string,
  reads: AnswerCase["reads"],
  more?: Partial<AnswerCase>,
];

const OK = "HTTP/1.1 200 OK";
/** An answer with these lines, and what stands behind them. */
const answer = (lines: readonly string[], body = ""): string => [...lines, "", body].join("\r\n");
const ok = (line: string, body = "hello"): string => answer([OK, line, "Content-Length: 5"], body);
const lengths = (...values: string[]): string =>
  answer([OK, ...values.map((value) => `Content-Length: ${value}`)], "hello");
const coded = (coding: string): string => answer([OK, `Transfer-Encoding: ${coding}`], "5\r\nhello\r\n0\r\n\r\n");
const chunks = (body: string): string => answer([OK, "Transfer-Encoding: chunked"], body);
const status = (line: string): string => answer([line, "Content-Length: 5"], "hello");

const LATER = { toTheEnd: true } as const;

const STATUS_LINES: readonly Row[] = [
  ["4", "HTTP/1.0", status("HTTP/1.0 200 OK"), [200, "hello"]],
  ["4", "no reason phrase", status("HTTP/1.1 200 "), [200, "hello"]],
  ["4", "no reason phrase and no space", status("HTTP/1.1 200"), [200, "hello"]],
  ["4", "a reason phrase with bytes above 0x7f", status("HTTP/1.1 200 \xe9\xff"), [200, "hello"]],
  ...[
    "HTTP/2 200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/0.9 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/1 200 OK",
    "HTTP/1.10 200 OK",
    "http/1.1 200 OK",
    "ICY 200 OK",
    "HTTP/1.1200 OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1\t200 OK",
    " HTTP/1.1 200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 2x0 OK",
    "HTTP/1.1 +20 OK",
    "HTTP/1.1 200OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1",
    "200 OK",
    "",
    "GET / HTTP/1.1",
    "\0HTTP/1.1 200 OK",
    "\xef\xbb\xbfHTTP/1.1 200 OK",
  ].map((line): Row => ["4", `the status line ${JSON.stringify(line)}`, status(line), "status line"]),
  ...["HTTP/1.1 000 x", "HTTP/1.1 042 x", "HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/1.1 999 x"].map(
    (line): Row => ["9110 15", `the status line ${JSON.stringify(line)}`, status(line), "none of HTTP's"],
  ),
  ...["\0", "\x01", "\v", "\x1b", "\x7f"].map(
    (phrase): Row => [
      "4",
      `${JSON.stringify(phrase)} in the reason phrase`,
      status(`HTTP/1.1 200 ${phrase}`),
      "none of HTTP's",
    ],
  ),
  ["4", "a CR in the reason phrase", status("HTTP/1.1 200 a\rb"), "status line"],
  ["2.2", "an empty line before it", `\r\n${status(OK)}`, "status line"],
  ["2.2", "text before it", `hello\r\n${status(OK)}`, "status line"],
  [
    "9110 15.2.2",
    "101 that was not asked for",
    answer(["HTTP/1.1 101 x", "Upgrade: x", "Connection: upgrade"]),
    "unasked",
  ],
  ["9110 15.2", "interim answers without an end", answer(["HTTP/1.1 102 x"]).repeat(33) + status(OK), "without end"],
  [
    "9110 15.2",
    "an interim answer with a length",
    answer(["HTTP/1.1 103 x", "Content-Length: 5"], status(OK)),
    [200, "hello"],
  ],
  [
    "9110 15.2",
    "an interim answer with a body",
    answer(["HTTP/1.1 103 x", "Content-Length: 5"], `hello${status(OK)}`),
    "status line",
  ],
  [
    "9110 15.2",
    "an interim answer in chunks",
    answer(["HTTP/1.1 103 x", "Transfer-Encoding: chunked"], status(OK)),
    [200, "hello"],
  ],
];

const FIELD_LINES: readonly Row[] = [
  ["2.2", "LF as the end of lines", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", [200, "hello"]],
  ["2.2", "a CR within a value", ok("X: a\rContent-Length: 9"), "none of HTTP's"],
  ["2.2", "a CR within a name", ok("X\rY: a"), "not HTTP's"],
  ["2.2", "CR CR LF as the end of a line", ok("X: a\r"), "none of HTTP's"],
  ["2.2", "a CR instead of a line's end before the length", `${OK}\rContent-Length: 5\r\n\r\nhello`, "status line"],
  ["9110 5.5", "a NUL within a value", ok("X: a\0b"), "none of HTTP's"],
  // Who receives them may keep these, where they end nothing.
  ...["\x01", "\b", "\v", "\f", "\x1b", "\x1f", "\x7f"].map(
    (byte): Row => ["9110 5.5", `${JSON.stringify(byte)} within a value`, ok(`X: a${byte}b`), [200, "hello"]],
  ),
  ...["\0", "\x7f", "\x80", "\xe9", "(", ")", "/", "@", '"', "[", "{", ",", ";", "=", "?", "\\"].map(
    (byte): Row => ["9110 5.1", `${JSON.stringify(byte)} within a name`, ok(`X${byte}Y: a`), "not HTTP's"],
  ),
  ["9110 5.5", "bytes above 0x7f in a value", ok("X: \x80\xa0\xff"), [200, "hello"]],
  ["5.1", "white space before a colon", ok("X : a"), [200, "hello"]],
  ["5.1", "white space within a name", ok("X Y: a"), "not HTTP's"],
  ["5.1", "white space before the colon of a length", answer([OK, "Content-Length : 5"], "hello"), "white space"],
  [
    "5.1",
    "white space before the colon of a coding",
    answer([OK, "Transfer-Encoding\t: chunked"], "0\r\n\r\n"),
    "white space",
  ],
  ["5", "no colon", ok("X"), "no name and colon"],
  ["5", "an empty name", ok(": a"), "no name and colon"],
  ["5", "a status line among the fields", ok("HTTP/1.1 200 OK"), "no name and colon"],
  ["5.2", "a folded value", ok("X: a\r\n b"), "white space"],
  ["5.2", "a value folded with a tab", ok("X: a\r\n\tb"), "white space"],
  ["5.2", "a folded length", answer([OK, "Content-Length:", " 5"], "hello"), "white space"],
  ["2.2", "white space before the first field", answer([OK, " X: a", "Content-Length: 5"], "hello"), "white space"],
  ["9110 5.4", "more fields than may be", answer([OK, ...Array<string>(501).fill("A: b")]), "500"],
  ["9110 5.4", "fields without an end", `${OK}\r\nX: ${"x".repeat(270_000)}`, "256 KiB"],
];

const FRAMING: readonly Row[] = [
  ["6.3", "no length", answer([OK], "hello"), [200, "hello"], LATER],
  [
    "6.3",
    "no length, but a connection that is kept",
    answer([OK, "Connection: keep-alive"], "hello"),
    [200, "hello"],
    LATER,
  ],
  ["6.3", "the length of a body that is longer", lengths("4"), [200, "hell"]],
  ["6.3", "a length of 0 and a body", lengths("0"), [200, ""]],
  ["6.3", "a length twice", lengths("5", "5"), [200, "hello"]],
  ["6.3", "a list of equal lengths", lengths("5, 5"), [200, "hello"]],
  ...[
    "4, 5",
    "5, 5, 4",
    "5,",
    ",5",
    "5 5",
    "+5",
    "-5",
    "5.0",
    "0x5",
    "5e0",
    "",
    '"5"',
    "5;a",
    "\xa05",
    "9007199254740993",
    "18446744073709551621",
    "NaN",
    "Infinity",
    "five",
  ].map((length): Row => ["6.3", `the length ${JSON.stringify(length)}`, lengths(length), "not one number"]),
  ["6.3", "two lengths", lengths("5", "4"), "not one number"],
  ["6.3", "two lengths, one with a zero", lengths("5", "05"), "not one number"],
  ["6.3", "two lengths, one empty", lengths("5", ""), "not one number"],
  [
    "6.3",
    "a length and a coding",
    answer([OK, "Content-Length: 5", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    "both",
  ],
  [
    "6.3",
    "a coding and a length",
    answer([OK, "Transfer-Encoding: chunked", "Content-Length: 5"], "0\r\n\r\n"),
    "both",
  ],
  ["6.1", "a coding in other letters", coded("ChunKED"), [200, "hello"]],
  ...[
    "identity",
    "gzip",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked,",
    ",chunked",
    "chunked;a=b",
    "xchunked",
    "chunkedx",
    "chunk",
    '"chunked"',
    "\xa0chunked",
    "chunked\xa0",
    "identity, chunked",
    "",
  ].map((coding): Row => ["6.1", `the coding ${JSON.stringify(coding)}`, coded(coding), "not chunked alone"]),
  [
    "6.1",
    "chunked in two lines",
    answer([OK, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    "not chunked alone",
  ],
  ["6.1", "a coding behind a vertical tab", coded("\vchunked"), "not chunked alone"],
  [
    "6.1",
    "chunks in HTTP/1.0",
    answer(["HTTP/1.0 200 OK", "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    [200, "hello"],
  ],
  ["6.3", "a body behind a 204", answer(["HTTP/1.1 204 x", "Content-Length: 5"], "hello"), [204, ""]],
  ["6.3", "a body behind a 304", answer(["HTTP/1.1 304 x", "Content-Length: 5"], "hello"), [304, ""]],
  [
    "6.3",
    "a body in chunks behind a 204",
    answer(["HTTP/1.1 204 x", "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    [204, ""],
  ],
  ["6.3", "a body behind an answer to HEAD", lengths("5"), [200, ""], { method: "HEAD" }],
  ["6.3", "a body in chunks behind an answer to HEAD", coded("chunked"), [200, ""], { method: "HEAD" }],
  ["9.6", "a connection that is kept and closed", ok("Connection: keep-alive, close"), [200, "hello"]],
  ["7.6.1", "a length that Connection names", ok("Connection: content-length"), [200, "hello"]],
];

const broken = (section: string, what: string, body: string, words: string): Row => [
  section,
  what,
  chunks(body),
  [200, "", words],
];

const CHUNKS: readonly Row[] = [
  ["7.1", "white space behind sizes", chunks("5  \r\nhello\r\n0 \r\n\r\n"), [200, "hello"]],
  ["7.1.1", "extensions", chunks('5;a;b="\\"c"\r\nhello\r\n0;d=e\r\n\r\n'), [200, "hello"]],
  ["7.1.2", "trailers", chunks("5\r\nhello\r\n0\r\nA: b\r\n\r\n"), [200, "hello"]],
  [
    "7.1.2",
    "trailers that frame",
    chunks("5\r\nhello\r\n0\r\nContent-Length: 900\r\nTransfer-Encoding: x\r\n\r\n"),
    [200, "hello"],
  ],
  broken("7.1", "no size", "\r\nhello", "without a size"),
  broken("7.1", "a size that is none", "5x\r\nhello", "not a number"),
  broken("7.1", "a sign", "-5\r\nhello", "without a size"),
  broken("7.1", "0x", "0x5\r\nhello", "not a number"),
  broken("7.1", "a size beyond all", "ffffffffffffffff\r\nhello", "4 PiB"),
  broken("7.1", "LF behind a size", "5\nhello\r\n0\r\n\r\n", "CR and LF"),
  broken("7.1", "CR behind a size", "5\rhello\r\n0\r\n\r\n", "CR and LF"),
  ["7.1", "a chunk longer than its size", chunks("4\r\nhello\r\n0\r\n\r\n"), [200, "hell", "longer than its size"]],
  ["7.1", "LF behind a chunk", chunks("5\r\nhello\n0\r\n\r\n"), [200, "hello", "longer than its size"]],
  ["7.1", "CR behind a chunk", chunks("5\r\nhello\r0\r\n\r\n"), [200, "hello", "CR and LF"]],
  ["7.1", "LF at the end", chunks("5\r\nhello\r\n0\r\n\n"), [200, "hello", "CR and LF"]],
  broken("7.1.1", "LF behind an extension", "5;a\nhello\r\n0\r\n\r\n", "CR and LF"),
  broken("7.1.1", "a line's end within quotes", '5;a="\r\nhello\r\n0\r\n\r\n', "extension"),
  broken("7.1.1", "an extension without an end", `5;${"a".repeat(20_000)}`, "too long"),
  ["7.1.2", "a trailer that is no field", chunks("5\r\nhello\r\n0\r\nA\r\n\r\n"), [200, "hello", "no colon"]],
  ["7.1.2", "a folded trailer", chunks("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"), [200, "hello", "white space"]],
  ["7.1.2", "a NUL in a trailer", chunks("5\r\nhello\r\n0\r\nA: \0\r\n\r\n"), [200, "hello", "control character"]],
  [
    "7.1.2",
    "trailers without an end",
    chunks(`5\r\nhello\r\n0\r\nA: ${"b".repeat(20_000)}`),
    [200, "hello", "too long"],
  ],
  [
    "7.1.2",
    "more trailers than may be",
    chunks(`5\r\nhello\r\n0\r\n${"A: b\r\n".repeat(501)}\r\n`),
    [200, "hello", "500"],
  ],
];

/** Answers of pods, hostile and unusual ones. */
export const ANSWER_CASES: readonly AnswerCase[] = [...STATUS_LINES, ...FIELD_LINES, ...FRAMING, ...CHUNKS].map(
  ([section, what, bytes, reads, more]) => ({ section, what, bytes, reads, ...more }),
);
