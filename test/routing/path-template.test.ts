import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { pathTemplateFault } from "../../src/routing/path-template.ts";
import { compileQueryChanges } from "../../src/routing/query-changes.ts";
import { compileRewrite, pathTemplateOf } from "../../src/routing/rewrite.ts";
import { compileRoutes } from "../../src/routing/table.ts";
import { type RouteInput, requestFacts, routeConfig } from "../helpers/routes.ts";

/** The id of the route that takes a path. */
const routed = (routes: Record<string, RouteInput["path"]>, target: string): string | undefined => {
  const rules = Object.entries(routes).map(([id, path]) => ({ rule: routeConfig({ path, id }) }));
  const table = compileRoutes(rules);
  const facts = requestFacts({ target });
  const taken = table.match(facts)?.rule.id;
  // The slow way to the same answer must not differ.
  assertEquals(table.explain(facts).find(({ matched }) => matched)?.id, taken);
  return taken;
};

/** The path and query an upstream gets; undefined: the route does not take the request. */
function sent(input: RouteInput, target: string, headers?: HeadersInit): string | undefined {
  const rule = routeConfig(input);
  const facts = requestFacts({ target, headers });
  if (compileRoutes([{ rule }]).match(facts) === undefined) return undefined;
  const query = compileQueryChanges(rule.request_query, pathTemplateOf(rule.path));
  return compileRewrite(rule)(facts.path, facts) + (query?.(facts) ?? facts.search);
}

describe("a path template", () => {
  const cases: readonly (readonly [template: string, takes: readonly string[], leaves: readonly string[]])[] = [
    ["/orders/{id}", ["/orders/5", "/orders/a%20b"], ["/orders", "/orders/", "/orders/5/", "/orders/5/x", "/Orders/5"]],
    ["/orders/{rest*}", ["/orders", "/orders/", "/orders/5", "/orders/5/x/"], ["/ordersx", "/x/orders"]],
    ["/v{version}/cards", ["/v2/cards", "/v2.1/cards"], ["/v/cards", "/v2/x/cards"]],
    ["/{a}/x/{b*}", ["/1/x", "/1/x/2/3"], ["/x/2", "/1/2/x"]],
    ["/odata/Products({key})", ["/odata/Products(1)"], ["/odata/Products1", "/odata/Products()"]],
    ["/{all*}", ["/", "/a/b"], []],
    ["/a.b/{c}", ["/a.b/1"], ["/axb/1"]],
  ];
  for (const [template, takes, leaves] of cases) {
    test(template, () => {
      for (const path of takes) assertEquals(routed({ it: { template } }, path), "it", path);
      for (const path of leaves) assertEquals(routed({ it: { template } }, path), undefined, path);
    });
  }

  test("stands among the prefixes by what it begins with, before a prefix of that length", () => {
    const routes = {
      all: { prefix: "/" },
      orders: { prefix: "/orders" },
      one: { template: "/orders/{id}" },
      exact: { exact: "/orders/new" },
      deep: { prefix: "/orders/old" },
    };
    assertEquals(routed(routes, "/orders/new"), "exact");
    assertEquals(routed(routes, "/orders/old"), "deep");
    assertEquals(routed(routes, "/orders/5"), "one");
    assertEquals(routed(routes, "/orders/5/x"), "orders");
    assertEquals(routed(routes, "/x"), "all");
  });

  test("with optional_slash matches with and without a slash at the end, and takes no part of it", () => {
    const routes = {
      one: { template: "/users/{id}/", optional_slash: true },
      two: { template: "/files/{name}-{version}", optional_slash: true, ignore_case: true },
      plain: { template: "/contracts", optional_slash: true },
      rest: { template: "/rest/{rest*}", optional_slash: true },
      strict: { template: "/strict/{id}" },
    };
    const wanted = {
      "/users/5": "one",
      "/users/5/": "one",
      "/users/": undefined,
      "/users/5//": undefined,
      "/users/5/x": undefined,
      "/FILES/a-b-1/": "two",
      "/files/a-b-1": "two",
      "/files/a-/": undefined,
      "/contracts": "plain",
      "/contracts/": "plain",
      "/contracts2": undefined,
      "/rest/a/": "rest",
      "/strict/5": "strict",
      "/strict/5/": undefined,
    };
    for (const [path, id] of Object.entries(wanted)) assertEquals(routed(routes, path), id, path);
    const moved = { path: routes.two, rewrite_path: { template: "/{version}/{name}" } };
    assertEquals(sent(moved, "/files/a-b-1/"), "/1/a-b");
  });

  test("is refused with a name twice or a brace that belongs to nothing", () => {
    assertEquals(pathTemplateFault("/{a}/{a*}"), "names {a} twice");
    for (const text of ["/{", "/}", "/{}", "/{a", "/{a b}", "/{a**}", "/{1}"]) {
      assertEquals(pathTemplateFault(text), "has a brace that belongs to no {name} or {name*}", text);
    }
  });
});

