import { describe, test } from "bun:test";
import { assert, assertEquals, assertLessOrEqual, assertRejects, assertStringIncludes } from "@std/assert";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { listOf, slices, statusOf } from "../helpers/scripted-apiserver.ts";
import { pollerBench } from "./harness.ts";

describe("a poller", () => {
  test("lists at its interval, and never asks for an older state than it has", async () => {
    const { server, store, source, start, stop, clock } = pollerBench();
    server.list = (_, index) => listOf(`${index + 1}`, [{ name: `n${index}`, resourceVersion: `${index}` }]);
    await start();
    assertEquals(source.status.state, "polling");
    await clock.advance(10_000);
    assertEquals(store.names(), ["default/n2"]);
    assertEquals(
      server.lists.map(({ query }) => query),
      [
        { limit: "500" },
        { limit: "500", resourceVersion: "1", resourceVersionMatch: "NotOlderThan" },
        { limit: "500", resourceVersion: "2", resourceVersionMatch: "NotOlderThan" },
      ],
    );
    assertEquals(source.status.lists, { poll: 3 });
    assertEquals(server.watches.length, 0);
    await stop();
    assertEquals(clock.pending, 0);
  });

  test("spreads its interval by a tenth both ways", async () => {
    for (const [random, wait] of [
      [0, 4500],
      [0.9999999, 5500],
    ] as const) {
      const { server, start, stop, clock } = pollerBench({ random: () => random });
      await start();
      await clock.advance(wait - 10);
      assertEquals(server.lists.length, 1);
      await clock.advance(20);
      assertEquals(server.lists.length, 2);
      await stop();
    }
  });

  test("disturbs nobody when nothing changed", async () => {
    const { server, store, start, stop, clock } = pollerBench();
    let version = "1";
    server.list = (_, index) => listOf(`${100 + index}`, [{ name: "a", resourceVersion: version }]);
    await start();
    await clock.advance(30_000);
    assertEquals(store.changes.length, 1);
    version = "2";
    await clock.advance(5000);
    assertEquals(store.changes.length, 2);
    await stop();
  });

  test("sees every list as a change where objects carry no version", async () => {
    const { server, store, start, stop, clock } = pollerBench();
    server.list = () => listOf("1", [{ name: "a" }]);
    await start();
    await clock.advance(5000);
    assertEquals(store.changes.length, 2);
    await stop();
  });

  test("skips the polls that a slow list overran instead of queueing them", async () => {
    const { server, start, stop, clock } = pollerBench();
    const starts: number[] = [];
    server.list = async (_, index) => {
      starts.push(clock.now());
      if (index === 1) await clock.sleep(12_000);
      return listOf("1", []);
    };
    await start();
    await clock.advance(40_000);
    assertEquals(
      starts.slice(1).map((time, i) => time - starts[i]!),
      [5000, 15_000, 5000, 5000, 5000, 5000],
    );
    await stop();
  });

  test("keeps the last good list through every kind of failure, and says what is wrong", async () => {
    const failures: [() => Response, string][] = [
      [() => statusOf(500, "InternalError", "away"), "unreachable"],
      [() => statusOf(403, "Forbidden", "no"), "forbidden"],
      [() => statusOf(401, "Unauthorized", "no"), "unauthorized"],
      [() => statusOf(410, "Expired", "gone"), "syncing"],
      [() => new Response("<html>"), "unreachable"],
      [() => listOf("9", [], { kind: "PodList" }), "unreachable"],
    ];
    for (const [answer, state] of failures) {
      const { server, store, source, start, stop, clock } = pollerBench();
      server.list = () => listOf("1", [{ name: "a" }]);
      await start();
      server.list = answer;
      await clock.advance(60_000);
      assertEquals(store.names(), ["default/a"]);
      assertEquals(source.status.state, state as never);
      assert(source.status.lastError !== undefined);
      server.list = () => listOf("2", [{ name: "b" }]);
      await clock.advance(31_000);
      assertEquals(store.names(), ["default/b"]);
      assertEquals(source.status.lastError, undefined);
      await stop();
    }
  });

  test("lets a failing apiserver see no more than 12 attempts a minute, refreshes included", async () => {
    const { server, source, start, stop, clock } = pollerBench();
    server.list = () => statusOf(503, "Unavailable", "away");
    await start();
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000);
      await source.refresh().catch(() => {});
    }
    assertLessOrEqual(server.lists.length, 12);
    await stop();
  });

  test("answers 50 that ask at once with one LIST", async () => {
    const { server, store, source, clock } = pollerBench();
    server.list = async () => {
      await clock.sleep(100);
      return listOf("1", [{ name: "a" }]);
    };
    const asked = Promise.all(Array.from({ length: 50 }, () => source.refresh()));
    await clock.advance(100);
    await asked;
    assertEquals(server.lists.length, 1);
    assertEquals(store.names(), ["default/a"]);
  });

  test("stops only the wait of a caller that gives up", async () => {
    const { server, store, source, clock } = pollerBench();
    server.list = async () => {
      await clock.sleep(100);
      return listOf("1", [{ name: "a" }]);
    };
    const controller = new AbortController();
    const impatient = assertRejects(() => source.refresh(controller.signal), RangeError);
    const patient = source.refresh();
    controller.abort(new RangeError("enough"));
    await impatient;
    await clock.advance(100);
    await patient;
    assertEquals(store.names(), ["default/a"]);
  });

  test("tells who refreshes what went wrong, at once while the pause lasts", async () => {
    const { server, source, clock } = pollerBench();
    server.list = () => statusOf(403, "Forbidden", "no");
    const first = await assertRejects(() => source.refresh(), ApiError);
    assertStringIncludes(first.message, "needs a ClusterRole");
    assertEquals(await assertRejects(() => source.refresh(), ApiError), first);
    assertEquals(server.lists.length, 1);
    server.list = () => listOf("1", []);
    await clock.advance(1000);
    await source.refresh();
    assertEquals(source.status.state, "polling");
  });

  test("starts over without a version when the apiserver does not know it", async () => {
    const { server, store, start, stop, clock } = pollerBench();
    server.list = ({ query }) =>
      query.resourceVersion === undefined
        ? listOf("100", [{ name: "a" }])
        : statusOf(504, "Timeout", "Too large resource version: 100, current: 7");
    await start();
    await clock.advance(5000);
    assertEquals(server.lists.length, 3);
    assertEquals(server.lists[2]!.query, { limit: "500" });
    assertEquals(store.names(), ["default/a"]);
    await stop();
  });

  test("falls back to the form the server knows", async () => {
    const beta = { ...slices, groupVersion: "apis/discovery.k8s.io/v1beta1" };
    const { server, store, start, stop, clock } = pollerBench({ collections: [slices, beta] });
    server.list = ({ url }) =>
      url.pathname.includes("v1beta1") ? listOf("1", [{ name: "a" }]) : statusOf(404, "NotFound", "no such page");
    await start();
    await clock.advance(5000);
    assertEquals(store.names(), ["default/a"]);
    assertEquals(server.lists.length, 3);
    await stop();
  });

  test("ends at once when its signal aborts in the middle of a list", async () => {
    const { server, start, stop, clock } = pollerBench();
    server.list = () => new Promise<Response>(() => {});
    await start();
    await stop();
    await clock.settle();
    assertEquals(clock.pending, 0);
  });
});
