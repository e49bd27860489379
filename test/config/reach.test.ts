import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { loadConfig } from "../../src/config/load.ts";
import { FORMAT } from "../../src/gateway/format.ts";

const nodes = [{ host: "127.0.0.1", port: 9001 }];
const auth = [{ basic_auth: { username: "u", password: "p" } }];

/** The warnings for routes by their ids. */
function warnings(routes: Record<string, object>): string[] {
  const text = JSON.stringify({ routes: Object.entries(routes).map(([id, more]) => ({ id, nodes, ...more })) });
  const loaded = loadConfig({ format: FORMAT, file: "gateway.yaml", text, env: {}, pod: {} });
  assertEquals(loaded.ok, true, JSON.stringify(loaded));
  return loaded.warnings.map(({ message }) => message);
}

/** Which route is said never to be reached, and because of which. */
const unreached = (routes: Record<string, object>): string[] =>
  warnings(routes).flatMap((message) => {
    const [, route, by] = /^routes\[\d+\] \((.*?)\) is never reached: routes\[\d+\] \((.*?)\)/.exec(message) ?? [];
    return route === undefined ? [] : [`${route} < ${by}`];
  });

describe("a route that no request reaches is told, with the one that takes its requests", () => {
  const cases: Record<string, [routes: Record<string, object>, told: string[]]> = {
    "a regex behind a catch-all": [
      { guarded: { path: { regex: "^/secret/.*$" }, middleware: auth }, open: { path: "/" } },
      ["guarded < open"],
    ],
    "a regex before it by priority": [
      { guarded: { path: { regex: "^/secret/.*$" }, priority: 1 }, open: { path: "/" } },
      [],
    ],
    "a regex behind a prefix of its own beginning": [
      {
        regex: { path: { regex: "^/a/b/[0-9]+$" } },
        other: { path: { regex: "^/a/[0-9]+$" } },
        prefix: { path: "/a/b" },
      },
      ["regex < prefix"],
    ],
    "a regex that ignores case behind such a prefix": [
      {
        regex: { path: { regex: "^/API/[0-9]+$", ignore_case: true } },
        prefix: { path: { prefix: "/api", ignore_case: true } },
      },
      ["regex < prefix"],
    ],
    "the same twice": [{ a: { path: "/a" }, b: { path: "/a" } }, ["b < a"]],
    "the same for another host, method, header or query": [
      {
        host: { path: "/a", hosts: ["a.test"] },
        method: { path: "/a", methods: ["GET"] },
        header: { path: "/a", headers: { x: "1" } },
        query: { path: "/a", query: { x: "1" } },
        plain: { path: "/a" },
      },
      [],
    ],
    "a catch-all of a higher priority": [
      {
        all: { path: "/", priority: 1, methods: ["GET", "POST"] },
        get: { path: "/a", methods: ["GET"] },
        any: { path: "/b" },
      },
      ["get < all"],
    ],
    "one that asks for more than another before it": [
      { less: { path: "/a", priority: 1, headers: { x: "1" } }, more: { path: "/a/b", headers: { X: "1", y: "2" } } },
      ["more < less"],
    ],
    "one of several hosts left": [
      { one: { path: "/", hosts: ["a.test"], priority: 1 }, two: { path: "/x", hosts: ["a.test", "b.test"] } },
      [],
    ],
    "hosts below a wildcard": [
      { all: { path: "/", hosts: ["*.test"], priority: 1 }, one: { path: "/x", hosts: ["a.test", "*.b.test"] } },
      ["one < all"],
    ],
    "first characters": [
      { start: { path: { starts_with: "/ab" }, priority: 1 }, one: { path: "/abc" }, two: { path: "/a" } },
      ["one < start"],
    ],
    "a redirect that takes some paths only": [
      { some: { path: "/a", nodes: undefined, redirect: { regex: "^/a/x$", location: "/b" } }, other: { path: "/a" } },
      [],
    ],
    "case ignored by one of them": [
      { exact: { path: "/A", priority: 1 }, any: { path: { prefix: "/a", ignore_case: true } } },
      [],
    ],
  };
  for (const [name, [routes, told]] of Object.entries(cases)) {
    test(name, () => assertEquals(unreached(routes), told));
  }
});

test("a guard on GET whose HEAD an open route takes is told", () => {
  const guarded = { path: "/a", methods: ["GET"], middleware: auth };
  const told = (routes: Record<string, object>): boolean =>
    warnings(routes).some((message) => message.includes("guards GET, but HEAD goes to"));
  assertEquals(told({ guarded, open: { path: "/" } }), true);
  assertEquals(told({ guarded, open: { path: "/", methods: ["GET"] } }), false);
  assertEquals(told({ guarded, open: { path: "/", middleware: auth } }), false);
  assertEquals(told({ guarded: { ...guarded, methods: ["GET", "HEAD"] }, open: { path: "/" } }), false);
  assertEquals(told({ guarded, head: { path: "/a", middleware: auth }, open: { path: "/" } }), false);
  assertEquals(told({ guarded: { ...guarded, middleware: [] }, open: { path: "/" } }), false);
});
