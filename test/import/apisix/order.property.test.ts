import { test } from "bun:test";
import { assert } from "@std/assert";
import fc from "fast-check";
import { loadConfig } from "../../../src/config/load.ts";
import { FORMAT } from "../../../src/gateway/format.ts";
import { compileRoutes } from "../../../src/routing/table.ts";
import { requestFacts } from "../../helpers/routes.ts";
import { imported } from "./support.ts";

interface Route {
  readonly id: string;
  readonly uris: readonly string[];
  readonly hosts?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly priority?: number | undefined;
  readonly vars?: readonly (readonly string[])[] | undefined;
}

interface Asked {
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly env: string | undefined;
}

const hostScore = (rule: string, host: string): number => {
  if (!rule.startsWith("*")) return rule === host ? 1_000 : -1;
  return host.endsWith(rule.slice(1)) && host.length >= rule.length ? rule.length : -1;
};

const pathScore = (uri: string, path: string): number => {
  if (!uri.endsWith("*")) return uri === path ? 1_000 : -1;
  return path.startsWith(uri.slice(0, -1)) ? uri.length - 1 : -1;
};

/**
 * The routes APISIX may take by its documentation: the exact path, else the longest beginning; then the priority. The
 * default router looks at the host before that. Several: its documentation does not say which.
 */
function allowed(routes: readonly Route[], { method, authority, target, env }: Asked, byHost: boolean): string[] {
  const fitting = routes.flatMap((route) => {
    const path = Math.max(...route.uris.map((uri) => pathScore(uri, target)));
    const host = route.hosts === undefined ? 0 : Math.max(...route.hosts.map((one) => hostScore(one, authority)));
    const takes =
      path >= 0 &&
      host >= 0 &&
      (route.methods?.includes(method) ?? true) &&
      (route.vars ?? []).every(([, operator, value]) => (operator === "==") === (env === value));
    const rank = [...(byHost ? [host] : []), path, route.priority ?? 0];
    return takes ? [{ id: route.id, rank }] : [];
  });
  const compare = (a: readonly number[], b: readonly number[]): number => {
    const at = a.findIndex((one, i) => one !== b[i]);
    return at === -1 ? 0 : b[at]! - a[at]!;
  };
  const [best] = fitting.toSorted((a, b) => compare(a.rank, b.rank));
  return best === undefined ? [] : fitting.filter(({ rank }) => compare(rank, best.rank) === 0).map(({ id }) => id);
}

const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 });
const some = (...of: string[]) => fc.uniqueArray(fc.constantFrom(...of), { minLength: 1, maxLength: 2 });
const route = fc.record({
  uris: some("/*", "/a", "/a*", "/a/*", "/a/b", "/a/b*", "/ab", "/b/*"),
  hosts: maybe(some("a.test", "*.test", "b.a.test", "*.a.test")),
  methods: maybe(some("GET", "POST")),
  priority: maybe(fc.constantFrom(0, 1, 5, -1)),
  vars: maybe(fc.constantFrom([["http_env", "==", "x"]], [["http_env", "~=", "x"]])),
});
const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom("GET", "POST"),
  authority: fc.constantFrom("a.test", "b.a.test", "c.test", "other"),
  target: fc.constantFrom("/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/abc", "/b/x", "/c"),
  env: fc.constantFrom(undefined, "x", "y"),
});

for (const router of ["radixtree_host_uri", "radixtree_uri"]) {
  test(`requests get the routes that APISIX's ${router} gives them, whatever the priorities`, () => {
    fc.assert(
      fc.property(
        fc.array(route, { minLength: 1, maxLength: 6 }),
        fc.array(asked, { minLength: 1, maxLength: 12 }),
        (made, requests) => {
          const routes = made.map((one, index): Route => ({ ...one, id: `r${index}` }));
          const upstream = { type: "roundrobin", nodes: { "127.0.0.1:80": 1 } };
          const { gateway } = imported([
            { name: "config.yaml", content: `apisix: {router: {http: ${router}}}` },
            { name: "apisix.yaml", content: JSON.stringify({ routes: routes.map((one) => ({ ...one, upstream })) }) },
          ]);
          const loaded = loadConfig({ format: FORMAT, file: "gateway.yaml", text: gateway, env: {}, pod: {} });
          assert(loaded.ok, gateway);
          const table = compileRoutes(loaded.config.routes.map((rule) => ({ rule })));
          for (const request of requests) {
            const { env, ...rest } = request;
            const facts = requestFacts({ ...rest, ...(env !== undefined && { headers: { env } }) });
            const got = table.match(facts)?.rule.id.replace(/-.*$/, "");
            const may = allowed(routes, request, router === "radixtree_host_uri");
            assert(
              may.length === 0 ? got === undefined : may.includes(got!),
              `${JSON.stringify(request)}: ${got}, not of ${may}\n${gateway}`,
            );
          }
        },
      ),
      {
        numRuns: 80,
        examples: [
          [
            // Before the other one under a.test, and behind it under *.test.
            [
              { uris: ["/*"], hosts: ["*.test"], priority: 5, methods: undefined, vars: undefined },
              {
                uris: ["/*"],
                hosts: ["a.test", "*.test"],
                priority: 0,
                methods: undefined,
                vars: [["http_env", "==", "x"]],
              },
            ],
            [
              { method: "GET", authority: "b.a.test", target: "/", env: "x" },
              { method: "GET", authority: "a.test", target: "/", env: "x" },
              { method: "GET", authority: "a.test", target: "/", env: undefined },
            ],
          ],
        ],
      },
    );
  });
}
