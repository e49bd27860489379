import { EITHER, get, head, OTHER_VERSION, type Probe, type ProbeOptions, probe, REFUSED, shown } from "./probe.ts";

const line = (text: string, options?: ProbeOptions, section = "3"): Probe =>
  probe(`the request line ${shown(text)}`, section, head(text, "Host: a"), options);
const target = (text: string, options?: ProbeOptions, section = "3.2"): Probe =>
  line(`GET ${text} HTTP/1.1`, options, section);
/** A target that is passed on, and as what. */
const asked = (sent: string, pod = sent, section = "3.2.1"): Probe =>
  target(sent, { line: `GET ${pod} HTTP/1.1` }, section);

/** Methods are tokens, and case-sensitive: one that is not known is the pod's to judge (RFC 9110 section 9.1). */
const METHODS: readonly Probe[] = [
  ...["get", "BREW", "LIST", "PURGE", "M-SEARCH", "PROPFIND", "QUERY", "X!#$%&'*+.^_`|~0", "G".repeat(32)].map(
    (method) => line(`${method} /x HTTP/1.1`, {}, "RFC 9110 9.1"),
  ),
  ...["GE(T", "GE)T", "G@T", "G/T", "GET:", '"GET"', "G,T", "G;T", "G<T", "G=T", "G?T", "G[T", "G{T", "G\\T"].map(
    (method) => line(`${method} /x HTTP/1.1`, REFUSED, "3.1"),
  ),
  ...["G\x80T", "G\0T", "GE\tT", "G\x7fT", "\xefGET", "G\x0bT"].map((method) =>
    line(`${method} /x HTTP/1.1`, REFUSED, "3.1"),
  ),
  line(`${"G".repeat(5000)} /x HTTP/1.1`, { allowed: [400, 414, 501] }, "3"),
  line("CONNECT a:443 HTTP/1.1", { allowed: [400, 405, 501], closes: true }, "RFC 9110 9.3.6"),
  line("CONNECT /x HTTP/1.1", { allowed: [400, 405, 501], closes: true }, "3.2.3"),
  line("TRACE /x HTTP/1.1", { allowed: [405, 501] }, "RFC 9110 9.3.8"),
];

