import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { compileRoutes } from "../../src/routing/table.ts";
import { type RequestInput, type RouteInput, requestFacts, routeConfig } from "../helpers/routes.ts";

/** The id of the route a request gets: routes as in a config file, by id. */
const routed = (routes: Record<string, RouteInput>, request: RequestInput): string | undefined => {
  const rules = Object.entries(routes).map(([id, input]) => ({ rule: routeConfig({ ...input, id }) }));
  return compileRoutes(rules).match(requestFacts(request))?.rule.id;
};

const at = (target: string, more: RequestInput = {}): RequestInput => ({ target, ...more });
const on = (authority: string): RequestInput => ({ authority });

describe("hosts", () => {
  test("ignore case, port and the closing dot of the request", () => {
    for (const authority of ["sd.httpbin.org", "SD.HttpBin.ORG", "sd.httpbin.org:8080", "sd.httpbin.org."]) {
      assertEquals(routed({ it: { hosts: ["SD.httpbin.org"] } }, on(authority)), "it", authority);
    }
    assertEquals(routed({ it: { hosts: ["sd.httpbin.org"] } }, on("httpbin.org")), undefined);
  });

  test("with a wildcard take one or more labels in front, and not the bare domain", () => {
    const wild = { it: { hosts: ["*.example.org"] } };
    assertEquals(routed(wild, on("a.example.org")), "it");
    assertEquals(routed(wild, on("a.b.example.org")), "it");
    for (const other of ["example.org", "aexample.org", ".example.org", "a.example.org.evil.test", ""]) {
      assertEquals(routed(wild, on(other)), undefined, other);
    }
  });

  test("of one route each count on their own: exact before the longest wildcard before none", () => {
    const routes = {
      none: {},
      wide: { hosts: ["*.org"] },
      narrow: { hosts: ["*.example.org", "other.test"] },
      exact: { hosts: ["a.example.org", "*.net"] },
    };
    assertEquals(routed(routes, on("a.example.org")), "exact");
    assertEquals(routed(routes, on("b.example.org")), "narrow");
    assertEquals(routed(routes, on("b.org")), "wide");
    assertEquals(routed(routes, on("b.com")), "none");
  });

  test("come before the path, and let a request through to less specific ones where no path fits", () => {
    const routes = {
      shop: { hosts: ["shop.test"], path: "/cart" },
      shopAll: { hosts: ["*.test"], path: "/" },
      help: { path: { exact: "/cart/help" } },
      any: { path: "/about" },
    };
    assertEquals(routed(routes, { authority: "shop.test", target: "/cart/help" }), "shop");
    assertEquals(routed(routes, { authority: "shop.test", target: "/about" }), "shopAll");
    assertEquals(routed(routes, { authority: "test", target: "/about/us" }), "any");
  });

  test("may be IPv6 addresses", () => {
    assertEquals(routed({ it: { hosts: ["::1"] } }, on("[::1]:8080")), "it");
  });
});

