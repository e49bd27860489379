import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { authorityOf, hostOf } from "../../src/http/authority.ts";

describe("the authority that counts", () => {
  for (const [origin, sent, counts] of [
    ["http://shop.test", "shop.test", "shop.test"],
    // Another spelling of the same: the client's stays.
    ["http://shop.test", "SHOP.test", "SHOP.test"],
    ["http://shop.test", "shop.test:80", "shop.test:80"],
    ["https://shop.test", "shop.test:443", "shop.test:443"],
    // The request target names another one.
    ["http://shop.test", "evil.test", "shop.test"],
    ["http://shop.test:8080", "shop.test", "shop.test:8080"],
    ["http://shop.test", "shop.test:8080", "shop.test"],
    // The end of a name is not the name.
    ["http://a-shop.test", "shop.test", "a-shop.test"],
    ["http://a.shop.test", "shop.test", "a.shop.test"],
    ["http://shop.test", "", ""],
    ["http://[::1]:8080", "[::1]:8080", "[::1]:8080"],
    // No host at all: what was sent is judged, and refused.
    ["http://shop.test", "a b", "a b"],
    ["http://shop.test", "%", "%"],
  ] as const) {
    test(`of ${origin} and Host ${JSON.stringify(sent)} is ${JSON.stringify(counts)}`, () => {
      assertEquals(authorityOf(origin, sent), counts);
    });
  }
});

describe("the host of an authority", () => {
  for (const [authority, host] of [
    ["Shop.Test", "shop.test"],
    ["shop.test:", "shop.test"],
    ["shop.test:65535", "shop.test"],
    ["shop.test:65536", null],
    ["shop.test:655350", null],
    ["shop.test:8o", null],
    ["shop.test.", "shop.test."],
    [".shop.test", null],
    ["shop..test", null],
    ["", ""],
    ["[::1]", "[::1]"],
    ["[::1]:80", "[::1]"],
    ["[::1", null],
    ["[a]", null],
    ["[a:b]", null],
    ["[]", null],
    ["[::1]x", null],
    ["::1", null],
    ["a/b", null],
    ["user@shop.test", null],
    ["adm%69n.test", null],
    ["a.test, b.test", null],
  ] as const) {
    test(`${JSON.stringify(authority)} is ${JSON.stringify(host)}`, () => {
      assertEquals(hostOf(authority), host);
    });
  }
});