describe("rewrite_path: {template}", () => {
  const moved = { path: { template: "/posts/{id}/{rest*}" }, rewrite_path: { template: "/api/{id}/posts/{rest}" } };

  test("puts the path's parts where they belong, encoded as they came", () => {
    assertEquals(sent(moved, "/posts/5/a/b"), "/api/5/posts/a/b");
    assertEquals(sent(moved, "/posts/a%2Fb%20c/%C3%A9%3F"), "/api/a%2Fb%20c/posts/%C3%A9%3F");
    assertEquals(sent(moved, "/posts/5/x?q=1&q=2"), "/api/5/posts/x?q=1&q=2");
  });

  test("drops the slash before a last part that is empty, unless the request had it", () => {
    assertEquals(sent(moved, "/posts/5"), "/api/5/posts");
    assertEquals(sent(moved, "/posts/5/"), "/api/5/posts/");
    const whole = { path: { template: "/a/{rest*}" }, rewrite_path: { template: "/{rest}" } };
    assertEquals(sent(whole, "/a"), "/");
  });

  test("takes parts of the request too", () => {
    const route = { rewrite_path: { template: "/{header.x-tenant}/{query.id}{path}" } };
    assertEquals(sent(route, "/a?id=5%2F6", { "x-tenant": "t/1" }), "/t%2F1/5%2F6/a?id=5%2F6");
  });

  test("never makes another authority, a query or a fragment", () => {
    const route = { path: { template: "/{rest*}" }, rewrite_path: { template: "/{rest}" } };
    assertEquals(sent(route, "//evil.test/x"), "/evil.test/x");
    assertEquals(sent({ ...route, rewrite_path: { template: "/{rest}#?" } }, "/a"), "/a%23%3F");
  });
});

describe("request_query", () => {
  test("sets, moves and drops parameters, and leaves the others byte for byte", () => {
    const route = {
      path: { template: "/units/{unit}/updates" },
      request_query: { set: { unitId: "{unit}", "a b": "1&2", from: "{query.since}" }, remove: ["since"] },
    };
    assertEquals(
      sent(route, "/units/x%20y/updates?b=%41&since=2+3&unitId=0&c"),
      "/units/x%20y/updates?b=%41&c&unitId=x%20y&a%20b=1%262&from=2%203",
    );
    assertEquals(sent({ request_query: { remove: ["a"] } }, "/x?a=1&a=2"), "/x");
    assertEquals(sent({ request_query: { set: { v: "2" } } }, "/x"), "/x?v=2");
  });
});

describe("a path that ignores case", () => {
  const loose = { ignore_case: true } as const;

  test("matches in any case, and a path that does not stays as it is", () => {
    const routes = {
      prefix: { prefix: "/Api/Orders", ...loose },
      exact: { exact: "/Health", ...loose },
      start: { starts_with: "/FOO-", ...loose },
      template: { template: "/Users/{Id}", ...loose },
      regex: { regex: "^/[a-c]+/x$", ...loose },
      strict: { prefix: "/Strict" },
    };
    const wanted = {
      "/API/ORDERS/5": "prefix",
      "/api/orders": "prefix",
      "/HEALTH": "exact",
      "/foo-1": "start",
      "/USERS/Ab": "template",
      "/ABC/X": "regex",
      "/Strict/a": "strict",
      "/strict/a": undefined,
      "/api/%4Frders": "prefix",
    };
    for (const [path, id] of Object.entries(wanted)) assertEquals(routed(routes, path), id, path);
  });

  test("keeps the one precedence of all routes", () => {
    const routes = {
      loose: { prefix: "/a", ...loose },
      strict: { prefix: "/a/b" },
      deep: { prefix: "/A/B/C", ...loose },
    };
    assertEquals(routed(routes, "/a/b/c"), "deep");
    assertEquals(routed(routes, "/a/b"), "strict");
    assertEquals(routed(routes, "/A/b"), "loose");
  });

  test("is cut off and replaced in any case, and what follows keeps its own", () => {
    const path = { prefix: "/Orders", ...loose };
    assertEquals(sent({ path, strip_prefix: "/Orders" }, "/ORDERS/Ab"), "/Ab");
    assertEquals(sent({ path, rewrite_path: { replace_prefix: "/Api" } }, "/orders/Ab"), "/Api/Ab");
    assertEquals(sent({ path, rewrite_path: { regex: "^/orders", to: "/x" } }, "/ORDERS/Ab"), "/x/Ab");
    const template = { template: "/Orders/{id}", ...loose };
    assertEquals(sent({ path: template, rewrite_path: { template: "/Api/{id}" } }, "/oRDERS/aB"), "/Api/aB");
  });
});

describe("request_query: {set}", () => {
  test("puts several of one name for a list, and none for a value that the request does not have", () => {
    const set = { tag: ["a b", "{header.x-tag}", "{cookie.none}"], none: "{header.x-none}", fix: "v{header.x-none}" };
    const input = { request_query: { set, remove: [] } };
    assertEquals(sent(input, "/x?tag=mine&none=mine&kept=%41", { "x-tag": "c" }), "/x?kept=%41&tag=a%20b&tag=c&fix=v");
  });
});