/** One space between three parts, and nothing else (RFC 9112 section 3). */
const SPACES: readonly Probe[] = [
  ...[
    " GET /x HTTP/1.1",
    "\tGET /x HTTP/1.1",
    "GET  /x HTTP/1.1",
    "GET /x  HTTP/1.1",
    "GET /x HTTP/1.1 ",
    "GET /x HTTP/1.1\t",
    "GET\t/x HTTP/1.1",
    "GET /x\tHTTP/1.1",
    "GET\x0b/x HTTP/1.1",
    "GET\x0c/x\x0cHTTP/1.1",
    "GET /x y HTTP/1.1",
    "GET /x HTTP/1.1 HTTP/1.1",
    "GET /x HTTP/1.1 x",
    "GET\xa0/x\xa0HTTP/1.1",
    " /x HTTP/1.1",
    "/x HTTP/1.1",
    "GET HTTP/1.1",
    "GET",
    "GET /x HTTP/1.1\r",
    "GET\r /x HTTP/1.1",
    "GET /x\r HTTP/1.1",
    "HTTP/1.1 200 OK",
  ].map((text) => line(text, REFUSED)),
  probe("a request line that ends in a line feed alone", "2.2", "GET /x HTTP/1.1\nHost: a\r\n\r\n", EITHER),
  probe("a request line that ends in a carriage return alone", "2.2", "GET /x HTTP/1.1\rHost: a\r\n\r\n", REFUSED),
  probe("an empty line before the request line", "2.2", `\r\n${get()}`, { line: "GET /x HTTP/1.1" }),
  probe("a line feed before the request line", "2.2", `\n${get()}`, { ...EITHER, line: "GET /x HTTP/1.1" }),
  probe("a carriage return before the request line", "2.2", `\r${get()}`, REFUSED),
  probe("two carriage returns and a line feed before it", "2.2", `\r\r\n${get()}`, REFUSED),
  probe("a hundred thousand empty lines", "2.2", `${"\r\n".repeat(100_000)}${get()}`, {
    ...REFUSED,
    allowed: [400, 0],
  }),
  probe("a space before the first field", "2.2", head("GET /x HTTP/1.1", " Host: a", "Host: a"), REFUSED),
  probe("a greeting of TLS", "3", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", { allowed: [400, 0] }),
  probe("a PROXY protocol line", "3", `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n${get()}`, REFUSED),
  probe("nothing but NUL", "3", `${"\0".repeat(200)}\r\n\r\n`, REFUSED),
];

/** `HTTP/1.0` and `HTTP/1.1`, in this case and without anything else (RFC 9112 section 2.3). */
const VERSIONS: readonly Probe[] = [
  ...["HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9", "HTTP/0.0", "HTTP/2.1"].map((version) =>
    line(`GET /x ${version}`, OTHER_VERSION, "2.3"),
  ),
  line("GET /x HTTP/1.2", { allowed: [200, 400, 505] }, "RFC 9110 2.5"),
  ...[
    "http/1.1",
    "Http/1.1",
    "HTTP/1.10",
    "HTTP/01.1",
    "HTTP/1.01",
    "HTTP/11.1",
    "HTTP/1",
    "HTTP/1.",
    "HTTP/.1",
    "HTTP/1,1",
    "HTTP/-1.1",
    "HTTP/1.1x",
    "HTTP/1.1\0",
    "HTTP/1 .1",
    "HTTP1.1",
    "HTTPS/1.1",
    "XTTP/1.1",
    "ICY/1.1",
    "HTTP/\xb1.1",
    "HTTP/a.b",
    "HTTP//1.1",
    "HTTP\\1.1",
  ].map((version) => line(`GET /x ${version}`, OTHER_VERSION, "2.3")),
  probe("HTTP/0.9", "2.3", "GET /x\r\n\r\n", OTHER_VERSION),
  probe("HTTP/0.9 with a space behind its target", "2.3", "GET /x \r\n\r\n", OTHER_VERSION),
  probe("HTTP/1.0 without a Host", "3.2", "GET /x HTTP/1.0\r\n\r\n", { closes: true }),
  probe("HTTP/1.0", "9.3", "GET /x HTTP/1.0\r\nHost: a\r\n\r\n", { closes: true }),
  probe("HTTP/1.0 that is kept alive", "9.3", "GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"),
];

/** The four forms of a target (RFC 9112 section 3.2), and what is none of them. */
const TARGETS: readonly Probe[] = [
  asked("http://a/x", "/x", "3.2.2"),
  asked("HTTP://A/x?y", "/x?y", "3.2.2"),
  asked("http://a", "/", "3.2.2"),
  asked("http://a?y", "/?y", "3.2.2"),
  asked("http://other.test:81/x", "/x", "3.2.2"),
  asked("http://[::1]/x", "/x", "3.2.2"),
  probe("an absolute target without a Host", "3.2", head("GET http://a/x HTTP/1.1"), REFUSED),
  target("http://u:p@a/x", EITHER, "RFC 9110 4.2.4"),
  ...[
    "ftp://a/x",
    "http:/x",
    "http:x",
    "http:///x",
    "http://a:x/x",
    "http://a:999999/x",
    "http://[::1/x",
    "http://a b/x",
  ].map((text) => target(text, REFUSED)),
  ...["x", "?x", "#x", "*", "a:80", "evil.test/x", "@a/x", "", "\\x", "%2Fx", "javascript:x"].map((text) =>
    target(text, REFUSED),
  ),
  target("/x#f", REFUSED, "3.2.1"),
  target("/x?y#f", REFUSED, "3.2.1"),
  ...["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f"].map((byte) => target(`/x${byte}y`, REFUSED)),
  line("OPTIONS * HTTP/1.1", { allowed: [200, 204, 400, 405, 501], line: "OPTIONS * HTTP/1.1" }, "3.2.4"),
  line("POST * HTTP/1.1", REFUSED, "3.2.4"),
  asked("/x?y=1&&z"),
  asked("/%zz"),
  asked("/a%2Fb"),
  asked("/a+b~c;d=e,f:g@h!$&'()*"),
  asked("/a/../x", "/x", "RFC 3986 6.2.2.3"),
  asked("/a/%2e%2E/x", "/x", "RFC 3986 6.2.2.3"),
  asked(`/${"a".repeat(8000)}`),
  target(`/${"a".repeat(9000)}`, { allowed: [414], closes: true }, "3"),
  target(`/${"a".repeat(2_000_000)}`, { allowed: [414, 431, 0], closes: true }, "3"),
];

export const REQUEST_LINES: readonly Probe[] = [...METHODS, ...SPACES, ...VERSIONS, ...TARGETS];
