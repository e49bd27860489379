import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { listOf, slices, statusOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

describe("a reflector that all goes well for", () => {
  test("lists once, then watches from the list's version with bookmarks and a time limit below Bun's 300 s", async () => {
    const { server, store, source, start, stop } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }, { name: "b" }]);
    await start();
    assertEquals(store.names(), ["default/a", "default/b"]);
    const [watch] = server.watches;
    assertEquals(
      server.lists.map(({ query }) => query),
      [{ limit: "500" }],
    );
    assertEquals(watch!.query.resourceVersion, "10");
    assertEquals(watch!.query.allowWatchBookmarks, "true");
    assertEquals(Number(watch!.query.timeoutSeconds), 265);
    assertEquals(source.status.state, "watching");
    assertEquals(source.status.resourceVersion, "10");
    assertEquals(source.status.lists, { start: 1 });
    await stop();
  });

  test("spreads the time limit of its watches from 240 to 290 s", async () => {
    for (const [random, seconds] of [
      [0, "240"],
      [0.999999, "290"],
    ] as const) {
      const { server, start, stop } = reflectorBench({ random: () => random });
      await start();
      assertEquals(server.watches[0]!.query.timeoutSeconds, seconds);
      await stop();
    }
  });

  test("takes added, changed and deleted objects in, and remembers the version of each", async () => {
    const { server, store, source, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a", resourceVersion: "5" }]);
    await start();
    const [watch] = server.streams;
    watch!.put("ADDED", { name: "b", resourceVersion: "11" });
    watch!.put("MODIFIED", { name: "a", resourceVersion: "12", mark: "new" });
    watch!.put("DELETED", { name: "b", resourceVersion: "13" });
    await clock.settle();
    assertEquals(store.names(), ["default/a"]);
    assertEquals(store.get("default/a")!.mark, "new");
    assertEquals(source.status.resourceVersion, "13");
    assertEquals(source.status.events, 3);
    await stop();
  });

  test("removes an object that a change takes out of the decoder's sight", async () => {
    const { server, store, start, stop, clock } = reflectorBench({
      decode: (object) => ((object as { hidden?: boolean }).hidden ? undefined : (object as never)),
    });
    server.list = () => listOf("10", [{ name: "a" }, { name: "b", hidden: true }]);
    await start();
    assertEquals(store.names(), ["default/a"]);
    server.streams[0]!.put("MODIFIED", { name: "a", resourceVersion: "11", hidden: true });
    await clock.settle();
    assertEquals(store.names(), []);
    await stop();
  });

  test("reads a list of three pages as one atomic replacement", async () => {
    const { server, store, start, stop } = reflectorBench();
    const pages = [
      () => listOf("10", [{ name: "a" }], { continue: "t1" }),
      () => listOf("10", [{ name: "b" }], { continue: "t2" }),
      () => listOf("10", [{ name: "c" }]),
    ];
    server.list = (_, index) => pages[index]!();
    await start();
    assertEquals(
      server.lists.map(({ query }) => query),
      [{ limit: "500" }, { limit: "500", continue: "t1" }, { limit: "500", continue: "t2" }],
    );
    assertEquals(
      store.changes.map(({ kind }) => kind),
      ["replace"],
    );
    assertEquals(store.names(), ["default/a", "default/b", "default/c"]);
    await stop();
  });

  test("watches from the version of a list's first page: what later pages show already is told again", async () => {
    const { server, store, source, start, stop, clock } = reflectorBench();
    const pages = [
      () => listOf("10", [{ name: "a" }], { continue: "t1" }),
      () => listOf("12", [{ name: "b" }], { continue: "t2" }),
      () => listOf("14", [{ name: "c" }]),
    ];
    server.list = (_, index) => pages[index]!();
    await start();
    assertEquals([server.watches[0]?.query.resourceVersion, source.status.resourceVersion], ["10", "10"]);
    server.streams[0]!.put("DELETED", { name: "a", resourceVersion: "11" });
    server.streams[0]!.put("ADDED", { name: "b", resourceVersion: "12" });
    await clock.settle();
    assertEquals(store.names(), ["default/b", "default/c"]);
    await stop();
  });

  test("uses one watch for a collection, however much it holds", async () => {
    const { server, start, stop } = reflectorBench();
    server.list = () =>
      listOf(
        "10",
        Array.from({ length: 200 }, (_, i) => ({ name: `service-${i}` })),
      );
    await start();
    assertEquals(server.requests.length, 2);
    await stop();
  });

  test("falls back to the form the server knows, and stays with it", async () => {
    const beta = { ...slices, groupVersion: "apis/discovery.k8s.io/v1beta1" };
    const { server, store, start, stop, clock } = reflectorBench({ collections: [slices, beta] });
    server.list = ({ url }) =>
      url.pathname.includes("v1beta1/") ? listOf("10", [{ name: "a" }]) : statusOf(404, "NotFound", "page not found");
    await start();
    assertEquals(store.names(), ["default/a"]);
    assertStringIncludes(server.watches[0]!.url.pathname, "/v1beta1/");
    server.streams[0]!.event("ERROR", { code: 410 });
    await clock.settle();
    assertEquals(server.lists.length, 3);
    assertStringIncludes(server.lists[2]!.url.pathname, "/v1beta1/");
    await stop();
  });

  test("says rejected when the server offers none of the forms", async () => {
    const { server, source, start, stop } = reflectorBench();
    server.list = () => statusOf(404, "NotFound", "the server could not find the requested resource");
    await start();
    assertEquals(source.status.state, "rejected");
    assertStringIncludes(source.status.lastError!, "does not offer");
    await stop();
  });

  test("asks the namespaced path, with the label selector on list and watch alike", async () => {
    const { server, start, stop } = reflectorBench({
      collections: [{ ...slices, namespace: "shop", labelSelector: "app=foo" }],
    });
    await start();
    for (const { url, query } of server.requests) {
      assertEquals(url.pathname, "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
      assertEquals(query.labelSelector, "app=foo");
    }
    assertEquals(server.requests.length, 2);
    await stop();
  });
});

