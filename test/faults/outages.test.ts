import { describe, test } from "bun:test";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { createDiscovery } from "../../src/discovery/discovery.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { slice, stage } from "./stage.ts";

const A = "10.1.0.1:8080";
const B = "10.1.0.2:8080";
const C = "10.1.0.3:8080";
const [a, b, c] = [A, B, C].map((node) => node.split(":")[0]!) as [string, string, string];
const QUICK = { bookmarkInterval: 20_000 };
const MINUTE = 60_000;

describe("an apiserver that fails", () => {
  const answers = [
    ["401", { kind: "status", code: 401 }],
    ["403", { kind: "status", code: 403 }],
    ["500", { kind: "status", code: 500 }],
    ["silence", { kind: "stall" }],
    ["an ERROR event", { kind: "errorEvent" }],
    ["garbage", { kind: "garbage" }],
    ["HTML", { kind: "html" }],
    ["a list of another kind", { kind: "wrongKind" }],
    [
      "objects without metadata",
      {
        kind: "status",
        code: 200,
        body: '{"kind":"EndpointSliceList","metadata":{"resourceVersion":"9"},"items":[{}]}',
      },
    ],
  ] as const;
  for (const mode of ["watch", "poll", "request"] as const) {
    test(`whatever it answers, the last good nodes are served, and called stale (mode ${mode})`, async () => {
      for (const [name, effect] of answers) {
        await using on = await stage([slice("s", [a, b])], { settings: { mode, poll_interval: 2000 } });
        const ask = async (): Promise<void> => {
          const asked = on.upstream().refresh();
          await on.clock.advance(35_000);
          await asked;
        };
        if (mode === "request") await ask();
        assertEquals(on.nodes(), [A, B]);
        on.api.faults.add({ effect });
        on.api.compact();
        on.wire.cut();
        if (mode === "request") await ask();
        await on.clock.advance(2 * MINUTE);
        assertEquals(on.nodes(), [A, B], name);
        assertEquals(on.upstream().endpoints().length, 2, name);
        const { stale, lastError, state } = on.cluster.status();
        assertEquals(stale, true, `${name}: ${state}`);
        assertNotEquals(lastError ?? null, null, name);
      }
    });
  }

  test("refusing for a minute sees at most twelve attempts, and Retry-After is honoured", async () => {
    for (const mode of ["watch", "poll", "auto"] as const) {
      await using on = await stage([slice("s", [a])], { settings: { mode, poll_interval: 1000 } });
      on.api.requests.length = 0;
      on.api.faults.add({ effect: { kind: "drop" } });
      on.wire.cut();
      await on.clock.advance(MINUTE);
      assertLessOrEqual(on.api.requests.length, 12, mode);
      assertGreaterOrEqual(on.api.requests.length, 2, mode);
      on.api.faults.clear();
      on.api.faults.add({ times: 1, effect: { kind: "status", code: 429, headers: { "retry-after": "40" } } });
      const before = on.api.requests.length;
      while (on.api.requests.length === before) await on.clock.advance(500);
      const at = on.clock.now();
      while (on.api.requests.length === before + 1) await on.clock.advance(500);
      assertGreaterOrEqual(on.clock.now() - at, 39_000, `${mode}: came back too early`);
    }
  });

  test("or is forbidden stops nobody else: the other cluster syncs and follows as if it were alone", async () => {
    const clock = createFakeClock();
    await using good = await stage([slice("s", [a])], { clock, settings: { id: "good" } });
    await using bad = await stage([slice("s", [b])], { clock, wait: false, settings: { id: "bad", required: false } });
    bad.wire.reach = { kind: "black_hole" };
    const both = createDiscovery({ clusters: [good.cluster, bad.cluster], multi: true });
    await clock.advance(1000);
    assertEquals(both.readiness(), { ready: true, waiting: [] });
    good.api.apply(slice("s", [a, c]));
    await clock.advance(1);
    assertEquals(
      both.query("good/default/web:http").nodes.map(({ host }) => host),
      [a, c],
    );
    assertEquals(both.query("bad/default/web:http").code, "not_synced");
    bad.wire.reach = { kind: "open" };
    bad.api.faults.add({ effect: { kind: "status", code: 403, reason: "Forbidden" } });
    await clock.advance(2 * MINUTE);
    assertEquals(bad.cluster.status().state, "forbidden");
    assertEquals(good.cluster.status().state, "watching");
    bad.api.faults.clear();
    await clock.advance(MINUTE);
    assertEquals(
      both.query("bad/default/web:http").nodes.map(({ host }) => host),
      [b],
    );
  });
});

describe("staleness", () => {
  test("shows: the age rises while nothing comes, the state leaves watching, and relists are counted by reason", async () => {
    await using on = await stage([slice("s", [a])], { apiserver: QUICK });
    await on.clock.advance(21_000);
    assertEquals(on.cluster.status().state, "watching");
    on.wire.stall();
    on.wire.reach = { kind: "black_hole" };
    let last = on.cluster.status().ages.byte ?? 0;
    for (let waited = 0; waited < 6; waited++) {
      await on.clock.advance(20_000);
      const age = on.cluster.status().ages.byte!;
      assertGreater(age, last);
      last = age;
    }
    assertNotEquals(on.cluster.status().state, "watching");
    assertEquals(on.cluster.status().stale, true);
    on.wire.reach = { kind: "open" };
    on.api.compact();
    on.api.apply(slice("s", [b]));
    on.api.compact();
    await on.clock.advance(2 * MINUTE);
    assertEquals([on.cluster.status().state, on.cluster.status().stale, on.nodes()], ["watching", false, [B]]);
    assertEquals(on.cluster.counters().lists, { start: 1, gone: 1 });
  });
});

