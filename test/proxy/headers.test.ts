import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { systemClock } from "../../src/base/clock.ts";
import { clientAddress } from "../../src/http/client-address.ts";
import { headersOf } from "../../src/http/header-fields.ts";
import { type IncomingRequest, type ParseOptions, parseRequest } from "../../src/http/request.ts";
import { createTrust } from "../../src/http/trust.ts";
import { toClient, toUpstream } from "../../src/proxy/headers.ts";

const limits = { header_bytes: 0, headers: 0, url_bytes: 0, body_bytes: 0 };

/** What a peer sent, as it was read. */
function read(
  sent: HeadersInit,
  trusted: boolean,
  { peer = "203.0.113.9", host = "shop.test", ...more }: { peer?: string; host?: string } & Partial<ParseOptions> = {},
): IncomingRequest {
  const headers = new Headers(sent);
  headers.set("host", host);
  const request = { url: `http://${host}/`, method: "POST", headers };
  const facts = parseRequest(
    request,
    peer,
    "http",
    { clock: systemClock, trusts: () => trusted, limits, ...more },
    "8080",
  );
  assert("headers" in facts, JSON.stringify(facts));
  return facts;
}

/** What a pod sees of a client's headers, but for Host. */
function upstream(sent: HeadersInit, trusted = false, more: Parameters<typeof read>[2] = {}): Record<string, string> {
  const facts = read(sent, trusted, more);
  const headers = new Headers(headersOf(facts.headers));
  toUpstream(headers, facts);
  headers.delete("host");
  return Object.fromEntries(headers);
}

/** What the gateway says of a stranger's request. */
const OWN = {
  "x-forwarded-for": "203.0.113.9",
  "x-forwarded-proto": "http",
  "x-forwarded-host": "shop.test",
  "x-forwarded-port": "8080",
  "x-real-ip": "203.0.113.9",
};

describe("headers to the pod", () => {
  test("one-hop headers and those named in Connection stay behind", () => {
    const seen = upstream({
      connection: "close, X-Secret ,te, bad name, host",
      "x-secret": "1",
      "keep-alive": "timeout=5",
      "proxy-connection": "keep-alive",
      te: "trailers",
      trailer: "x-t",
      "transfer-encoding": "chunked",
      upgrade: "h2c",
      "http2-settings": "AAMAAABkAAQAAP__",
      "proxy-authorization": "Basic x",
      expect: "100-continue",
      authorization: "Bearer kept",
      accept: "text/plain",
    });
    assertEquals(seen, { authorization: "Bearer kept", accept: "text/plain", ...OWN });
  });

  test("a stranger's word on client, identity and first request is replaced", () => {
    const seen = upstream(
      {
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "bank.test",
        "x-forwarded-port": "443",
        forwarded: "for=10.0.0.1;proto=https",
        "x-forwarded-user": "admin",
        "x-forwarded-client-cert": "Hash=1",
        "x-real-ip": "10.0.0.1",
        "x-client-ip": "10.0.0.1",
        "x-cluster-client-ip": "10.0.0.1",
        "true-client-ip": "10.0.0.1",
        "cf-connecting-ip": "10.0.0.1",
        "x-original-url": "/admin",
        "x-envoy-external-address": "10.0.0.1",
        "x-consumer-username": "root",
        "x-credential-identifier": "root",
      },
      false,
      { peer: "2001:db8::7", host: "shop.test:8080" },
    );
    assertEquals(seen, {
      "x-forwarded-for": "2001:db8::7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.test:8080",
      "x-forwarded-port": "8080",
      "x-real-ip": "2001:db8::7",
      forwarded: 'for="[2001:db8::7]";host="shop.test:8080";proto=http',
    });
  });

  test("a trusted proxy's chain is continued and what it says of the client is kept", () => {
    const sent = {
      "x-forwarded-for": "198.51.100.4",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "www.shop.test",
      "x-forwarded-port": "443",
      forwarded: "for=198.51.100.4",
      "x-forwarded-user": "ann",
      "x-original-url": "/first",
      "x-credential-identifier": "ann-1",
      "x-real-ip": "6.6.6.6",
      "x-consumer-username": "root",
    };
    const trusts = (address: string): boolean => address === "203.0.113.9";
    assertEquals(upstream(sent, true, { trusts }), {
      "x-forwarded-for": "198.51.100.4, 203.0.113.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "www.shop.test",
      "x-forwarded-port": "443",
      forwarded: 'for=198.51.100.4, for=203.0.113.9;host="shop.test";proto=http',
      "x-forwarded-user": "ann",
      "x-original-url": "/first",
      "x-credential-identifier": "ann-1",
      "x-real-ip": "198.51.100.4",
    });
  });

  test("a proxy that tells the scheme and no port gets none that would not go with it", () => {
    const seen = upstream({ "x-forwarded-proto": "https" }, true);
    assertEquals([seen["x-forwarded-proto"], seen["x-forwarded-port"]], ["https", undefined]);
  });

  test("a client cannot take away what a trusted proxy tells of it by naming it in Connection", () => {
    const sent = { connection: "x-forwarded-for, x-own", "x-forwarded-for": "198.51.100.4", "x-own": "1" };
    const seen = upstream(sent, true, { trusts: (address) => address === "203.0.113.9" });
    assertEquals([seen["x-real-ip"], seen["x-own"]], ["198.51.100.4", undefined]);
  });

  test("no spelling with _ of a name that the gateway writes or stops gets through, others do", () => {
    const sent = Object.fromEntries(
      ["x_forwarded_for", "x-real_ip", "x_consumer_username", "content_length", "transfer_encoding", "keep_alive"]
        .concat(["x_request_id", "http2_settings", "proxy_authorization", "sec_websocket_key", "x_original_url"])
        .map((name) => [name, "1"]),
    );
    for (const trusted of [false, true]) {
      assertEquals(upstream({ ...sent, x_mine: "2" }, trusted), { x_mine: "2", ...OWN });
    }
    assertEquals(upstream({ ...sent, x_mine: "2" }, false, { underscores: "drop" }), OWN);
  });

  test("a peer the runtime hides leaves no made-up address behind", () => {
    const seen = upstream({ "x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1" }, false, { peer: "" });
    assertEquals([seen["x-forwarded-for"], seen["x-real-ip"]], [undefined, undefined]);
  });

  test("headers of the fetch standard are copied before anything is taken out", () => {
    const headers = new Headers({ "x-real-ip": "6.6.6.6", accept: "text/plain" });
    const request = { url: "http://shop.test/", method: "GET", headers };
    const options = { clock: systemClock, trusts: () => false, limits };
    const facts = parseRequest(request, "203.0.113.9", "http", options) as IncomingRequest;
    assertEquals([...headersOf(facts.headers).keys()], ["accept", "host"]);
    assertEquals(headers.get("x-real-ip"), "6.6.6.6");
  });
});

