import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { listOf, statusOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

const gone = (): Response => statusOf(410, "Expired", "too old resource version: 10 (20)");

describe("a version that is gone", () => {
  for (const form of ["an HTTP 410", "an ERROR event", "a bare ERROR event", "an ERROR event by its reason"]) {
    test(`told by ${form} leads to a LIST without it, and it is never sent twice`, async () => {
      const { server, store, start, stop, clock } = reflectorBench();
      server.list = (_, index) => listOf(index === 0 ? "10" : "20", [{ name: index === 0 ? "old" : "new" }]);
      server.watch = (request, index) => {
        if (index > 0) return server.stream(request);
        if (form === "an HTTP 410") return gone();
        const answer = server.stream(request);
        const status =
          form === "a bare ERROR event"
            ? { code: 410 }
            : form === "an ERROR event"
              ? { kind: "Status", code: 410, reason: "Gone", message: "too old" }
              : { kind: "Status", reason: "Expired" };
        server.streams[0]!.event("ERROR", status);
        return answer;
      };
      await start();
      await clock.settle();
      assertEquals(
        server.requests.map(({ kind, query }) => [kind, query.resourceVersion]),
        [
          ["list", undefined],
          ["watch", "10"],
          // How may be listed again is asked once.
          ["other", undefined],
          ["list", undefined],
          ["watch", "20"],
        ],
      );
      assertEquals(store.names(), ["default/new"]);
      await stop();
    });
  }

  test("again and again is asked for with growing pauses, not in a tight loop", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.watch = () => gone();
    await start();
    await clock.advance(60_000);
    assertLess(server.lists.length, 14);
    await stop();
  });

  test("in the list's later pages keeps the snapshot until one full list has succeeded", async () => {
    for (const failure of ["410", "500", "reset", "half JSON"]) {
      const { server, store, source, start, stop, clock } = reflectorBench();
      server.list = () => listOf("10", [{ name: "a" }, { name: "b" }]);
      await start();
      const before = store.names();
      let broken = true;
      server.list = ({ query }) => {
        if (query.continue === undefined) return listOf("20", [{ name: "c" }], { continue: "next" });
        if (!broken) return listOf("20", [{ name: "d" }]);
        if (failure === "reset") throw new TypeError("ECONNRESET");
        if (failure === "half JSON") return new Response('{"kind":"EndpointSliceList","items":[{"meta');
        return failure === "410" ? gone() : statusOf(500, "InternalError", "etcd is away");
      };
      server.streams[0]!.event("ERROR", { code: 410 });
      await clock.advance(5000);
      assertGreater(server.lists.length, 3);
      assertEquals(store.names(), before, failure);
      assertEquals(store.changes.length, 1);
      assert(source.status.lastError !== undefined);
      for (const { query } of server.lists) assert(query.resourceVersion !== "10", "the expired version is not sent");
      broken = false;
      await clock.advance(31_000);
      assertEquals(store.names(), ["default/c", "default/d"]);
      await stop();
    }
  });

  test("leads to a replacement: what was deleted meanwhile is gone with the next list", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = (_, index) =>
      index === 0 ? listOf("10", [{ name: "a" }, { name: "ghost" }]) : listOf("30", [{ name: "a" }]);
    await start();
    server.watch = (request, index) => (index === 1 ? gone() : server.stream(request));
    server.streams[0]!.fail();
    await clock.advance(2000);
    assertEquals(store.names(), ["default/a"]);
    await stop();
  });
});

describe("versions across apiservers", () => {
  test("a too large version leads to a list without one, which recovers at once", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = () => listOf("100", [{ name: "a" }]);
    await start();
    server.list = ({ query }) =>
      query.resourceVersion === undefined
        ? listOf("7", [{ name: "b" }])
        : statusOf(504, "Timeout", "Too large resource version: 100, current: 7");
    server.streams[0]!.bytes("garbage\n");
    await clock.advance(2000);
    assertEquals(
      server.lists.slice(1).map(({ query }) => query),
      [{ limit: "500", resourceVersion: "100", resourceVersionMatch: "NotOlderThan" }, { limit: "500" }],
    );
    assertEquals(store.names(), ["default/b"]);
    await stop();
  });

  test("a watch the server calls too large leads to a list without a version", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.list = () => listOf("100", []);
    server.watch = (request, index) =>
      index === 0 ? statusOf(504, "Timeout", "Too large resource version: 100, current: 7") : server.stream(request);
    await start();
    await clock.settle();
    assertEquals(server.lists[1]!.query, { limit: "500" });
    await stop();
  });

  test("a relist asks for nothing older than what was seen, so removed pods do not come back", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }, { name: "removed" }]);
    await start();
    server.streams[0]!.put("DELETED", { name: "removed", resourceVersion: "20" });
    await clock.settle();
    // The other apiserver's cache is at 15: it may only answer who accepts that.
    server.list = ({ query }) =>
      Number(query.resourceVersion ?? 0) > 15
        ? statusOf(500, "InternalError", "not yet")
        : listOf("15", [{ name: "a" }, { name: "removed" }]);
    server.streams[0]!.bytes("garbage\n");
    await clock.advance(20_000);
    assertEquals(server.lists.at(-1)!.query, {
      limit: "500",
      resourceVersion: "20",
      resourceVersionMatch: "NotOlderThan",
    });
    assertEquals(store.names(), ["default/a"]);
    await stop();
  });
});