describe("something between gateway and apiserver that holds watches back", () => {
  test("is noticed: the cluster is polled, says so, and goes back to watching when that works", async () => {
    await using on = await stage([slice("s", [a])], {
      settings: { mode: "auto", poll_interval: 5000 },
      apiserver: QUICK,
    });
    const lift = on.api.faults.add({ match: { verb: "watch" }, effect: { kind: "stall", after: 0 } });
    on.wire.cut();
    let turn = 0;
    while (on.cluster.status().state !== "polling" && turn < 40) {
      on.api.apply(slice("s", turn++ % 2 === 0 ? [a, b] : [a]));
      await on.clock.advance(20_000);
    }
    assertEquals(on.cluster.status().state, "polling");
    assert(on.log.some(({ message }) => message.includes("polling")));
    on.api.apply(slice("s", [c]));
    await on.clock.advance(6000);
    assertEquals(on.nodes(), [C]);
    lift();
    await on.clock.advance(6 * MINUTE);
    assertEquals(on.cluster.status().state, "watching");
  });
});

describe("the request path", () => {
  test("asks the apiserver nothing, and one watch serves 500 routes, also while the apiserver fails", async () => {
    const services = Array.from({ length: 200 }, (_, i) => `svc-${i}`);
    await using on = await stage(services.map((service, i) => slice(service, [`10.2.0.${i + 1}`], { service })));
    const routes = Array.from({ length: 500 }, (_, i) => on.upstream(`default/${services[i % 200]}:http`));
    assertEquals([on.seen("watch").length, on.seen("list").length], [1, 1]);
    on.api.faults.add({ effect: { kind: "status", code: 500 } });
    on.wire.cut();
    await on.clock.advance(1);
    const before = on.api.requests.length;
    for (const route of routes) {
      assertEquals(route.refresh(), undefined);
      assertEquals(route.endpoints().length, 1);
    }
    assertEquals(on.api.requests.length, before);
    on.api.faults.clear();
    await on.clock.advance(MINUTE);
    assertEquals(on.api.openWatches.length, 1);
  });
});

describe("mode poll", () => {
  test("lets 50 first requests share one list, however slow that is, and all get nodes", async () => {
    const clock = createFakeClock();
    await using on = await stage([slice("s", [a])], { clock, wait: false, settings: { mode: "poll" } });
    on.api.faults.add({ match: { verb: "list" }, times: 1, effect: { kind: "delay", ms: 4000 } });
    const upstreams = Array.from({ length: 50 }, () => on.upstream());
    const waiting = Promise.all(upstreams.map((upstream) => upstream.refresh()));
    await clock.advance(4500);
    await waiting;
    assertEquals(
      upstreams.map((upstream) => upstream.endpoints().length),
      Array(50).fill(1),
    );
    assertEquals(on.seen("list").length, 1);
  });

  test("keeps its pace, one list at a time, keeps the last nodes through failures, and swaps nothing that is the same", async () => {
    await using on = await stage([slice("s", [a])], { settings: { mode: "poll", poll_interval: 5000 } });
    const held = on.upstream();
    const first = held.endpoints();
    await on.clock.advance(MINUTE);
    assert(held.endpoints() === first, "nothing changed, and yet it was swapped");
    assertLessOrEqual(Math.abs(on.seen("list").length - 13), 2);
    // Slower than the interval: overruns are skipped, not queued.
    on.wire.flow = { kind: "delay", ms: 7000 };
    const before = on.seen("list").length;
    await on.clock.advance(MINUTE);
    assertLessOrEqual(on.seen("list").length - before, 7);
    on.wire.flow = { kind: "plain" };
    on.api.faults.add({ times: 2, effect: { kind: "garbage" } });
    await on.clock.advance(20_000);
    assertEquals(on.nodes(), [A]);
    on.api.apply(slice("s", [b]));
    await on.clock.advance(5600);
    assertEquals(on.nodes(), [B]);
  });
});

describe("a large cluster", () => {
  test("of 5,000 services and 50,000 endpoints comes in whole through a bad line, and what is the same is not swapped", async () => {
    const clock = createFakeClock();
    const objects = Array.from({ length: 5000 }, (_, i) => {
      const addresses = Array.from({ length: 10 }, (_, j) => `10.${10 + (i >> 8)}.${i & 255}.${j + 1}`);
      return slice(`svc-${i}`, addresses, { service: `svc-${i}` });
    });
    await using on = await stage(objects, { clock, wait: false });
    on.api.faults.add({ match: { verb: "list", page: 4 }, times: 1, effect: { kind: "cut", after: 20_000 } });
    on.api.faults.add({ match: { verb: "list", page: 7 }, times: 1, effect: { kind: "status", code: 500 } });
    await clock.advance(10_000);
    const { services, endpoints } = on.cluster.status();
    assertEquals([services, endpoints], [5000, 50_000]);
    const some = on.upstream("default/svc-4321:http");
    const held = some.endpoints();
    const object = objects[4321] as { metadata: object };
    on.api.apply({ ...object, metadata: { ...object.metadata, annotations: { touched: "yes" } } });
    on.api.compact();
    on.wire.cut();
    await clock.advance(MINUTE);
    assert(some.endpoints() === held);
    assertStringIncludes(JSON.stringify(on.cluster.counters().lists), '"start":1');
  });
});
