import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createActiveHealth } from "../../../src/balancing/health/active-health.ts";
import { httpProbe, type ProbeFetch } from "../../../src/balancing/health/http-probe.ts";
import type { ActiveHealthConfig } from "../../../src/balancing/options.ts";
import type { LogFields } from "../../../src/base/log.ts";
import { seededRandom } from "../../helpers/random.ts";
import { endpoints, poolOver, request } from "../support.ts";

const INTERVAL = 5000;
const facts = request();
type Answer = (address: string, signal: AbortSignal) => Promise<Response>;

const ok: Answer = async () => new Response("fine");
const hang: Answer = (_address, signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** Health checks of a pool, under way; `answer` is what every address does with a probe and may be replaced. */
function checks(count: number, settings: Partial<ActiveHealthConfig> = {}) {
  const { pool, upstream, clock } = poolOver(endpoints(count));
  const world = {
    answer: ok,
    probes: [] as { address: string; url: string; init: Parameters<ProbeFetch>[1]; at: number }[],
    open: 0,
    mostOpen: 0,
  };
  const lines: { level: string; message: string; fields: LogFields | undefined }[] = [];
  const config = { path: "/healthz", interval: INTERVAL, timeout: 2000, healthy: 2, unhealthy: 3, ...settings };
  const fetch: ProbeFetch = async (url, init) => {
    const address = new URL(url).host;
    world.probes.push({ address, url, init, at: clock.now() });
    world.mostOpen = Math.max(world.mostOpen, ++world.open);
    try {
      return await world.answer(address, init.controller.signal);
    } finally {
      world.open--;
    }
  };
  const health = createActiveHealth({
    pool,
    config,
    probe: httpProbe(config, fetch),
    clock,
    random: seededRandom(3),
    logger: { log: (level, message, fields) => lines.push({ level, message, fields }) },
    upstream: upstream.name,
  });
  const controller = new AbortController();
  const done = health.run(controller.signal);
  const healthy = () => pool.targetStates().map((one) => one.healthy);
  return { pool, upstream, clock, world, lines, controller, done, healthy };
}

/** The first of two addresses is broken in some way. */
const firstIs = (broken: Answer): Answer => {
  const [first] = endpoints(1);
  return (address, signal) => (address === first!.address ? broken(address, signal) : ok(address, signal));
};

describe("active health checks", () => {
  test("ask every endpoint once per interval, spread over it", async () => {
    const { world, clock } = checks(20);
    const start = clock.now();
    await clock.advance(INTERVAL);
    assertEquals(new Set(world.probes.map(({ address }) => address)).size, 20);
    assertEquals(world.probes[0]!.url.endsWith("/healthz"), true);
    assert(new Set(world.probes.map(({ at }) => at)).size > 15, "they must not all be probed at once");
    assert(
      world.probes.some(({ at }) => at - start > INTERVAL / 2) &&
        world.probes.some(({ at }) => at - start < INTERVAL / 2),
    );
    await clock.advance(INTERVAL * 9);
    assert(world.probes.length >= 180 && world.probes.length <= 220, `${world.probes.length} probes`);
  });

  test("take an endpoint out after `unhealthy` bad answers in a row, and back after `healthy` good ones", async () => {
    const { world, clock, pool, healthy, lines } = checks(2);
    world.answer = firstIs(async () => new Response("no", { status: 503 }));
    await clock.advance(INTERVAL * 2);
    assertEquals(healthy(), [true, true]);
    await clock.advance(INTERVAL * 2);
    assertEquals(healthy(), [false, true]);
    for (let i = 0; i < 10; i++) assertEquals(pool.pick(facts)!.endpoint.host, "10.0.0.2");
    assertEquals(
      lines.map(({ level, fields }) => [level, fields]),
      [["warn", { service: "default/web", upstream: "10.0.0.1:8080", fault: "status 503" }]],
    );

    world.answer = ok;
    const bad = world.probes.length;
    while (!healthy()[0] && world.probes.length < bad + 20) await clock.advance(100);
    const good = world.probes.slice(bad).filter(({ address }) => address === "10.0.0.1:8080");
    assertEquals(good.length, 2);
    assertEquals(lines.at(-1)!.level, "info");
  });

  for (const count of [1, 2, 3, 4]) {
    test(`count ${count} bad answers in a row, and ${count} good ones, no fewer`, async () => {
      const { world, clock, healthy } = checks(2, { healthy: count, unhealthy: count });
      const [first] = endpoints(1);
      const probed = (): number => world.probes.filter(({ address }) => address === first!.address).length;
      const until = async (state: boolean): Promise<number> => {
        const before = probed();
        for (let i = 0; i < 400 && healthy()[0] !== state; i++) await clock.advance(100);
        return probed() - before;
      };
      world.answer = firstIs(async () => new Response(null, { status: 500 }));
      assertEquals(await until(false), count);
      world.answer = ok;
      assertEquals(await until(true), count);
    });
  }

  test("a bad answer between good ones changes nothing", async () => {
    const { world, clock, healthy } = checks(1, { unhealthy: 2 });
    let turn = 0;
    world.answer = async () => new Response(null, { status: turn++ % 2 ? 500 : 204 });
    await clock.advance(INTERVAL * 10);
    assert(turn > 8);
    assertEquals(healthy(), [true]);
  });

  test("no connection and no answer in time are bad answers too", async () => {
    for (const [broken, reason] of [
      [() => Promise.reject(new Error("connection refused")), "connection refused"],
      [hang, "no answer within 2000 ms"],
    ] as const) {
      const { world, clock, healthy, lines } = checks(2);
      world.answer = firstIs(broken);
      await clock.advance(INTERVAL * 6);
      assertEquals(healthy(), [false, true]);
      assertStringIncludes(String(lines[0]!.fields!.fault), reason);
    }
  });

  test("redirects are good by default, and `statuses` says otherwise", async () => {
    const table: [number[] | undefined, number, boolean][] = [
      [undefined, 302, true],
      [undefined, 404, false],
      [[404], 404, true],
      [[204], 200, false],
    ];
    for (const [statuses, status, good] of table) {
      const { world, clock, healthy } = checks(1, { unhealthy: 1, statuses });
      world.answer = async () => new Response(null, { status });
      await clock.advance(INTERVAL);
      assertEquals(healthy(), [good], `${status} with ${statuses}`);
    }
  });

  test("send the configured host", async () => {
    const { world, clock } = checks(1, { host: "shop.example.org" });
    await clock.advance(INTERVAL);
    assertEquals(world.probes[0]!.init.headers.get("host"), "shop.example.org");
  });

  test("never more than 32 at a time, and nobody is left out", async () => {
    const { world, clock } = checks(500, { timeout: 1000 });
    world.answer = hang;
    await clock.advance(INTERVAL * 6);
    assertEquals(world.mostOpen, 32);
    assertEquals(new Set(world.probes.map(({ address }) => address)).size, 500);
  });

  test("end for an endpoint that left, also the one under way, and begin for one that came", async () => {
    const { world, clock, upstream, lines } = checks(2, { timeout: 60_000 });
    world.answer = firstIs(hang);
    await clock.advance(INTERVAL);
    assertEquals(world.open, 1);
    upstream.set(endpoints(3).slice(1));
    await clock.advance(1000);
    assertEquals(world.open, 0);
    const seen = world.probes.length;
    await clock.advance(INTERVAL * 3);
    const later = new Set(world.probes.slice(seen).map(({ address }) => address));
    assertEquals([...later].sort(), ["10.0.0.2:8080", "10.0.0.3:8080"]);
    assertEquals(lines, []);
  });

  test("of an endpoint that stays go on, also the one under way, when another left", async () => {
    const [first, second] = endpoints(2);
    const { upstream, world, clock, healthy } = checks(2, { unhealthy: 2, timeout: 4000 });
    let aborted = 0;
    world.answer = (address, signal) => {
      if (address !== first!.address) return ok(address, signal);
      signal.addEventListener("abort", () => void aborted++);
      return hang(address, signal);
    };
    await clock.advance(INTERVAL);
    const [before, open] = [aborted, world.open];
    assertEquals(open, 1, "one is under way");
    upstream.set([first!]);
    await clock.advance(1000);
    assertEquals([aborted, world.open], [before, 1]);
    await clock.advance(3 * INTERVAL);
    assertEquals(healthy(), [false], "its bad answers in a row are still counted");
    assertEquals(
      world.probes.filter(({ address, at }) => address === second!.address && at > clock.now() - 3 * INTERVAL),
      [],
    );
  });

  test("stop when told to, without blaming the endpoint of the probe they interrupt", async () => {
    const { world, clock, controller, done, healthy } = checks(1, { unhealthy: 1 });
    world.answer = hang;
    await clock.advance(INTERVAL);
    assertEquals(world.open, 1);
    controller.abort(new Error("shutting down"));
    await done;
    assertEquals([world.open, healthy()], [0, [true]]);
    const asked = world.probes.length;
    await clock.advance(INTERVAL * 3);
    assertEquals(world.probes.length, asked);
  });
});
