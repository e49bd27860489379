import { describe, test } from "bun:test";
import { assertEquals, assertNotStrictEquals } from "@std/assert";
import type { Gateway, GatewayOptions } from "../../src/gateway/gateway.ts";
import type { Middleware } from "../../src/middleware/plugin.ts";
import {
  countAnswer,
  createCounters,
  DURATION_BOUNDS_MS,
  type SeriesCounts,
  viewSeries,
} from "../../src/telemetry/counters.ts";
import { sumTraffic, type TrafficStatistics } from "../../src/telemetry/traffic.ts";
import { type GatewayRig, startGatewayRig } from "../gateway/rig.ts";
import type { Send } from "../helpers/transport.ts";

/** A gateway whose pods are a function; nothing listens. */
const gatewayTo = (fetch: Send, yaml: string, more: Partial<GatewayOptions> = {}): GatewayRig =>
  startGatewayRig(yaml, fetch, more);

const statusesOf = (counts: SeriesCounts): number[] => [...viewSeries(counts).statuses];

/** The numbers of a route towards its static nodes, which bear its own name. */
const ofRoute = (gateway: Gateway, id: string) => viewSeries(gateway.counters.series(id, id));

describe("the counters of a gateway", () => {
  test("tell each route's answers by status class and the requests that no route took", async () => {
    const answers = [200, 204, 301, 404, 503];
    const { gateway } = gatewayTo(
      async () => new Response(null, { status: answers.shift()! }),
      `server: { access_log: false }
routes:
  - { id: one, path: /one, nodes: [{ host: 127.0.0.1, port: 1 }] }
  - { id: away, path: /away, redirect: { status: 302, host: elsewhere.test } }
  - { id: closed, path: /closed, nodes: [{ host: 127.0.0.1, port: 1 }], middleware: [{ bearer_auth: { token: secret } }] }`,
    );
    const ask = (path: string) => gateway.handle(new Request(`http://gateway.test${path}`), "127.0.0.1", "http");
    for (let i = 0; i < 5; i++) await ask("/one");
    await ask("/away");
    await ask("/closed");
    await ask("/nobody");
    const { counters } = gateway;
    assertEquals(
      {
        one: statusesOf(counters.series("one", "one")),
        away: statusesOf(counters.series("away", "")),
        closed: statusesOf(counters.series("closed", "")),
        unmatched: statusesOf(counters.unmatched),
      },
      { one: [0, 2, 1, 1, 1], away: [0, 0, 1, 0, 0], closed: [0, 0, 0, 1, 0], unmatched: [0, 0, 0, 1, 0] },
    );
  });

  test("count every answer once, by who gave it and why, whatever middleware it came through", async () => {
    const modules: Record<string, Middleware> = {
      "./throws.ts": () => Promise.reject(new Error("a fault of the module")),
      "./late.ts": async (_c, next) => {
        await next();
        throw new Error("a fault after the answer");
      },
      "./own.ts": async (c) => c.text("closed", 503),
      "./stamp.ts": async (c, next) => {
        await next();
        c.res.headers.set("x-stamp", "1");
      },
      "./login.ts": async (c, next) => {
        await next();
        if (c.res.status === 401) c.res = c.redirect("/login");
      },
    };
    const use = (name: string): object[] => [{ use: `./${name}.ts` }];
    const limit = { limit: 1, window: 60_000 };
    const key = { key_auth: { consumers: [{ name: "a", key: "a-key-of-some-length" }] } };
    const routes: Record<string, readonly [middleware: object[], wanted: Record<string, unknown>]> = {
      limited: [[{ rate_limit: limit }, ...use("stamp")], { "": { rate_limited: 1 }, limited: {} }],
      throttled: [[{ rate_limit: { ...limit, status: 503 } }], { "": { rate_limited: 1 }, throttled: {} }],
      keyed: [[...use("stamp"), key], { "": { unauthorized: 2 } }],
      shut: [[{ ip_restriction: { deny_list: ["127.0.0.1"] } }], { "": { forbidden: 2 } }],
      hono: [[{ bearer_auth: { token: "some-token" } }], { "": { unauthorized: 2 } }],
      throws: [use("throws"), { "": { internal: 2 } }],
      late: [use("late"), { late: { internal: 2 } }],
      own: [use("own"), { "": { middleware: 2 } }],
      login: [[...use("login"), key], { "": {} }],
      broken: [use("stamp"), { broken: { upstream_connect: 2 } }],
      fails: [use("stamp"), { fails: {} }],
      plain: [[], { plain: {} }],
    };
    const { gateway } = gatewayTo(
      async (url) => {
        if (url.includes("broken")) throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
        return new Response(null, { status: url.includes("fails") ? 500 : 200 });
      },
      JSON.stringify({
        server: { access_log: false },
        routes: Object.entries(routes).map(([id, [middleware]]) => ({
          ...{ id, path: `/${id}`, middleware, nodes: [{ host: "127.0.0.1", port: 1 }], retries: { attempts: 1 } },
        })),
      }),
      { userMiddleware: (name) => modules[name]! },
    );
    const found: Record<string, Record<string, unknown>> = {};
    for (const id of Object.keys(routes)) {
      for (let n = 0; n < 2; n++) await gateway.handle(new Request(`http://a.test/${id}`), "127.0.0.1", "http");
    }
    const answers: Record<string, number> = {};
    for (const counts of gateway.counters.all().filter(({ route }) => route !== "")) {
      const { route, service } = counts;
      const { statuses, problems, gateway: whole, inFlight } = viewSeries(counts);
      const taken = statuses.reduce((sum, count) => sum + count, 0);
      answers[route] = (answers[route] ?? 0) + taken;
      assertEquals([inFlight, whole.buckets.reduce((sum, count) => sum + count, 0)], [0, taken], route);
      if (taken > 0) found[route] = { ...found[route], [service]: Object.fromEntries(problems) };
    }
    const wanted = Object.fromEntries(Object.entries(routes).map(([id, [, counts]]) => [id, counts]));
    assertEquals(found, wanted);
    assertEquals(answers, Object.fromEntries(Object.keys(routes).map((id) => [id, 2])));
  });

  test("tell how long a route's answers took, and what it retried for", async () => {
    let attempts = 0;
    const { gateway, clock } = gatewayTo(
      async () => {
        await clock.advance(30);
        attempts++;
        if (attempts === 1) throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
        return new Response("ok");
      },
      `server: { access_log: false }
routes:
  - { id: one, nodes: [{ host: 127.0.0.1, port: 1 }, { host: 127.0.0.1, port: 2 }] }`,
    );
    await gateway.handle(new Request("http://gateway.test/"), "127.0.0.1", "http");
    const { retries, gateway: whole, upstream } = ofRoute(gateway, "one");
    assertEquals(retries, { connect: 1, reset: 0, status: 0, timeout: 0 });
    assertEquals([whole.sum, whole.buckets.indexOf(1)], [60, DURATION_BOUNDS_MS.indexOf(100)]);
    // The attempt that answered, alone.
    assertEquals([upstream.sum, upstream.buckets.indexOf(1)], [30, DURATION_BOUNDS_MS.indexOf(50)]);
  });

  test("tell what is under way, and the problems the gateway answered with, by code", async () => {
    const arrived = Promise.withResolvers<void>();
    const { gateway } = gatewayTo(async () => {
      await arrived.promise;
      throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    }, "{ server: { access_log: false }, routes: [{ id: one, path: /one, nodes: [{ host: 127.0.0.1, port: 1 }] }] }");
    const ask = (path: string) => gateway.handle(new Request(`http://gateway.test${path}`), "127.0.0.1", "http");
    const answers = [ask("/one"), ask("/one"), ask("/nobody")];
    assertEquals(ofRoute(gateway, "one").inFlight, 2);
    arrived.resolve();
    await Promise.all(answers);
    const { inFlight, problems } = ofRoute(gateway, "one");
    assertEquals([inFlight, [...problems]], [0, [["upstream_connect", 2]]]);
    assertEquals([...viewSeries(gateway.counters.unmatched).problems], [["no_route", 1]]);
  });

  test("survive a change of config, and go with their route", () => {
    const counters = createCounters();
    const [a, b] = [counters.series("a", "x"), counters.series("b", "x")];
    countAnswer(a, 200, 1);
    counters.keep(new Set([a]));
    assertEquals(counters.all(), [counters.unmatched, a]);
    assertEquals(counters.series("a", "x"), a);
    assertNotStrictEquals(counters.series("b", "x"), b);
  });

  test("put a duration into the first bucket it does not exceed, one of minutes into the last", () => {
    const counts = createCounters().series("a", "x");
    for (const ms of [0, 1, 2, 3, 30_000, 30_001, 600_000, -5]) countAnswer(counts, 200, ms);
    const { buckets, sum } = viewSeries(counts).gateway;
    assertEquals([...buckets], [3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    assertEquals(sum, 0 + 1 + 2 + 3 + 30_000 + 30_001 + 600_000);
  });

  test("take a status that is none of HTTP's for a server's error, and touch no other number", () => {
    const counts = createCounters().series("a", "x");
    countAnswer(counts, 999, 0);
    assertEquals([...viewSeries(counts).statuses], [0, 0, 0, 0, 1]);
    assertEquals(viewSeries(counts).inFlight, 0);
  });
});

describe("the counts of several threads", () => {
  const traffic = (one: SeriesCounts, ejected: number): TrafficStatistics => ({
    series: [one],
    pools: [{ route: "a", service: "x", endpoints: 3, ejected, unhealthy: 0, standby: 0 }],
    spans: { exported: 3, dropped: ejected, refused: 0 },
  });

  test("are summed number by number; what each thread judges for itself is not", () => {
    const [one, two] = [createCounters().series("a", "x"), createCounters().series("a", "x")];
    for (const [counts, status] of [
      [one, 200],
      [two, 200],
      [two, 503],
    ] as const)
      countAnswer(counts, status, 7);
    // As they come from another thread.
    const sum = sumTraffic([structuredClone(traffic(one, 1)), structuredClone(traffic(two, 2))]);
    assertEquals(sum.pools, [{ route: "a", service: "x", endpoints: 3, ejected: 2, unhealthy: 0, standby: 0 }]);
    assertEquals(sum.spans, { exported: 6, dropped: 3, refused: 0 });
    assertEquals(sum.series.length, 1);
    const view = viewSeries(sum.series[0]!);
    assertEquals([[...view.statuses], view.gateway.sum], [[0, 2, 0, 0, 1], 21]);
    assertEquals(statusesOf(one), [0, 1, 0, 0, 0], "what is summed is left alone");
  });
});
