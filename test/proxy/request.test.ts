import { describe, test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Fields } from "../../src/http/header-fields.ts";
import { type BadRequest, type IncomingRequest, parseRequest } from "../../src/http/request.ts";
import { createTrust } from "../../src/http/trust.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const limits = { header_bytes: 400, headers: 10, url_bytes: 64, body_bytes: 1000 };
const options = { clock: createFakeClock(5), trusts: createTrust([]), limits };

/** A request as a runtime's server hands it over: `url` need not be one that `new Request` would take. */
function read(
  url: string,
  headers: Record<string, string> = {},
  method = "GET",
  peer = "10.0.0.9",
): IncomingRequest | BadRequest {
  return parseRequest({ url, method, headers: new Headers(headers) } as Request, peer, "http", options);
}
const problemOf = (facts: IncomingRequest | BadRequest): string => ("problem" in facts ? facts.problem : "none");

describe("reading a request", () => {
  test("path, query and host are taken apart without being changed", () => {
    const facts = read(
      "http://shop.test:8080/a%2Fb/c;d=1?x=%20&&y",
      { host: "SHOP.test:8080" },
      "GET",
      "::ffff:10.0.0.9",
    );
    assertEquals(facts, {
      started: 5,
      method: "GET",
      scheme: "http",
      host: "shop.test",
      port: "80",
      authority: "SHOP.test:8080",
      path: "/a%2Fb/c;d=1",
      search: "?x=%20&&y",
      rawPath: undefined,
      rawSearch: undefined,
      headers: (facts as IncomingRequest).headers,
      fields: 0,
      touched: false,
      underscored: undefined,
      upgrade: undefined,
      peer: "10.0.0.9",
      client: "10.0.0.9",
    });
    const bare = read("/x?") as IncomingRequest;
    assertEquals([bare.host, bare.authority, bare.path, bare.search], ["", "", "/x", "?"]);
    assertEquals((read("http://[::1]:8080/", { host: "[::1]:8080" }) as IncomingRequest).host, "[::1]");
    assertEquals((read("https://h2.test/x") as IncomingRequest).authority, "h2.test");
  });

  test("bytes above 0x7f are compared percent-encoded, and kept as they were sent beside that", () => {
    const facts = read("/a/./\xe9?q=\xff%ff", { host: "a.test" }) as IncomingRequest;
    assertEquals([facts.path, facts.search], ["/a/%E9", "?q=%FF%ff"]);
    assertEquals([facts.rawPath, facts.rawSearch], ["/a/\xe9", "?q=\xff%ff"]);
    const plain = read("/a?q=\xff", { host: "a.test" }) as IncomingRequest;
    assertEquals([plain.path, plain.rawPath, plain.rawSearch], ["/a", undefined, "?q=\xff"]);
  });

  test("the authority that an engine read of the target counts, and is what Host says from then on", () => {
    const head = {
      url: "/x",
      method: "GET",
      headers: Fields.from([
        ["Host", "b.test"],
        ["Accept", "*/*"],
      ]),
      authority: "a.test:81",
    };
    const facts = parseRequest(head, "10.0.0.9", "http", options) as IncomingRequest;
    assertEquals([facts.host, facts.authority], ["a.test", "a.test:81"]);
    const lines: string[] = [];
    head.headers.forEachLine((name, value) => void lines.push(`${name}: ${value}`));
    assertEquals(lines, ["host: a.test:81", "Accept: */*"]);
    assertStrictEquals(facts.headers, head.headers);
  });

  test("an expectation is the one there is, and a target has a path", () => {
    assertEquals(problemOf(read("/", { host: "a.test", expect: "100-Continue" })), "none");
    assertEquals(problemOf(read("/", { host: "a.test", expect: "a miracle" })), "expectation_failed");
    assertEquals(problemOf(read("*", { host: "a.test" }, "OPTIONS")), "bad_request");
    assertEquals(problemOf(read("a.test:443", { host: "a.test" }, "CONNECT")), "not_supported");
    assertEquals(problemOf(read("/", { host: "a.test" }, "TRACE")), "not_supported");
  });

  test("bodies of GET pass where the engine has read them, but for those that are too large", () => {
    const limited = { ...options, limits: { ...options.limits, body_bytes: 10 } };
    const of = (length: string): string =>
      problemOf(
        parseRequest(
          { url: "/", method: "GET", headers: Fields.from([["content-length", length]]) },
          "",
          "http",
          limited,
        ),
      );
    assertEquals([of("10"), of("11")], ["none", "body_too_large"]);
  });

  test("protocols that a pod may be asked for are those that are none of the gateway's own", () => {
    const asked = (upgrade: string, connection = "upgrade"): string | undefined =>
      (read("/", { host: "a.test", upgrade, connection }) as IncomingRequest).upgrade;
    assertEquals(asked("WebSocket", "keep-alive, Upgrade"), "WebSocket");
    assertEquals(asked("h2c, spdy/3 , TLS/1.2, http/2.0, HTTP/1.1"), "spdy/3");
    assertEquals(
      [asked("H2C"), asked("TLS/1.3"), asked(","), asked("websocket", "close")],
      new Array(4).fill(undefined),
    );
  });

  test("the authority of an absolute target counts, not another Host beside it", () => {
    const facts = read("http://a.test/x", { host: "b.test" }) as IncomingRequest;
    assertEquals([facts.host, facts.authority, facts.headers.get("host")], ["a.test", "a.test", "a.test"]);
    for (const sent of ["A.test:80", "a.test", "A.TEST"]) {
      assertEquals((read("http://a.test/x", { host: sent }) as IncomingRequest).authority, sent);
    }
    assertEquals((read("http://a.test/x", { host: "a.test:81" }) as IncomingRequest).authority, "a.test");
  });

  test("dot segments are resolved, plain or encoded, and nothing else of a path is touched", () => {
    const path = (sent: string): string => (read(`http://a${sent}`, { host: "a" }) as IncomingRequest).path;
    const cases: Record<string, string> = {
      "/a/./b/../c": "/a/c",
      "/a/%2E%2e/b": "/b",
      "/a/.%2e/b/%2e": "/b/",
      "/../../a": "/a",
      "/a/..": "/",
      "/a//../b": "/a/b",
      "//a/b": "//a/b",
      "/.well-known/x": "/.well-known/x",
      "/a/...;/..%2fb": "/a/...;/..%2fb",
      "/a%2eb/": "/a%2eb/",
    };
    for (const [sent, wanted] of Object.entries(cases)) assertEquals(path(sent), wanted, sent);
  });

  const refused: [string, string, string, Record<string, string>?, string?][] = [
    ["a host with a space", "bad_request", "/x", { host: "a b" }],
    ["a host with a path", "bad_request", "/x", { host: "a/b" }],
    ["a host with a user", "bad_request", "http://a/x", { host: "u@a" }],
    ["two Host lines", "bad_request", "http://a/x", { host: "a, b" }],
    ["an escape in Host", "bad_request", "http://adm.example.org/x", { host: "adm%2eexample.org" }],
    ["an empty label in Host", "bad_request", "http://adm.example.org../x", { host: "adm.example.org.." }],
    ["a Host that begins with a dot", "bad_request", "http://.example.org/x", { host: ".example.org" }],
    ["a port that is none", "bad_request", "http://a/x", { host: "a:8o" }],
    ["an encoded control character", "bad_request", "http://a/x%0ay", { host: "a" }],
    ["an encoded NUL", "bad_request", "http://a/x%00", { host: "a" }],
    ["an encoded DEL", "bad_request", "http://a/x%7F", { host: "a" }],
    ["a fragment", "bad_request", "http://a/x#y", { host: "a" }],
    ["CONNECT", "not_supported", "a:443", { host: "a:443" }, "CONNECT"],
    ["TRACE", "not_supported", "http://a/x", { host: "a" }, "TRACE"],
    ["a URL beyond the limit", "url_too_long", `http://a/${"x".repeat(64)}`, { host: "a" }],
    ["header fields beyond the limit", "headers_too_large", "http://a/", { host: "a", x: "y".repeat(400) }],
    ["an odd transfer coding", "bad_request", "http://a/", { host: "a", "transfer-encoding": ",chunked" }, "POST"],
    [
      "a coding beside a length",
      "bad_request",
      "http://a/",
      { "transfer-encoding": "chunked", "content-length": "3" },
      "POST",
    ],
    ["two lengths", "bad_request", "http://a/", { host: "a", "content-length": "3, 3" }, "POST"],
    ["a signed length", "bad_request", "http://a/", { host: "a", "content-length": "+3" }, "POST"],
    ["a body beyond the limit", "body_too_large", "http://a/", { host: "a", "content-length": "1001" }, "POST"],
    ["GET with a body", "not_supported", "http://a/", { host: "a", "content-length": "3" }],
    ["HEAD with a chunked body", "not_supported", "http://a/", { host: "a", "transfer-encoding": "chunked" }, "HEAD"],
  ];
  for (const [name, problem, url, headers, method] of refused) {
    test(`${name} is refused as ${problem}`, () => {
      assertEquals(problemOf(read(url, headers, method)), problem);
    });
  }

  test("eleven header fields are one too many where ten are allowed", () => {
    const fields = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`x-${i}`, "1"]));
    assertEquals(problemOf(read("http://a/", fields(10))), "none");
    assertEquals(problemOf(read("http://a/", fields(11))), "headers_too_large");
  });

  test("a GET that says it has no body passes", () => {
    assertEquals(problemOf(read("http://a/", { host: "a", "content-length": "0" })), "none");
  });
});