describe("paths", () => {
  test("that start with a text match it character by character, whatever segment it ends in", () => {
    const routes = { deep: { path: { starts_with: "/foo/b" } }, it: { path: { starts_with: "/foo" } } };
    for (const target of ["/foo", "/foo/", "/foobar", "/foo/ar", "/f%6Fo"]) {
      assertEquals(routed(routes, at(target)), "it", target);
    }
    assertEquals(routed(routes, at("/foo/bar")), "deep");
    for (const target of ["/fo", "/", "/Foo", "/x/foo"]) assertEquals(routed(routes, at(target)), undefined, target);
    const slash = { slash: { path: { starts_with: "/foo/" } }, prefix: { path: "/foo" } };
    assertEquals([routed(slash, at("/foo/x")), routed(slash, at("/foo"))], ["slash", "prefix"]);
  });

  test("as a prefix match whole segments only", () => {
    for (const path of ["/v1", "/v1/"]) {
      for (const target of ["/v1", "/v1/", "/v1/x", "/v1/x/y", "/v1//"]) {
        assertEquals(routed({ it: { path } }, at(target)), "it", target);
      }
      for (const target of ["/v1x", "/v", "/", "/V1", "//v1", "/x/v1"]) {
        assertEquals(routed({ it: { path } }, at(target)), undefined, target);
      }
    }
  });

  test("as an exact path match nothing but themselves", () => {
    assertEquals(routed({ it: { path: { exact: "/x" } } }, at("/x?q")), "it");
    for (const target of ["/x/", "/X", "/x/y", "/"]) {
      assertEquals(routed({ it: { path: { exact: "/x" } } }, at(target)), undefined, target);
    }
  });

  test("as a regular expression are unanchored unless they say otherwise", () => {
    assertEquals(routed({ it: { path: { regex: "[0-9]x" } } }, at("/a/1x/b")), "it");
    assertEquals(routed({ it: { path: { regex: "^/x[0-9]+$" } } }, at("/x12")), "it");
    assertEquals(routed({ it: { path: { regex: "^/x[0-9]+$" } } }, at("/x12/y")), undefined);
    assertEquals(routed({ it: { path: { regex: "^/a/b|^/c" } } }, at("/c/d")), "it");
    assertEquals(routed({ it: { path: { regex: "^/a b/é$" } } }, at("/a%20b/%C3%A9")), "it");
  });

  test("win as exact before the longest prefix before a regular expression", () => {
    const routes = {
      regex: { path: { regex: "^/v1/a" } },
      short: { path: "/v1" },
      long: { path: "/v1/a" },
      exact: { path: { exact: "/v1/a" } },
    };
    assertEquals(routed(routes, at("/v1/a")), "exact");
    assertEquals(routed(routes, at("/v1/a/b")), "long");
    assertEquals(routed(routes, at("/v1/ab")), "short");
    assertEquals(routed({ regex: routes.regex }, at("/v1/ab")), "regex");
  });

  test("are compared percent-decoded, once, on both sides", () => {
    assertEquals(routed({ it: { path: "/v1" } }, at("/%76%31/x")), "it");
    assertEquals(routed({ it: { path: "/caf%C3%A9" } }, at("/café")), "it");
    assertEquals(routed({ it: { path: "/café" } }, at("/caf%c3%a9")), "it");
    assertEquals(routed({ it: { path: "/v1" } }, at("/%2576%31")), undefined);
  });

  test("never gain a segment from %2F, nor fail on a malformed escape", () => {
    const keep = { paths: "keep" } as const;
    const routes = {
      two: { path: "/a/b", ...keep },
      one: { path: { exact: "/a%2Fb" }, ...keep },
      odd: { path: "/%zz", ...keep },
    };
    assertEquals(routed(routes, at("/a/b")), "two");
    assertEquals(routed(routes, at("/a%2Fb")), "one");
    assertEquals(routed(routes, at("/a%2fb")), "one");
    assertEquals(routed(routes, at("/a%252Fb")), undefined);
    assertEquals(routed(routes, at("/%zz/x")), "odd");
    assertEquals(routed(routes, at("/%E9%")), undefined);
    assertEquals(routed({ it: { path: "/A%E9" } }, at("/%41%E9")), "it");
  });

  test("take every character by its letter, also those that mean something to the router underneath", () => {
    for (const path of [
      "/:id",
      "/*",
      "/a*",
      "/{x}",
      "/:id{[0-9]+}",
      "/a/:b/c",
      "/~3a",
      "/%3Fx",
      "/:x%3F",
      "/__proto__",
    ]) {
      assertEquals(routed({ it: { path: { exact: path } } }, at(path)), "it", path);
      assertEquals(routed({ it: { path: { exact: path } } }, at("/7")), undefined, path);
      assertEquals(routed({ it: { path: { exact: path } } }, at("/a/7/c")), undefined, path);
    }
    assertEquals(routed({ it: { path: "/files" } }, at("/files/*")), "it");
    assertEquals(routed({ it: { path: { exact: "/files" } } }, at("/*")), undefined);
  });
});

