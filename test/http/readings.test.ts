import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Paths, resolveDots } from "../../src/http/readings.ts";
import { compileRewrite } from "../../src/routing/rewrite.ts";
import { compileRoutes } from "../../src/routing/table.ts";
import { type RouteInput, requestFacts, routeConfig } from "../helpers/routes.ts";

/** The id of the route that takes a path; "400" for a path that leads to several. */
function routed(routes: Record<string, RouteInput>, target: string): string | undefined {
  const table = compileRoutes(Object.entries(routes).map(([id, input]) => ({ rule: routeConfig({ ...input, id }) })));
  const facts = requestFacts({ target });
  if (table.ambiguity(facts) !== undefined) {
    assertEquals(table.match(facts), undefined);
    return "400";
  }
  const taken = table.match(facts)?.rule.id;
  // The slow way to the same answer must not differ.
  assertEquals(table.explain(facts).find(({ matched }) => matched)?.id, taken, target);
  return taken;
}

const guarded = (paths?: Paths): Record<string, RouteInput> => ({
  adm: { path: "/admin", ...(paths && { paths }) },
  open: { path: "/", ...(paths && { paths }) },
});

describe("a path that servers read differently", () => {
  // Each of these is /admin or below it to some server: Go, WSGI, Tomcat, Spring, IIS, nginx.
  const AROUND = [
    ..."/admin%2fx /admin%2Fx //admin/x /x/..%2fadmin /admin;x/secret /admin;/x /x/..;/admin /x/%2e%2e;a/admin".split(
      " ",
    ),
    ..."/x;/..%2fadmin /admin%5cx /x%2f..%2fadmin/y /admin;%2fx /admin\\x /x/..\\admin ///admin /;/admin".split(" "),
    // A server that takes one of the two for a slash, and not the other.
    ..."/admin%2f..%5c..%2fx /admin%5c..%2f..%5cx /admin%2f..\\..\\x".split(" "),
    ..."/admin;a=b%2f..%2f.. /a%2f..%2fadmin;x %2fadmin".split(" ").filter((path) => path.startsWith("/")),
  ];

  test("goes around no route on the path that it is to any of them", () => {
    for (const target of AROUND) assertEquals(routed(guarded(), target), "400", target);
  });

  test("passes where all its readings lead to one route", () => {
    const cases: Record<string, string> = {
      "/@scope%2fname": "open",
      "/a//b": "open",
      "//x": "open",
      "/matrix;v=1/x": "open",
      "/admin//x": "adm",
      "/admin/a%2Fb": "adm",
      "/admin/a;b=c": "adm",
      "/admin%2520x": "open",
    };
    for (const [target, id] of Object.entries(cases)) assertEquals(routed(guarded(), target), id, target);
  });

  test("is refused too where one of its readings has no route", () => {
    assertEquals(routed({ adm: { path: "/admin" } }, "/admin%2fx"), "400");
    assertEquals(routed({ adm: { path: "/admin" } }, "/other%2fx"), undefined);
  });

  test("is read as the config says", () => {
    const cases: readonly [target: string, decode: string, keep: string, nginx: string][] = [
      ["/admin%2fx", "adm", "open", "adm"],
      ["//admin//x", "adm", "open", "adm"],
      ["/x/..%2fadmin", "adm", "open", "adm"],
      ["/admin%5cx", "adm", "open", "open"],
      ["/admin;v/x", "open", "open", "open"],
      ["/admin%2f..%2fx", "open", "open", "open"],
      ["/admin%2f", "adm", "open", "adm"],
    ];
    for (const [target, ...wanted] of cases) {
      const modes = ["decode", "keep", "nginx"] as const;
      assertEquals(
        modes.map((mode) => routed(guarded(mode), target)),
        wanted,
        target,
      );
    }
  });

  test("is asked of a route with a reading of its own in that reading alone", () => {
    const routes: Record<string, RouteInput> = {
      ...guarded(),
      files: { path: "/files", paths: "keep" },
      old: { path: "/old", paths: "decode" },
    };
    assertEquals(routed(routes, "/files/a%2fb;c//d"), "files");
    assertEquals(routed(routes, "/old%2fx"), "old");
    assertEquals(routed(routes, "/admin%2fx"), "400");
    assertEquals(routed(routes, "/files/..%2fadmin"), "400");
    assertEquals(routed({ ...routes, files: { ...routes.files, priority: 1 } }, "/files/..%2fadmin"), "files");
    assertEquals(routed({ ...guarded(), open: { path: "/", paths: "keep" } }, "/admin%2fx"), "400");
  });

  test("is rewritten in the reading that it was matched in, and sent as it came where it is not rewritten", () => {
    const rewritten = (input: RouteInput, target: string): string => {
      const facts = requestFacts({ target });
      return compileRewrite(routeConfig({ path: "/api", ...input }))(facts.path, facts);
    };
    assertEquals(rewritten({ strip_prefix: "/api", paths: "decode" }, "/api%2fa//b%20c"), "/a/b%20c");
    assertEquals(rewritten({ strip_prefix: "/other", paths: "decode" }, "/api%2fa//b"), "/api%2fa//b");
    assertEquals(rewritten({ paths: "nginx" }, "//api%2fa"), "//api%2fa");
    assertEquals(rewritten({ strip_prefix: "/api" }, "/api//a%2fb"), "/a%2fb");
    const template = { path: { template: "/t/{a}/{b}" }, rewrite_path: { template: "/{b}/{a}" } };
    assertEquals(rewritten({ ...template, paths: "nginx" }, "/t%2f1//2"), "/2/1");
  });
});

test("however a path is spelled, a route on what it is to some server takes it or it is refused", () => {
  // Slashes of some spellings decoded and merged, parameters cut off, dot segments resolved.
  const slashes = [/\\|%2f|%5c/gi, /%2f/gi, /\\|%5c/gi];
  const piece = fc.constantFrom("/", "//", "%2f", "%5C", "\\", ";", ";x", ".", "..", "%2e", "a", "admin", "x");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      // As a request is read before a route is looked for.
      const target = resolveDots(`/${pieces.join("")}`);
      const taken = routed(guarded(), target);
      const isAdmin = slashes.some((some) => {
        // What a server takes for no slash is a character like others, which a URL would make a slash of.
        const read = target
          .replace(some, "/")
          .replace(/;[^/]*/g, "")
          .replace(/%2e/gi, ".")
          .replace(/\\/g, "%5c");
        const { pathname } = new URL(read.replace(/\/+/g, "/"), "http://a");
        return /^\/admin(?:\/|$)/.test(pathname.replace(/\/+/g, "/"));
      });
      if (isAdmin) assert(taken !== "open", target);
    }),
    { numRuns: 3000 },
  );
});
