import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { listsByPages } from "../helpers/embedded.ts";
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