describe("methods, headers and query", () => {
  test("may ask for one of several values, and for all but some: then also where there is none", () => {
    const routes = {
      some: { headers: { "x-env": { in: ["canary", "dev"] } } },
      others: { query: { v: { not: { in: ["1", "2"] } } } },
    };
    const env = (value: string, target = "/?v=1") => at(target, { headers: { "x-env": value } });
    assertEquals([routed(routes, env("dev")), routed(routes, env("prod"))], ["some", undefined]);
    assertEquals(
      [routed(routes, at("/?v=3")), routed(routes, at("/")), routed(routes, at("/?v=2"))],
      ["others", "others", undefined],
    );
  });

  test("take cookies for what they are", () => {
    const routes = { it: { cookies: { v: "2", beta: { present: true } } } };
    const sent = (cookie: string) => routed(routes, { headers: { cookie } });
    assertEquals([sent("a=1; v=2; beta="), sent("beta=1; v=2")], ["it", "it"]);
    assertEquals(
      [sent("v=2"), sent("vv=2; beta=1"), sent("v=22; beta=1"), routed(routes, {})].every((id) => id === undefined),
      true,
    );
  });

  test("methods are taken literally: HEAD is not GET", () => {
    const routes = { it: { methods: ["GET"] } };
    assertEquals(routed(routes, { method: "GET" }), "it");
    assertEquals(routed(routes, { method: "HEAD" }), undefined);
    assertEquals(routed(routes, { method: "get" }), undefined);
  });

  test("a header is exact, a regular expression, there or not there; its name ignores case", () => {
    const canary = { it: { headers: { "X-Env": "canary" } } };
    assertEquals(routed(canary, { headers: { "x-env": "canary" } }), "it");
    assertEquals(routed(canary, { headers: { "x-env": "Canary" } }), undefined);
    assertEquals(routed(canary, {}), undefined);
    assertEquals(routed({ it: { headers: { a: { regex: "^v[12]$" } } } }, { headers: { A: "v2" } }), "it");
    assertEquals(routed({ it: { headers: { a: { regex: ".*" } } } }, {}), undefined);
    assertEquals(routed({ it: { headers: { a: { present: true } } } }, { headers: { a: "" } }), "it");
    assertEquals(routed({ it: { headers: { a: { present: false } } } }, { headers: { a: "" } }), undefined);
    assertEquals(routed({ it: { headers: { a: { present: false } } } }, {}), "it");
  });

  test("several headers of one name are compared joined by a comma and a space", () => {
    const headers: [string, string][] = [
      ["a", "1"],
      ["a", "2"],
    ];
    assertEquals(routed({ it: { headers: { a: "1, 2" } } }, { headers }), "it");
    assertEquals(routed({ it: { headers: { a: "1" } } }, { headers }), undefined);
  });

  test("a query parameter is compared decoded, the first of several values; its name minds case", () => {
    const two = { it: { query: { "a b": "x y" } } };
    for (const target of ["/?a+b=x+y", "/?a%20b=x%20y", "/?q&a+b=x+y&a+b=z"]) {
      assertEquals(routed(two, at(target)), "it", target);
    }
    for (const target of ["/", "/?A+b=x+y", "/?a+b=z&a+b=x+y", "/?a+b"]) {
      assertEquals(routed(two, at(target)), undefined, target);
    }
    assertEquals(routed({ it: { query: { debug: { present: true } } } }, at("/?debug")), "it");
  });
});