describe("run", () => {
  test("ends when its signal aborts, in every state, leaving no timer and no open stream", async () => {
    for (const moment of ["list", "watch", "pause"]) {
      const { server, start, stop, clock } = reflectorBench();
      if (moment === "list") server.list = () => new Promise<Response>(() => {});
      if (moment === "pause") server.list = () => statusOf(500, "InternalError", "away");
      await start();
      await stop();
      await clock.settle();
      assertEquals(clock.pending, 0, moment);
      assert(server.streams.every(({ closed }) => closed));
    }
  });

  test("resumes from the version it had when it is started again", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.list = () => listOf("12345", []);
    await start();
    server.streams[0]!.put("ADDED", { name: "a", resourceVersion: "23456" });
    await clock.settle();
    await stop();
    await start();
    assertEquals(server.lists.length, 1);
    assertEquals(server.watches[1]!.query.resourceVersion, "23456");
    await stop();
  });
});

test("a watch lasts, and pauses grow, as the options say", async () => {
  const seconds = async (watchSeconds?: { min: number; max: number }) => {
    const { server, start, stop } = reflectorBench({ watchSeconds });
    await start();
    await stop();
    return Number(server.watches[0]!.query.timeoutSeconds);
  };
  assertEquals(await seconds({ min: 30, max: 30 }), 30);
  const usual = await seconds();
  assertEquals(usual >= 240 && usual <= 290, true);
  const { server, start, stop, clock } = reflectorBench({ pauses: { min: 100, max: 200 } });
  server.list = () => statusOf(500, "InternalError", "etcd is away");
  await start();
  await clock.advance(10_000);
  assertEquals(server.lists.length > 45, true, `${server.lists.length} lists`);
  await stop();
});
