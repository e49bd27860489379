import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { compileRedirect } from "../../src/routing/redirect.ts";
import { compileRoutes } from "../../src/routing/table.ts";
import { type RequestInput, type RouteInput, requestFacts, routeConfig } from "../helpers/routes.ts";

type Redirect = NonNullable<RouteInput["redirect"]>;

const redirected = (redirect: Redirect, request: RequestInput = {}, route: RouteInput = {}): string | undefined => {
  const rule = routeConfig({ ...route, redirect });
  const response = compileRedirect({ ...rule, redirect: rule.redirect! })(requestFacts(request));
  return response && `${response.status} ${response.headers.get("location")}`;
};

test("a redirect to https drops the port of the request and keeps path and query as sent", () => {
  const request: RequestInput = { authority: "Shop.test:8080", target: "/a%2Fb//c?q=%20&q" };
  assertEquals(redirected({ scheme: "https" }, request), "302 https://shop.test/a%2Fb//c?q=%20&q");
});

test("a redirect without scheme keeps the port the client used, one with a port names it where it is not implied", () => {
  const request: RequestInput = { authority: "shop.test:8080" };
  assertEquals(redirected({ host: "new.test" }, request), "302 http://new.test:8080/");
  assertEquals(redirected({ port: 80 }, request), "302 http://shop.test/");
  assertEquals(redirected({ scheme: "https", port: 8443 }, request), "302 https://shop.test:8443/");
  assertEquals(redirected({ scheme: "http" }, { ...request, scheme: "https" }), "302 http://shop.test/");
  assertEquals(redirected({ host: "new.test" }, { scheme: "https" }), "302 https://new.test/");
});

test("a redirect takes its status, its path and IPv6 hosts from the rule", () => {
  assertEquals(redirected({ status: 308, path: "/new" }, { target: "/old?q" }), "308 http://gateway.test/new?q");
  assertEquals(redirected({ path: { replace: "/a b" } }, { target: "/old" }), "302 http://gateway.test/a%20b");
  assertEquals(redirected({ host: "::1", port: 81 }), "302 http://[::1]:81/");
});

test("a query in the redirect's path takes the place of the request's", () => {
  assertEquals(redirected({ path: "/login?from=old" }, { target: "/x?q" }), "302 http://gateway.test/login?from=old");
});

test("a redirect replaces the route's prefix and keeps what follows it", () => {
  const route = { path: "/old" };
  const redirect = { path: { replace_prefix: "/new" } };
  assertEquals(redirected(redirect, { target: "/old/x%20y?q=1" }, route), "302 http://gateway.test/new/x%20y?q=1");
  assertEquals(redirected(redirect, { target: "/old" }, route), "302 http://gateway.test/new");
  assertThrows(() => redirected(redirect, {}, { path: { exact: "/old" } }), TypeError, "prefix");
});

test("a request without a host is redirected by path, never to a host its path names", () => {
  assertEquals(redirected({ scheme: "https" }, { authority: "", target: "//evil.test/x" }), "302 /evil.test/x");
  assertEquals(redirected({ scheme: "https" }, { authority: "", target: "/\\evil.test" }), "302 /evil.test");
  assertEquals(redirected({ scheme: "https" }, { target: "//evil.test/x" }), "302 https://gateway.test//evil.test/x");
});

test("a location of its own is sent as it is written, with the request's parts in it", () => {
  const request: RequestInput = { authority: "Shop.test:81", target: "/a%20b?q=1&r=x%2Fy", headers: { "x-a": "é/?" } };
  const to = (location: string) => redirected({ status: 301, location }, request);
  assertEquals(to("https://{host}{uri}"), "301 https://shop.test/a%20b?q=1&r=x%2Fy");
  assertEquals(to("{path}/index.html"), "301 /a%20b/index.html");
  assertEquals(to("/x"), "301 /x");
  assertEquals(to("{scheme}://{authority}/{method}?{query}"), "301 http://Shop.test:81/GET?q=1&r=x%2Fy");
  assertEquals(to("/go?r={query.r}&none={query.none}&a={header.x-a}"), "301 /go?r=x%2Fy&none=&a=%C3%A9%2F%3F");
});

test("a location with a regular expression replaces what it matches of the path", () => {
  const route = { path: { regex: "^/old/" } };
  const to = (target: string, redirect: Redirect) => redirected(redirect, { target }, route);
  const redirect = { regex: "^/old/([^/]+)/(.*)$", location: "https://{host}/$2-$1?from={path}" };
  assertEquals(to("/old/a/b%20c?q", redirect), "302 https://gateway.test/b%20c-a?from=/old/a/b%20c");
  assertEquals(to("/old/{host}/b", redirect), "302 https://gateway.test/b-%7Bhost%7D?from=/old/{host}/b");
  assertEquals(to("/old/a", redirect), undefined);
  assertEquals(to("/x/old/a", { regex: "/old", location: "/new" }), "302 /x/new/a");
});

test("a location never leads to a host that the path names", () => {
  const route = { path: { regex: "^/r/" } };
  assertEquals(
    redirected({ regex: "^/r/(.*)", location: "/$1" }, { target: "/r//evil.test" }, route),
    "302 /evil.test",
  );
  assertEquals(redirected({ location: "{path}" }, { target: "//evil.test/x" }), "302 /evil.test/x");
});

test("a route whose redirect finds nothing in the path leaves the request to the routes behind it", () => {
  const docs = routeConfig({ id: "docs", path: "/docs", redirect: { regex: "^/docs/v([0-9])/", location: "/v$1/" } });
  const table = compileRoutes([{ rule: docs }, { rule: routeConfig({ id: "rest", path: "/" }) }]);
  const taken = (target: string): string | undefined => {
    const facts = requestFacts({ target });
    const id = table.match(facts)?.rule.id;
    assertEquals(table.explain(facts).find(({ matched }) => matched)?.id, id);
    return id;
  };
  assertEquals([taken("/docs/v1/x"), taken("/docs/x"), taken("/docs")], ["docs", "rest", "rest"]);
  const [why] = table.explain(requestFacts({ target: "/docs/x" }));
  assertEquals(why!.reason, "path: redirect.regex finds nothing in /docs/x");
  assertEquals(compileRoutes([{ rule: docs }]).match(requestFacts({ target: "/docs/x" })), undefined);
});
