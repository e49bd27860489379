import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { compileHeaderChanges } from "../../src/routing/header-changes.ts";

test("headers are set, then added to, then removed, whatever the case of their names", () => {
  const change = compileHeaderChanges({
    set: { "X-Env": "prod", "x-new": "1", "x-gone": "1" },
    add: { "x-ENV": "blue", via: "gateway" },
    remove: ["X-GONE", "cookie"],
  })!;
  const headers = new Headers({ "x-env": "test", via: "client", Cookie: "a=b", accept: "*/*" });
  change(headers);
  assertEquals([...headers].sort(), [
    ["accept", "*/*"],
    ["via", "client, gateway"],
    ["x-env", "prod, blue"],
    ["x-new", "1"],
  ]);
});

test("adding Set-Cookie keeps the cookies that are there as lines of their own", () => {
  const headers = new Headers([
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
  compileHeaderChanges({ set: {}, add: { "Set-Cookie": "c=3" }, remove: [] })!(headers);
  assertEquals(headers.getSetCookie(), ["a=1", "b=2", "c=3"]);
});

test("a list of texts is as many fields of that name", () => {
  const headers = new Headers({ "x-tag": "old", link: "<a>" });
  compileHeaderChanges({
    set: { "x-tag": ["one", "two"] },
    add: { link: ["<b>", "<c>"], "set-cookie": ["a=1", "b=2"] },
    remove: [],
  })!(headers);
  assertEquals([headers.get("x-tag"), headers.get("link")], ["one, two", "<a>, <b>, <c>"]);
  assertEquals(headers.getSetCookie(), ["a=1", "b=2"]);
});

test("a route that changes no header costs nothing", () => {
  assertEquals(compileHeaderChanges(undefined), undefined);
  assertEquals(compileHeaderChanges({ set: {}, add: {}, remove: [] }), undefined);
});

test("a header that HTTP does not allow is refused when the route is compiled", () => {
  assertThrows(() => compileHeaderChanges({ set: { "a b": "1" }, add: {}, remove: [] }), TypeError);
  assertThrows(() => compileHeaderChanges({ set: {}, add: { a: "1\n2" }, remove: [] }), TypeError);
});
