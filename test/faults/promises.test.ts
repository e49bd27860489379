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
import { listsByPages } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { slice, stage } from "./stage.ts";

const A = "10.1.0.1:8080";
const B = "10.1.0.2:8080";
const C = "10.1.0.3:8080";
const [a, b, c] = [A, B, C].map((node) => node.split(":")[0]!) as [string, string, string];
const QUICK = { bookmarkInterval: 20_000 };
const MINUTE = 60_000;

describe("a watch", () => {
  test("that is half open is noticed within watch_idle, and what changed meanwhile is routed", async () => {
    await using on = await stage([slice("s", [a])], { apiserver: QUICK });
    on.wire.stall();
    on.api.apply(slice("s", [a, b]));
    await on.clock.advance(75_000 - 1000);
    assertEquals(on.nodes(), [A]);
    await on.clock.advance(2000);
    assertEquals(on.nodes(), [A, B]);
    assertEquals(on.seen("list").length, 1);
  });

  test("that only crawls, byte by byte with pauses just below the limit, is left alone", async () => {
    await using on = await stage([slice("s", [a])], {
      settings: { watch_idle: 30_000 },
      apiserver: { bookmarkInterval: 20_000 },
    });
    on.wire.flow = { kind: "delay", ms: 5000 };
    await on.clock.advance(2.5 * MINUTE);
    assertEquals(on.seen("watch").length, 1);
    on.wire.flow = { kind: "throttle", bytes: 60, ms: 3000 };
    on.api.apply(slice("s", [a, b]));
    await on.clock.advance(45_000);
    assertEquals([on.seen("watch").length, on.nodes()], [1, [A, B]]);
  });

  test("of a quiet namespace lives 20 minutes of late bookmarks without a list, an error or a swap", async () => {
    await using on = await stage([slice("s", [a])], { apiserver: { bookmarkInterval: MINUTE } });
    on.wire.flow = { kind: "delay", ms: 9000 };
    const reader = on.upstream();
    const held = reader.endpoints();
    await on.clock.advance(20 * MINUTE);
    assertEquals(on.seen("list").length, 1);
    assert(reader.endpoints() === held, "nothing changed, and yet it was swapped");
    assertEquals(
      on.log.filter(({ level }) => level === "warn" || level === "error"),
      [],
    );
    for (const { query } of on.seen("watch")) {
      const seconds = Number(query.get("timeoutSeconds"));
      assert(seconds >= 240 && seconds <= 290, `timeoutSeconds=${seconds}`);
    }
  });

  test("that ends in order again and again is resumed within a second, without a list and without an error", async () => {
    await using on = await stage([slice("s", [a])], { apiserver: QUICK });
    for (let round = 0; round < 20; round++) {
      await on.clock.advance(6000);
      for (const watch of [...on.api.openWatches]) watch.end();
      on.api.apply(slice("s", round % 2 === 0 ? [a, b] : [a]));
      await on.clock.advance(1000);
      assertEquals(on.nodes(), round % 2 === 0 ? [A, B] : [A]);
      assertEquals(on.api.openWatches.length, 1);
    }
    assertEquals(on.seen("list").length, 1);
    assertEquals(
      on.log.filter(({ level }) => level !== "debug"),
      [],
    );
  });

  for (const gone of ["event", "status"] as const) {
    test(`whose version is gone, told as ${gone}, lists next, and never sends that version again, though lists fail too`, async () => {
      await using on = await stage([slice("s", [a])], { apiserver: { ...QUICK, gone } });
      listsByPages(on.api);
      on.wire.stall();
      on.api.apply(slice("s", [a, b]));
      on.api.compact();
      on.api.faults.add({ match: { verb: "list" }, times: 3, effect: { kind: "status", code: 503 } });
      const expired = on.seen("watch")[0]!.query.get("resourceVersion");
      await on.clock.advance(76_000);
      const again = on.seen("watch").filter(({ query }) => query.get("resourceVersion") === expired);
      assertEquals(again.length, 2, "the first stream, and the one that learned that it is gone");
      await on.clock.advance(2 * MINUTE);
      assertEquals(on.nodes(), [A, B]);
      const later = on.api.requests.slice(on.api.requests.lastIndexOf(again[1]!) + 1);
      assertEquals(later.find(({ path }) => path !== "/version")!.verb, "list");
      for (const { query } of later) assertNotEquals(query.get("resourceVersion"), expired);
    });
  }

  test("that died with its server leaves no pod behind that was deleted meanwhile", async () => {
    await using on = await stage([slice("s-1", [a]), slice("s-2", [b]), slice("s-3", [c])]);
    on.wire.reach = { kind: "refuse" };
    on.wire.cut();
    await on.clock.advance(10_000);
    on.api.remove("EndpointSlice", "default", "s-2");
    on.api.compact();
    on.wire.reach = { kind: "open" };
    await on.clock.advance(40_000);
    assertEquals(on.nodes(), [A, C]);
    assertEquals(on.sightings.slice(-2), [`${A} ${B} ${C}`, `${A} ${C}`]);
  });

  test("cut in the middle of an event, and inside a character, yields each event once", async () => {
    await using on = await stage([slice("s", [a])], { apiserver: QUICK });
    const notes = "Größe 端点 🚦".repeat(20);
    for (let cut = 1; cut < 120; cut += 7) {
      on.api.faults.add({ match: { verb: "watch" }, times: 1, effect: { kind: "cut", after: cut } });
      on.wire.cut();
      await on.clock.advance(1);
      on.wire.flow = { kind: "rechunk", bytes: 1 + (cut % 5) };
      const object = slice("s", cut % 2 === 1 ? [a, b] : [a]) as { metadata: object };
      on.api.apply({ ...object, metadata: { ...object.metadata, annotations: { notes: `${notes}${cut}` } } });
      await on.clock.advance(35_000);
      assertEquals(on.nodes(), cut % 2 === 1 ? [A, B] : [A]);
    }
    assertEquals(on.seen("list").length, 1, "a cut line is replayed, not listed for");
  });
});