describe("headers to the client", () => {
  test("one-hop headers of an answer stay behind, everything else passes", () => {
    const headers = new Headers({
      connection: "keep-alive, x-drop",
      "x-drop": "1",
      "keep-alive": "timeout=5",
      "proxy-authenticate": "Basic",
      upgrade: "h2c",
      trailer: "x",
      "x-keep": "2",
      "content-encoding": "gzip",
    });
    headers.append("set-cookie", "a=1; Expires=Thu, 07 Aug 2025 17:02:23 GMT");
    headers.append("set-cookie", "b=2");
    toClient(headers);
    assertEquals(
      [...headers].sort(),
      [
        ["content-encoding", "gzip"],
        ["set-cookie", "a=1; Expires=Thu, 07 Aug 2025 17:02:23 GMT"],
        ["set-cookie", "b=2"],
        ["x-keep", "2"],
      ].sort() as [string, string][],
    );
  });

  test("whatever Connection names is gone, whatever it does not name stays", () => {
    const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
    const property = fc.property(
      fc.uniqueArray(name, { maxLength: 8 }),
      fc.uniqueArray(name, { maxLength: 8 }),
      (named, other) => {
        const kept = other.filter((field) => !named.includes(field));
        const toAnswer = (headers: Headers): Headers => {
          toClient(headers);
          return headers;
        };
        for (const direction of [toAnswer, (sent: Headers) => read(sent, false).headers]) {
          const sent = new Headers([...named, ...kept].map((field) => [field, "1"] as [string, string]));
          sent.set("connection", named.map((field, i) => (i % 2 ? field.toUpperCase() : ` ${field} `)).join(","));
          const headers = direction(sent);
          assert(!headers.has("connection") && named.every((field) => !headers.has(field)));
          assert(kept.every((field) => headers.get(field) === "1"));
        }
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});

describe("trusted proxies", () => {
  const cases: [string[], string, boolean][] = [
    [[], "127.0.0.1", false],
    [["10.0.0.0/8"], "10.255.1.2", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["10.1.2.3"], "10.1.2.3", true],
    [["10.1.2.3"], "10.1.2.4", false],
    [["192.168.0.0/23"], "192.168.1.9", true],
    [["192.168.0.0/23"], "192.168.2.0", false],
    [["10.0.0.0/8"], "::ffff:10.1.1.1", true],
    [["::ffff:10.0.0.0/104"], "10.1.1.1", true],
    [["fd00::/8"], "fd12:3456::1", true],
    [["fd00::/8"], "fe80::1", false],
    [["2001:db8::/33"], "2001:db8:7fff::1", true],
    [["2001:db8::/33"], "2001:db8:8000::1", false],
    [["::1"], "0:0:0:0:0:0:0:1", true],
    [["0.0.0.0/0"], "8.8.8.8", true],
    [["0.0.0.0/0"], "2001:db8::1", false],
    [["::/0"], "2001:db8::1", true],
    [["fe80::/10"], "fe80::1%eth0", true],
    [["10.0.0.0/8"], "", false],
    [["10.0.0.0/8"], "10.0.0", false],
  ];
  test("addresses are matched against IPv4 and IPv6 blocks", () => {
    for (const [blocks, address, expected] of cases) {
      assertEquals(createTrust(blocks)(address), expected, `${address} in ${blocks}`);
    }
  });

  test("an entry that is no block is named", () => {
    for (const entry of [
      "10.0.0.0/33",
      "10.0.0/8",
      "fd00::/129",
      "proxy.test",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "1::2::3",
      "010.0.0.1",
    ]) {
      assertThrows(() => createTrust([entry]), TypeError, entry);
    }
  });

  test("the client is the right-most address that no trusted proxy vouches for being a proxy", () => {
    const trusts = createTrust(["10.0.0.0/8", "fd00::/8"]);
    const client = (peer: string, sent: Record<string, string>) => clientAddress(peer, new Headers(sent), trusts);
    assertEquals(client("10.0.0.1", {}), "10.0.0.1");
    assertEquals(client("10.0.0.1", { "x-forwarded-for": "6.6.6.6, 198.51.100.4, 10.0.0.7" }), "198.51.100.4");
    assertEquals(client("10.0.0.1", { "x-forwarded-for": "10.0.0.3, 10.0.0.7" }), "10.0.0.3");
    assertEquals(client("10.0.0.1", { "x-forwarded-for": "6.6.6.6, unknown, 10.0.0.7" }), "10.0.0.7");
    assertEquals(client("10.0.0.1", { "x-forwarded-for": "198.51.100.4:4711" }), "198.51.100.4");
    assertEquals(client("fd00::1", { "x-forwarded-for": "[2001:db8::5]:80" }), "2001:db8::5");
    assertEquals(
      client("10.0.0.1", { forwarded: 'for=6.6.6.6, proto=https;for="[2001:db8::5]:80";by=x' }),
      "2001:db8::5",
    );
    assertEquals(client("10.0.0.1", { "x-real-ip": "198.51.100.4" }), "198.51.100.4");
    assertEquals(client("10.0.0.1", { "x-real-ip": "6.6.6.6", "x-forwarded-for": "198.51.100.4" }), "198.51.100.4");
  });

  test("two fields that name different clients name none, since the client may have written one of them", () => {
    const trusts = createTrust(["10.0.0.0/8"]);
    const client = (list: string, forwarded: string) =>
      clientAddress("10.0.0.1", new Headers({ "x-forwarded-for": list, forwarded }), trusts);
    assertEquals(client("6.6.6.6", "for=198.51.100.4"), "");
    assertEquals(client("6.6.6.6, 198.51.100.4", "for=7.7.7.7, for=198.51.100.4"), "198.51.100.4");
    assertEquals(client("2001:DB8:0::5", 'for="[2001:db8::5]:80"'), "2001:DB8:0::5");
    const facts = read({ "x-forwarded-for": "6.6.6.6", forwarded: "for=198.51.100.4" }, true, {
      trusts: (a) => a === "203.0.113.9",
    });
    const headers = new Headers(headersOf(facts.headers));
    toUpstream(headers, facts);
    assertEquals(headers.get("x-real-ip"), null);
  });
});

test("knowing which fields were sent changes nothing of what a pod sees", () => {
  const names = [
    ..."Connection keep-alive Proxy-Connection TE Trailer Upgrade Proxy-Authorization expect HTTP2-Settings".split(" "),
    ..."x-forwarded-for X-Forwarded-Port x-forwarded-prefix x-forwarded-server x-forwarded-proto x-real-ip".split(" "),
    ..."x-forwarded-host Forwarded content-type x-own te2 accept x_own".split(" "),
  ];
  const value = fc.constantFrom("1", "close", "x-own, te", "keep-alive", "trailers", "for=10.0.0.1", "websocket");
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), fc.boolean(), (sent, trusted) => {
      const facts = read("expect" in sent ? { ...sent, expect: "100-continue" } : sent, trusted);
      const seen = [facts, { ...facts, touched: true }].map((known) => {
        const headers = new Headers(headersOf(facts.headers));
        toUpstream(headers, known);
        return Object.fromEntries(headers);
      });
      assertEquals(seen[0], seen[1]);
    }),
  );
});
