import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createGateway, type Gateway } from "../../src/gateway.ts";
import { silentLogger } from "../../src/log.ts";
import { countAnswer, createCounters, DURATION_BOUNDS_MS, type RouteCounts } from "../../src/observe/counters.ts";
import type { UpstreamFetch } from "../../src/proxy/types.ts";
import { bunRuntime } from "../../src/runtime/bun.ts";
import { config } from "../config/support.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

/** A gateway whose pods are a function; nothing listens. */
function gatewayTo(
  fetch: UpstreamFetch,
  yaml: string,
): { gateway: Gateway; clock: ReturnType<typeof createFakeClock> } {
  const clock = createFakeClock();
  const gateway = createGateway({
    config: config(yaml),
    createCluster: () => {
      throw new Error("there is no cluster");
    },
    upstreamFetch: fetch,
    upstreamConnect: undefined,
    upstreamFetchWith: () => fetch,
    plainFetch: bunRuntime.clientFetch({ verify: true }),
    userMiddleware: () => {
      throw new Error("there is no module");
    },
    mutableHeaders: true,
    clock,
    random: Math.random,
    logger: silentLogger,
    writeAccessLog: () => {},
  });
  return { gateway, clock };
}

const statusesOf = (counts: RouteCounts): number[] => [...counts.statuses];

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
        one: statusesOf(counters.route("one")),
        away: statusesOf(counters.route("away")),
        closed: statusesOf(counters.route("closed")),
        unmatched: statusesOf(counters.unmatched),
      },
      { one: [0, 2, 1, 1, 1], away: [0, 0, 1, 0, 0], closed: [0, 0, 0, 1, 0], unmatched: [0, 0, 0, 1, 0] },
    );
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
    const { retries, sum, durations } = gateway.counters.route("one");
    assertEquals(retries, { connect: 1, reset: 0, status: 0 });
    assertEquals(sum, 60);
    assertEquals(durations.indexOf(1), DURATION_BOUNDS_MS.indexOf(100));
  });

  test("survive a change of config, and go with their route", () => {
    const counters = createCounters();
    countAnswer(counters.route("a"), 200, 1);
    counters.route("b");
    counters.keep(new Set(["a", "c"]));
    assertEquals([...counters.all().keys()], ["a"]);
    assertEquals(statusesOf(counters.route("a")), [0, 1, 0, 0, 0]);
  });

  test("put a duration into the first bucket it does not exceed, one of minutes into the last", () => {
    const counts = createCounters().route("a");
    for (const ms of [0, 1, 2, 3, 30_000, 30_001, 600_000, -5]) countAnswer(counts, 200, ms);
    assertEquals([...counts.durations], [3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    assertEquals(counts.sum, 0 + 1 + 2 + 3 + 30_000 + 30_001 + 600_000);
  });
});