describe("a list", () => {
  const effects = [
    ["410", { kind: "status", code: 410, reason: "Expired" }],
    ["500", { kind: "status", code: 500 }],
    ["a reset", { kind: "cut", after: 30 }],
    ["half a page", { kind: "truncate" }],
    ["a stall", { kind: "stall", after: 10 }],
  ] as const;
  for (const [name, effect] of effects) {
    test(`whose second page is ${name} leaves the nodes as they were until a whole one came`, async () => {
      await using on = await stage([slice("s-1", [a]), slice("s-2", [b]), slice("s-3", [c])], {
        apiserver: { maxPage: 1 },
      });
      on.api.faults.add({ match: { verb: "list", page: 2 }, times: 2, effect });
      on.api.compact();
      on.api.apply(slice("s-1", ["10.1.0.9"]));
      on.api.compact();
      on.wire.cut();
      await on.clock.advance(3 * MINUTE);
      assertEquals(on.nodes(), [B, C, "10.1.0.9:8080"]);
      assertEquals(on.sightings, ["", `${A} ${B} ${C}`, `${B} ${C} 10.1.0.9:8080`]);
    });
  }

  test("of a version the server does not know yet is asked again without it, and recovers at the first retry", async () => {
    await using on = await stage([slice("s", [a])], { settings: { mode: "poll", poll_interval: 5000 } });
    on.wire.lag(0);
    on.api.apply(slice("s", [a, b]));
    on.wire.catchUp();
    await on.clock.advance(6000);
    assertEquals(on.nodes(), [A, B]);
    on.wire.lag(1);
    const before = on.seen("list").length;
    on.api.apply(slice("s", [b]));
    await on.clock.advance(6000);
    assertEquals(on.nodes(), [B]);
    const asked = on.seen("list").slice(before);
    // The 504 came from the cache in front; what reached the storage behind it names no version.
    assertEquals(asked[0]!.query.get("resourceVersion"), null);
  });

  test("from an apiserver that lags behind brings no removed pod back", async () => {
    await using on = await stage([slice("s-1", [a]), slice("s-2", [b])], { apiserver: QUICK });
    on.api.remove("EndpointSlice", "default", "s-2");
    await on.clock.advance(1);
    assertEquals(on.nodes(), [A]);
    // The other apiserver still has both, and answers whoever does not insist on newer.
    on.wire.lag(1);
    on.wire.cut();
    for (const watch of [...on.api.openWatches])
      watch.error({ kind: "Status", status: "Failure", code: 500, message: "leader changed" });
    await on.clock.advance(2 * MINUTE);
    on.wire.catchUp();
    on.api.apply(slice("s-3", [c]));
    await on.clock.advance(2 * MINUTE);
    assertEquals(on.nodes(), [A, C]);
    assertEquals(on.sightings, ["", `${A} ${B}`, A, `${A} ${C}`]);
  });

  for (const way of ["pages", "a stream"]) {
    test(`made anew as ${way} for a service of three slices, slowly, shows no reader fewer addresses than before or after`, async () => {
      await using on = await stage([slice("s-1", [a]), slice("s-2", [b]), slice("s-3", [c])], {
        apiserver: { maxPage: 1 },
      });
      if (way === "pages") listsByPages(on.api);
      for (let round = 0; round < 5; round++) {
        on.wire.flow = { kind: "throttle", bytes: 50, ms: 30 };
        on.api.compact();
        on.api.apply(slice("s-9", [], { service: "other" }));
        on.api.compact();
        on.wire.cut();
        await on.clock.advance(50_000);
      }
      const streamed = on.seen("watch").filter(({ query }) => query.has("sendInitialEvents"));
      assertEquals([on.seen("list").length, streamed.length], way === "pages" ? [7, 0] : [3, 1]);
      assertEquals(on.sightings, ["", `${A} ${B} ${C}`]);
    });
  }
});

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
