import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { createHealthSet, type HealthCheck } from "../../../src/balancing/health/health-set.ts";
import { httpProbe, type ProbeFetch } from "../../../src/balancing/health/http-probe.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { seededRandom } from "../../helpers/random.ts";
import { endpoints, poolOver } from "../support.ts";

const CONFIG = { path: "/healthz", interval: 1000, timeout: 500, healthy: 1, unhealthy: 1 };

/** A set, and a check of one pool of two addresses, the first of which answers 500. */
function setup() {
  const { pool, upstream, clock } = poolOver(endpoints(2));
  const probes: string[] = [];
  const fetch: ProbeFetch = async (url) => {
    probes.push(url);
    return new Response(null, { status: new URL(url).host === endpoints(1)[0]!.address ? 500 : 200 });
  };
  const checkWith = (config: typeof CONFIG & { statuses?: number[] }): HealthCheck => ({
    key: "the pool",
    pool,
    config,
    probe: httpProbe(config, fetch),
    probeKey: JSON.stringify(config),
    upstream: upstream.name,
  });
  const check = checkWith(CONFIG);
  const set = createHealthSet({ clock, random: seededRandom(1), logger: silentLogger });
  const healthy = () => pool.targetStates().map((one) => one.healthy);
  return { set, check, checkWith, probes, clock, healthy };
}

describe("the health checks of a gateway", () => {
  test("go on with what they know when a reload leaves them as they were", async () => {
    const { set, check, checkWith, probes, clock, healthy } = setup();
    set.apply([check]);
    await clock.advance(1000);
    assertEquals(healthy(), [false, true]);
    set.apply([checkWith({ ...CONFIG })]);
    assertEquals([healthy(), probes.length], [[false, true], 2]);
    await clock.advance(1100);
    assertEquals([healthy(), probes.length], [[false, true], 4]);
    await set.stop();
  });

  test("begin anew when their settings changed", async () => {
    const { set, check, checkWith, probes, clock, healthy } = setup();
    set.apply([check]);
    await clock.advance(1000);
    set.apply([checkWith({ ...CONFIG, path: "/other", statuses: [500] })]);
    assertEquals(healthy(), [true, true]);
    await clock.advance(1000);
    assertEquals(healthy(), [true, false]);
    assert(probes.slice(2).every((url) => url.endsWith("/other")));
    await set.stop();
  });

  test("end, and leave every address in use, when a route no longer asks for them", async () => {
    const { set, check, probes, clock, healthy } = setup();
    set.apply([check]);
    await clock.advance(1000);
    set.apply([]);
    assertEquals(healthy(), [true, true]);
    const before = probes.length;
    await clock.advance(10_000);
    assertEquals(probes.length, before);
  });

  test("end with the gateway, a probe under way included", async () => {
    const { set, check, clock } = setup();
    let aborted = false;
    const probe: HealthCheck["probe"] = (_target, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          aborted = true;
          reject(signal.reason);
        }),
      );
    set.apply([{ ...check, probe }]);
    await clock.advance(1000);
    await set.stop();
    assert(aborted);
  });
});
