import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { IncomingRequest } from "../../src/http/request.ts";
import { compileRewrite } from "../../src/routing/rewrite.ts";
import { type RouteInput, routeConfig } from "../helpers/routes.ts";

const rewritten = (route: RouteInput, path: string): string =>
  compileRewrite(routeConfig(route))(path, { path } as IncomingRequest);

const table = (route: RouteInput, cases: Record<string, string>): void => {
  for (const [path, wanted] of Object.entries(cases)) assertEquals(rewritten(route, path), wanted, path);
};

describe("strip_prefix", () => {
  test("makes the prefix itself /, cuts it off whole segments, and leaves other paths alone", () => {
    const cases = {
      "/v1": "/",
      "/v1/": "/",
      "/v1/x": "/x",
      "/v1/x/": "/x/",
      "/v1x": "/v1x",
      "/V1/x": "/V1/x",
      "/": "/",
      "/x/v1": "/x/v1",
    };
    table({ strip_prefix: "/v1" }, cases);
    table({ strip_prefix: "/v1/" }, cases);
    table({ strip_prefix: "/" }, { "/": "/", "/x": "/x" });
    table({ strip_prefix: "/a/b" }, { "/a/b/c": "/c", "/a": "/a", "/a/bc": "/a/bc" });
  });

  test("compares decoded and cuts the path as it was sent", () => {
    table(
      { strip_prefix: "/v1" },
      { "/%761/x": "/x", "/v1/a%2Fb%20c": "/a%2Fb%20c", "/v1%2Fx": "/v1%2Fx", "/%2576": "/%2576" },
    );
    table({ strip_prefix: "/a b" }, { "/a%20b/%E9": "/%E9" });
    table({ strip_prefix: "/a%2Fb" }, { "/a%2fb/c": "/c", "/a/b/c": "/a/b/c" });
  });

  test("never makes a path that reads as another authority", () => {
    table({ strip_prefix: "/v1" }, { "/v1//10.0.0.1/x": "/10.0.0.1/x", "/v1///": "/", "/v1/..//x": "/..//x" });
  });
});

describe("rewrite_path", () => {
  test("replaces the route's prefix", () => {
    const route = { path: "/v1", rewrite_path: { replace_prefix: "/y" } };
    table(route, { "/v1": "/y", "/v1/": "/y/", "/v1/x": "/y/x", "/v1/x%20z": "/y/x%20z", "/%761//x": "/y//x" });
    table({ path: "/v1", rewrite_path: { replace_prefix: "/y/" } }, { "/v1": "/y/", "/v1/x": "/y/x" });
    table({ path: "/v1/", rewrite_path: { replace_prefix: "/" } }, { "/v1": "/", "/v1//x": "/x" });
    table({ rewrite_path: { replace_prefix: "/y" } }, { "/": "/y/", "/x": "/y/x" });
  });

  test("refuses to replace the prefix of a route that has none", () => {
    assertThrows(
      () => compileRewrite(routeConfig({ path: { exact: "/x" }, rewrite_path: { replace_prefix: "/y" } })),
      TypeError,
      "prefix",
    );
  });

  test("replaces the whole path", () => {
    table({ rewrite_path: { replace: "/z" } }, { "/": "/z", "/a/b": "/z" });
    table({ rewrite_path: { replace: "//evil/a b?c#d" } }, { "/": "/evil/a%20b%3Fc%23d" });
  });

  test("replaces what a regular expression matches, with its groups", () => {
    const swap = { rewrite_path: { regex: "^/(?<a>[^/]+)/([^/]+)", to: "/$2/$<a>" } };
    table(swap, { "/a/b/c": "/b/a/c", "/a": "/a", "/a%20x/caf%C3%A9/": "/caf%C3%A9/a%20x/" });
    table({ rewrite_path: { regex: "a", to: "b" } }, { "/aa": "/ba", "/x%zz": "/x%zz" });
  });

  test("keeps escapes of reserved characters through a regular expression", () => {
    const move = { rewrite_path: { regex: "^/old/", to: "/new/" } };
    const odd = "%2F%2f%25%252F%3B;%26&%2B+%3F%23%40@%5B:%3A%E9%zz%";
    table(move, { [`/old/${odd}`]: `/new/${odd.replace(/%zz%$/, "%25zz%25")}`, "/%6Fld/x": "/new/x" });
  });

  test("takes a query or an authority in the replacement as part of the path", () => {
    table({ rewrite_path: { regex: "^/(.*)", to: "/x?q=$1" } }, { "/1": "/x%3Fq=1" });
    table({ rewrite_path: { regex: "^/go/", to: "//" } }, { "/go/evil.test/x": "/evil.test/x" });
    table({ rewrite_path: { regex: "^/go/", to: "" } }, { "/go/@evil.test": "/@evil.test" });
    table({ rewrite_path: { regex: ".*", to: "http://evil.test" } }, { "/": "/http://evil.test" });
  });
});

test("a route without either leaves the path as it is, byte for byte", () => {
  table({}, { "/": "/", "//x": "//x", "/%zz/%2F/é;": "/%zz/%2F/é;" });
});

test("whatever is rewritten stays at the chosen upstream and within the path", () => {
  const rules: RouteInput[] = [
    { strip_prefix: "/v1" },
    { path: "/v1", rewrite_path: { replace_prefix: "/" } },
    { path: "/v1", rewrite_path: { replace_prefix: "//y" } },
    { rewrite_path: { regex: "^/v1/?", to: "" } },
    { rewrite_path: { regex: "(v)1", to: "$1/$'" } },
  ];
  const piece = fc.constantFrom(
    "/",
    "v1",
    "%761",
    "\\",
    "@",
    ":",
    "%2F",
    "%3F",
    "%23",
    "%zz",
    "%",
    "é",
    "evil.test",
    "..",
    " ",
  );
  fc.assert(
    fc.property(fc.constantFrom(...rules), fc.array(piece, { maxLength: 8 }), (rule, pieces) => {
      const path = `/v1/${pieces.join("")}`;
      const result = rewritten(rule, path);
      const url = new URL(`http://10.244.0.7:3000${result}`);
      assertEquals(url.host, "10.244.0.7:3000");
      assertEquals(url.search + url.hash, "");
      assert(/^\/(?!\/)/.test(result), result);
    }),
    { numRuns: 2_000 },
  );
});

test("a path regex's named groups are parts of a template, and one that took nothing is empty", () => {
  const path = { regex: "^/a/(?<id>[^/]+)(?:/(?<rest>.+))?/?$", ignore_case: true };
  table(
    { path, rewrite_path: { template: "/of/{id}/{rest}" } },
    { "/A/5/x/y": "/of/5/x/y", "/a/b%20c": "/of/b%20c", "/a/b%2Fc/x": "/of/b%2Fc/x" },
  );
});
