import { afterEach, beforeEach, describe, test } from "bun:test";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import { createPoller } from "../../src/kubernetes/poller.ts";
import { createReflector } from "../../src/kubernetes/reflector.ts";
import type { ChangeSource, KubernetesObject } from "../../src/kubernetes/types.ts";
import { bunRuntime } from "../../src/platform/bun/runtime.ts";
import { listsByPages, type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { slices } from "../helpers/scripted-apiserver.ts";
import { until } from "../helpers/wait.ts";
import { createStore, recordingLogger } from "./harness.ts";

/** A slice of the service `shop`, as its controller would write it. */
const slice = (name: string, address = "10.0.0.1", namespace = "default"): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace, labels: { "kubernetes.io/service-name": "shop", note: "x" } },
  addressType: "IPv4",
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
});

/** Real time, but pauses after failures are a twentieth: how long they are is tested on a clock that stands still. */
const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

let served: ServedApiserver;
let controller: AbortController;
let ended: Promise<void> | undefined;
beforeEach(async () => {
  served = await serveEmbedded();
  listsByPages(served.api);
  controller = new AbortController();
});
afterEach(async () => {
  controller.abort();
  await ended;
  await served.stop();
});

/** A client of the served apiserver over real sockets, with its receiver. */
function parts() {
  const store = createStore();
  const { logger, lines } = recordingLogger();
  const connection = {
    server: served.url,
    fetch: bunRuntime.clientFetch({ verify: true }),
    credentials: noCredentials,
    files: [],
    refresh: async () => {},
  };
  const api = createApiClient({ connection, logger, clock: systemClock });
  const common = {
    api,
    collections: [slices],
    decode: (object: unknown) => object as KubernetesObject,
    apply: store.apply,
    clock,
    random: Math.random,
    logger,
  };
  return { store, lines, common };
}

function follow(watchIdle = 75_000) {
  const { store, lines, common } = parts();
  const source: ChangeSource = createReflector({ ...common, watchIdle });
  ended = source.run(controller.signal);
  const state = (wanted: string): Promise<unknown> =>
    until(() => source.status.state === wanted, { message: () => `state ${wanted}: ${JSON.stringify(source.status)}` });
  const names = (wanted: string[]): Promise<unknown> =>
    until(() => store.names().join() === wanted.map((name) => `default/${name}`).join(), {
      message: () => `${wanted}: have ${store.names()}, ${JSON.stringify(source.status)}`,
    });
  return { store, lines, source, state, names };
}

const requests = (verb: string): (string | null)[] =>
  served.api.requests.filter((request) => request.verb === verb).map(({ query }) => query.get("resourceVersion"));

