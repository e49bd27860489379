import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../../src/base/log.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { createReflector } from "../../src/kubernetes/reflector.ts";
import type { KubernetesObject } from "../../src/kubernetes/types.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { seededRandom } from "../helpers/random.ts";
import { createScriptedApiserver, slices, statusOf } from "../helpers/scripted-apiserver.ts";

const REPLICAS = 60;

/** So many gateways in front of one apiserver, each with an open watch. */
async function replicas() {
  const clock = createFakeClock();
  const server = createScriptedApiserver();
  const random = seededRandom(3);
  const stop = new AbortController();
  const logger = silentLogger;
  const runs = Array.from({ length: REPLICAS }, () =>
    createReflector<KubernetesObject>({
      api: createApiClient({ connection: server.connection, logger, clock }),
      collections: [slices],
      decode: (object) => object as KubernetesObject,
      apply: () => {},
      clock,
      random,
      logger,
      watchIdle: 75_000,
    }).run(stop.signal),
  );
  await clock.settle();
  await clock.advance(6000);
  assertEquals(server.watches.length, REPLICAS);
  /** The times of requests, milliseconds from now on, while so much time passes. */
  const arrivals = async (ms: number): Promise<number[]> => {
    const started = clock.now();
    const known = server.requests.length;
    const times: number[] = [];
    for (let passed = 0; passed < ms; passed += 10) {
      await clock.advance(10);
      while (times.length < server.requests.length - known) times.push(clock.now() - started);
    }
    return times;
  };
  return {
    clock,
    server,
    arrivals,
    loseAll: () => {
      for (const stream of server.streams) stream.fail();
    },
    async stop() {
      stop.abort(new Error("stopped by the test"));
      await Promise.all(runs);
    },
  };
}

/** The most that came within a tenth of a second. */
const crowd = (times: readonly number[]): number =>
  Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 100).length));

describe("many gateways that lose one apiserver at once", () => {
  test("come back one after the other, each after half a second to a second", async () => {
    const { arrivals, loseAll, stop, server } = await replicas();
    loseAll();
    const times = await arrivals(1100);
    assertEquals(times.length, REPLICAS);
    assert(times[0]! >= 500, `the first after ${times[0]} ms`);
    assert(crowd(times) <= REPLICAS * 0.4, `${crowd(times)} of ${REPLICAS} within 100 ms`);
    assertEquals(server.lists.length, REPLICAS);
    await stop();
  });

  test("spread further with each failure, and ask about twice a minute in the end", async () => {
    const { arrivals, loseAll, stop, server } = await replicas();
    server.watch = () => statusOf(503, "ServiceUnavailable", "starting");
    loseAll();
    await arrivals(120_000);
    const times = await arrivals(60_000);
    assert(times.length <= REPLICAS * 6, `${times.length} requests of ${REPLICAS} in a minute`);
    assert(crowd(times) <= REPLICAS * 0.1, `${crowd(times)} of ${REPLICAS} within 100 ms`);
    await stop();
  });

  test("wait as long as Retry-After says, and a little longer, each of its own length", async () => {
    const { arrivals, loseAll, stop, server } = await replicas();
    server.watch = () => statusOf(429, "TooManyRequests", "later", { "retry-after": "20" });
    loseAll();
    await arrivals(1100);
    server.watch = server.stream;
    const times = await arrivals(23_100);
    assertEquals(times.length, REPLICAS);
    assert(times[0]! >= 20_000 - 1100 + 500, `the first after ${times[0]} ms`);
    assert(crowd(times) <= REPLICAS * 0.4, `${crowd(times)} of ${REPLICAS} within 100 ms`);
    await stop();
  });
});