describe("precedence", () => {
  test("a higher priority wins over every other rule", () => {
    const routes = {
      precise: { hosts: ["a.test"], path: { exact: "/x" }, methods: ["GET"] },
      first: { priority: 1, path: "/" },
      last: { priority: -1, hosts: ["a.test"], path: { exact: "/x" }, methods: ["GET"], headers: { a: "1" } },
    };
    assertEquals(routed(routes, { authority: "a.test", target: "/x", headers: { a: "1" } }), "first");
    const { first: _, ...others } = routes;
    assertEquals(routed(others, { authority: "a.test", target: "/x", headers: { a: "1" } }), "precise");
  });

  test("a route with a method, then one with more headers, then one with more parameters wins", () => {
    const headers = { a: "1", b: "2" };
    const request: RequestInput = { target: "/?p=1&q=2", headers };
    const routes: Record<string, RouteInput> = {
      plain: {},
      twoParameters: { query: { p: "1", q: "2" } },
      oneHeader: { headers: { a: "1" } },
      oneHeaderOneParameter: { headers: { a: "1" }, query: { p: "1" } },
      twoHeaders: { headers },
      method: { methods: ["GET"] },
    };
    const won: (string | undefined)[] = [];
    while (Object.keys(routes).length > 0) {
      won.push(routed(routes, request));
      delete routes[won.at(-1)!];
    }
    assertEquals(won, ["method", "twoHeaders", "oneHeaderOneParameter", "oneHeader", "twoParameters", "plain"]);
  });

  test("the order of the file decides between equals", () => {
    assertEquals(routed({ first: { path: "/a" }, second: { path: "/a/" } }, at("/a")), "first");
    assertEquals(routed({ x: { path: { regex: "a" } }, y: { path: { regex: "^/a/b/c$" } } }, at("/a/b/c")), "x");
  });
});

describe("the table", () => {
  test("with no routes matches nothing", () => {
    assertEquals(compileRoutes([]).match(requestFacts()), undefined);
    assertEquals(compileRoutes([]).explain(requestFacts()), []);
  });

  test("hands back the very object it was given", () => {
    const route = { rule: routeConfig(), pool: Symbol("pool") };
    assert(compileRoutes([route]).match(requestFacts()) === route);
  });

  test("takes a host of many thousand labels in time that grows with its length, not with its square", () => {
    const host = "a.".repeat(500_000);
    assertEquals(routed({ it: { hosts: ["*.example.org"] } }, on(host)), undefined);
    assertEquals(routed({ it: { hosts: ["*.example.org"] } }, on(`${host}example.org`)), "it");
  });

  test("says for every route, in precedence order, the first reason why it does not match", () => {
    const rules: RouteInput[] = [
      { id: "fallback" },
      { id: "host", hosts: ["a.test", "*.a.test"], headers: { authorization: "secret" } },
      { id: "path", path: "/v2" },
      { id: "method", path: { exact: "/v1/x" }, methods: ["POST", "PUT"] },
      { id: "header", path: "/v1", headers: { "x-env": "canary" } },
      { id: "absent", path: "/v1", headers: { "x-user": { present: false } } },
      { id: "query", path: "/v1", query: { version: "2" } },
      { id: "regex", path: { regex: "^/v[0-9]$" } },
      { id: "winner", path: "/v1" },
    ];
    const table = compileRoutes(rules.map((rule) => ({ rule: routeConfig(rule) })));
    const facts = requestFacts({ target: "/v1/x", headers: { "x-env": "prod", "x-user": "ann" } });
    assertEquals(table.match(facts)?.rule.id, "winner");
    assertEquals(
      table.explain(facts).map(({ id, matched, reason }) => `${id} ${matched}: ${reason}`),
      [
        "host false: host: gateway.test is not among a.test, *.a.test",
        "method false: method: GET is not among POST, PUT",
        "header false: header x-env: has another value",
        "absent false: header x-user: must not be there",
        "query false: query version: is missing",
        "path false: path: /v1/x is not under /v2",
        "winner true: takes the request",
        "fallback true: matches, but winner comes first",
        "regex false: path: /v1/x does not match ^/v[0-9]$",
      ],
    );
  });
});