describe("a reflector and the embedded apiserver, over sockets", () => {
  test("agree on what there is after a paged list, and after every change", async () => {
    served.api.settings.maxPage = 2;
    served.api.apply(["a", "b", "c", "d", "e"].map((name) => slice(name)));
    const { names, state, source } = follow();
    await names(["a", "b", "c", "d", "e"]);
    await state("watching");
    assertEquals(
      served.api.requests.filter(({ verb }) => verb === "list").map(({ page }) => page),
      [1, 2, 3],
    );
    served.api.apply(slice("f"));
    served.api.remove("EndpointSlice", "default", "a");
    await names(["b", "c", "d", "e", "f"]);
    assertEquals(source.status.resourceVersion, served.api.resourceVersion);
  });

  test("agree when every byte comes in a chunk of its own", async () => {
    served.api.faults.add({ match: { verb: "watch" }, effect: { kind: "rechunk", bytes: 1 } });
    const { names, state } = follow();
    await state("watching");
    served.api.apply({
      ...slice("a"),
      metadata: { name: "a", namespace: "default", annotations: { note: "größe 東京 🚀" } },
    });
    await names(["a"]);
  });

  test("resume from the last version after a lost connection, without a list", async () => {
    served.api.apply([slice("a"), slice("b")]);
    const { names, state } = follow();
    await names(["a", "b"]);
    await state("watching");
    const version = served.api.resourceVersion;
    served.api.openWatches[0]!.break();
    served.api.remove("EndpointSlice", "default", "a");
    await names(["b"]);
    assertEquals(requests("list").length, 1);
    assertEquals(requests("watch").at(-1), version);
  });

  for (const form of ["event", "status"] as const) {
    test(`list again when the version is gone, told by a 410 ${form}`, async () => {
      served.api.settings.gone = form;
      served.api.apply([slice("a"), slice("ghost")]);
      const { names, state, source } = follow();
      await names(["a", "ghost"]);
      await state("watching");
      const old = served.api.resourceVersion;
      served.api.remove("EndpointSlice", "default", "ghost");
      await names(["a"]);
      const refuse = served.api.faults.add({ match: { verb: "watch" }, effect: { kind: "drop" } });
      served.api.openWatches[0]!.break();
      await state("unreachable");
      served.api.apply(slice("b"));
      served.api.remove("EndpointSlice", "default", "a");
      served.api.compact();
      refuse();
      await names(["b"]);
      await state("watching");
      assertEquals(source.status.lists, { start: 1, gone: 1 });
      assertEquals(requests("list"), [null, null]);
      assert(requests("watch").every((version, i, all) => version !== old || all.lastIndexOf(old) === i));
    });
  }

  test("keep the snapshot when page 2 of the relist fails, until a whole one succeeds", async () => {
    served.api.settings.maxPage = 1;
    served.api.apply([slice("a"), slice("b")]);
    const { names, state, store, source } = follow();
    await names(["a", "b"]);
    await state("watching");
    served.api.faults.add({ match: { verb: "list", page: 2 }, times: 2, effect: { kind: "cut", after: 40 } });
    const changes = store.changes.length;
    served.api.remove("EndpointSlice", "default", "a");
    await names(["b"]);
    served.api.apply(slice("c"));
    await names(["b", "c"]);
    served.api.openWatches[0]!.error();
    await until(() => source.status.lastError?.includes("connection lost"), { message: "page 2 failed" });
    assertEquals(store.names(), ["default/b", "default/c"]);
    await until(() => (source.status.lists.gone ?? 0) === 1, { message: "a whole list" });
    assertEquals(store.changes.length, changes + 3);
  });

  test("notice a half-open stream and apply what was missed", async () => {
    served.api.apply(slice("a"));
    const { names, state } = follow(300);
    await names(["a"]);
    await state("watching");
    served.api.openWatches[0]!.freeze();
    served.api.apply(slice("b"));
    await names(["a", "b"]);
    assertEquals(requests("list").length, 1);
  });

  test("survive a page of HTML, half a JSON and a list of another kind with the last good snapshot", async () => {
    served.api.apply(slice("a"));
    const { names, state, source, store } = follow();
    await names(["a"]);
    for (const effect of [{ kind: "html" }, { kind: "truncate" }, { kind: "wrongKind" }] as const) {
      await state("watching");
      const mend = served.api.faults.add({ match: { verb: "list" }, effect });
      served.api.openWatches.at(-1)!.error();
      await until(() => source.status.lastError?.includes("the answer is"), {
        message: () => `${effect.kind}: ${source.status.lastError}`,
      });
      assertEquals(store.names(), ["default/a"]);
      mend();
      await state("watching");
    }
  });

  test("a line of 200 MB ends the stream, not the memory", async () => {
    served.api.apply(slice("a"));
    const { names, source, store, state } = follow();
    await names(["a"]);
    await state("watching");
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const mend = served.api.faults.add({
      match: { verb: "watch" },
      effect: { kind: "hugeLine", bytes: 200 * 1024 * 1024 },
    });
    served.api.openWatches[0]!.break();
    await until(() => source.status.lastError?.includes("the limit is"), {
      message: () => `${source.status.lastError}`,
    });
    mend();
    assertEquals(store.names(), ["default/a"]);
    assertLess(process.memoryUsage.rss() - before, 150 * 1024 * 1024);
    await state("watching");
  });

  test("tell of a missing right, and go on by themselves once it is given", async () => {
    served.api.settings.authorize = () => false;
    served.api.apply(slice("a"));
    const { names, state, source } = follow();
    await state("forbidden");
    assertStringIncludes(source.status.lastError!, "needs a ClusterRole with apiGroups [discovery.k8s.io]");
    served.api.settings.authorize = undefined;
    await names(["a"]);
    await state("watching");
    assertEquals(source.status.lastError, undefined);
  });
});

test("a poller and the embedded apiserver agree within an interval", async () => {
  served.api.settings.maxPage = 1;
  served.api.apply([slice("a"), slice("b")]);
  const { store, common } = parts();
  const poller = createPoller({ ...common, interval: 1000 });
  ended = poller.run(controller.signal);
  await until(() => store.names().length === 2, { message: "the first list" });
  served.api.remove("EndpointSlice", "default", "a");
  await until(() => store.names().join() === "default/b", { message: "the change" });
  const changes = store.changes.length;
  const lists = poller.status.lists.poll!;
  await until(() => poller.status.lists.poll! > lists + 3, { message: "some more polls" });
  assertEquals(store.changes.length, changes);
});
