import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { Send } from "../helpers/transport.ts";
import { startGatewayRig } from "./rig.ts";

const nodes = [{ host: "10.0.0.1", port: 1 }];
const answering: Send = async () => new Response("fine");
const withoutPods: Send = () => Promise.reject(new Error("no pod is asked"));

const server = { access_log: "json" };
const linesOf = ({ lines }: { lines: readonly string[] }): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line));

describe("a request that no pod sees", () => {
  test("has its line in the access log: refused, without a route, ambiguous, redirected, or answered by middleware", async () => {
    const routes = [
      { id: "moved", path: { prefix: "/moved" }, redirect: { path: "/other", status: 301 } },
      { id: "kept", path: "/kept", nodes, middleware: [{ ip_restriction: { allow_list: ["198.51.100.1"] } }] },
      {
        id: "guarded",
        path: "/guarded",
        redirect: { path: "/other" },
        middleware: [{ ip_restriction: { allow_list: ["198.51.100.1"] } }],
      },
    ];
    await using rig = startGatewayRig({ server, routes }, withoutPods);
    const asked = [
      await rig.ask("/nowhere"),
      await rig.ask("/nowhere", { method: "HEAD" }),
      await rig.ask("/moved/on"),
      await rig.ask("/kept"),
      await rig.ask("/guarded"),
      await rig.ask("/kept", { headers: { "transfer-encoding": "gzip" } }),
    ];
    await rig.clock.advance(2000);
    assertEquals(
      linesOf(rig).map(({ status, route, error }) => [status, route ?? null, error ?? null]),
      [
        [404, null, "no_route"],
        [404, null, "no_route"],
        [301, "moved", null],
        [403, "kept", "forbidden"],
        [403, "guarded", "forbidden"],
        [asked[5]!.status, null, linesOf(rig)[5]!.error],
      ],
    );
    assertEquals(asked.map(({ status }) => status).slice(0, 5), [404, 404, 301, 403, 403]);
    assertEquals([await asked[1]!.text(), asked[1]!.headers.get("content-type")], ["", "application/problem+json"]);
  });
});

test("a redirect needs no access log, with and without middleware", async () => {
  const redirect = { path: "/other", status: 308 };
  const routes = [
    { id: "plain", path: "/plain", redirect },
    { id: "guarded", path: "/guarded", redirect, middleware: [{ cors: {} }] },
  ];
  await using rig = startGatewayRig({ server: { access_log: false }, routes }, withoutPods);
  assertEquals([(await rig.ask("/plain")).status, (await rig.ask("/guarded")).status], [308, 308]);
});

describe("what happened to a gateway", () => {
  test("holds each config that came into force, and each that was refused, the newest first", async () => {
    await using rig = startGatewayRig({ routes: [{ id: "r", path: "/", nodes }] }, answering);
    const happened = () => rig.gateway.events(10).map(({ at: _at, ...event }) => event as unknown);
    const before = happened().length;
    rig.apply({
      routes: [
        { id: "r", path: "/", nodes },
        { id: "s", path: "/s", nodes },
      ],
    });
    const inForce = { kind: "config", routes: 2, clusters: 0 };
    assertEquals(happened().slice(0, 1), [inForce]);
    rig.gateway.refuse(["line 1: no"]);
    assertEquals(happened().slice(0, 2), [{ kind: "refused", errors: ["line 1: no"] }, inForce]);
    assertEquals(rig.gateway.refusedConfig(), ["line 1: no"]);
    rig.gateway.refuse([]);
    assertEquals([rig.gateway.refusedConfig(), happened().length], [[], before + 2]);
    rig.gateway.refuse(["line 2: no"]);
    rig.apply({ routes: [] });
    assertEquals(rig.gateway.refusedConfig(), [], "what is in force was not refused");
  });
});

describe("across reloads", () => {
  const routes = [{ id: "r", path: "/", nodes }];

  test("lines and spans that are not written yet are kept where their settings stay, and written where they change", async () => {
    const tracing = { otlp_endpoint: "http://127.0.0.1:1" };
    await using rig = startGatewayRig({ server, tracing, routes }, answering);
    await rig.ask("/");
    rig.apply({ server, tracing, routes: [...routes, { id: "s", path: "/s", nodes }] });
    assertEquals([rig.lines.length, rig.tracings.length, rig.tracings[0]!.stopped], [0, 1, 0]);
    rig.apply({
      server: { access_log: "combined" },
      tracing: { otlp_endpoint: "http://127.0.0.1:2" },
      routes,
    });
    assertEquals([rig.lines.length, rig.tracings.length, rig.tracings[0]!.stopped], [1, 2, 1]);
    await rig.ask("/");
    await rig.clock.advance(2000);
    assertEquals(rig.lines.length, 2);
    assert(!rig.lines[1]!.startsWith("{"), "the other form");
  });

  test("an address stays ejected, and its route's others with it, unless what the pool is made of changed", async () => {
    let failing = true;
    const fetch: Send = async (url) => {
      if (failing && new URL(url).hostname === "10.0.0.1")
        throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
      return new Response("fine");
    };
    const two = [...nodes, { host: "10.0.0.2", port: 1 }];
    const of = (more: object = {}) => ({
      routes: [{ id: "r", path: "/", nodes: two, retries: { attempts: 2 }, ...more }],
    });
    await using rig = startGatewayRig(of(), fetch);
    const ejected = async (): Promise<number> => rig.gateway.held().flatMap((one) => Object.values(one)).length;
    for (let i = 0; i < 8; i++) await rig.ask("/");
    failing = false;
    const held = await ejected();
    assert(held > 0, "it is held");
    rig.apply(of({ request_headers: { set: { "x-turn": "2" } } }));
    assertEquals(await ejected(), held);
    rig.apply(of({ balancer: "random" }));
    assertEquals(rig.gateway.held().length, 0);
    await rig.clock.advance(60_000);
  });
});

describe("fields whose names have an underscore", () => {
  test("pass by the gateway's own middleware, and not by a module of the user's, which might take them for others", async () => {
    const got: Record<string, string | null> = {};
    const fetch: Send = async (url, { headers }) => {
      got[new URL(url).pathname] = headers.get("x_own");
      return new Response("fine");
    };
    const routes = [
      { id: "plain", path: "/plain", nodes },
      { id: "own", path: "/own", nodes, middleware: [{ cors: {} }] },
      { id: "theirs", path: "/theirs", nodes, middleware: [{ use: "./theirs.ts" }] },
      { id: "both", path: "/both", nodes, middleware: [{ cors: {} }, { use: "./theirs.ts" }] },
    ];
    const underscores = { server: { underscore_headers: "pass" }, routes };
    await using rig = startGatewayRig(underscores, fetch, { userMiddleware: () => (_c, next) => next() });
    for (const { path } of routes) await rig.ask(path, { headers: { x_own: "1" } });
    assertEquals(got, { "/plain": "1", "/own": "1", "/theirs": null, "/both": null });
  });
});
