import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { systemClock } from "../../src/clock.ts";
import { clientAddress } from "../../src/proxy/client-address.ts";
import { toClient, toUpstream } from "../../src/proxy/headers.ts";
import { createTrust } from "../../src/proxy/trust.ts";
import { type RequestFacts, readFacts } from "../../src/request.ts";

function factsOf(headers: Headers, changes: Partial<RequestFacts> = {}): RequestFacts {
  const facts = {
    started: 0,
    method: "GET",
    scheme: "http",
    host: "shop.test",
    authority: "shop.test",
    path: "/",
    search: "",
  } as const;
  return { ...facts, headers, peer: "203.0.113.9", client: "203.0.113.9", ...changes };
}

/** What a pod sees of a client's headers. */
function upstream(
  sent: Record<string, string>,
  trusted = false,
  changes: Partial<RequestFacts> = {},
): Record<string, string> {
  const headers = new Headers(sent);
  toUpstream(headers, factsOf(headers, changes), trusted);
  return Object.fromEntries(headers);
}

describe("headers to the pod", () => {
  test("one-hop headers and those named in Connection stay behind (users-ask 53)", () => {
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
      host: "shop.test",
      authorization: "Bearer kept",
      accept: "text/plain",
    });
    assertEquals(seen, {
      host: "shop.test",
      authorization: "Bearer kept",
      accept: "text/plain",
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.test",
    });
  });

  test("a stranger's X-Forwarded and Forwarded headers are replaced (users-ask 54)", () => {
    const seen = upstream(
      {
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "bank.test",
        "x-forwarded-port": "443",
        forwarded: "for=10.0.0.1;proto=https",
      },
      false,
      { peer: "2001:db8::7", authority: "shop.test:8080" },
    );
    assertEquals(seen, {
      "x-forwarded-for": "2001:db8::7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.test:8080",
      forwarded: 'for="[2001:db8::7]";host="shop.test:8080";proto=http',
    });
  });

  test("a trusted proxy's chain is continued and what it says of the client is kept (users-ask 54)", () => {
    const sent = {
      "x-forwarded-for": "198.51.100.4",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "www.shop.test",
      "x-forwarded-port": "443",
      forwarded: "for=198.51.100.4",
    };
    assertEquals(upstream(sent, true), {
      "x-forwarded-for": "198.51.100.4, 203.0.113.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "www.shop.test",
      "x-forwarded-port": "443",
      forwarded: 'for=198.51.100.4, for=203.0.113.9;host="shop.test";proto=http',
    });
  });

  test("a peer the runtime hides leaves no made-up address behind", () => {
    assertEquals(upstream({ "x-forwarded-for": "10.0.0.1" }, false, { peer: "" })["x-forwarded-for"], undefined);
  });
});

describe("headers to the client", () => {
  test("one-hop headers of an answer stay behind, everything else passes (users-ask 53, 56)", () => {
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
        for (const direction of [toClient, (h: Headers) => toUpstream(h, factsOf(h), false)]) {
          const headers = new Headers([...named, ...kept].map((field) => [field, "1"] as [string, string]));
          headers.set("connection", named.map((field, i) => (i % 2 ? field.toUpperCase() : ` ${field} `)).join(","));
          direction(headers);
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

  test("the client is the right-most address that no trusted proxy vouches for being a proxy (users-ask 54)", () => {
    const trusts = createTrust(["10.0.0.0/8", "fd00::/8"]);
    const client = (peer: string, sent: Record<string, string>) => clientAddress(peer, new Headers(sent), trusts);
    assertEquals(client("203.0.113.9", { "x-forwarded-for": "1.1.1.1" }), "203.0.113.9");
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
  });
});

test("knowing which fields were sent changes nothing of what a pod sees (users-ask 53)", () => {
  const names = [
    ..."Connection keep-alive Proxy-Connection TE Trailer Upgrade Proxy-Authorization expect HTTP2-Settings".split(" "),
    ..."x-forwarded-for X-Forwarded-Port x-forwarded-prefix x-forwarded-server x-forwarded-proto".split(" "),
    ..."x-forwarded-host Forwarded content-type x-own te2 accept".split(" "),
  ];
  const value = fc.constantFrom("1", "close", "x-own, te", "keep-alive", "trailers", "for=10.0.0.1", "websocket");
  const limits = { header_bytes: 0, headers: 0, url_bytes: 0, body_bytes: 0 };
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), fc.boolean(), (sent, trusted) => {
      const request = new Request("http://shop.test/", { headers: sent });
      const facts = readFacts(request, "203.0.113.9", "http", { clock: systemClock, trusts: () => trusted, limits });
      assert("headers" in facts);
      const seen = [facts, { ...facts, fields: undefined }].map((known) => {
        const headers = new Headers(sent);
        toUpstream(headers, known, trusted);
        return Object.fromEntries(headers);
      });
      assertEquals(seen[0], seen[1]);
    }),
  );
});
