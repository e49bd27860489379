import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { listsByPages, serveEmbedded } from "../helpers/embedded.ts";
import { faultProxy } from "../helpers/fault-proxy.ts";
import { until } from "../helpers/wait.ts";
import { oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { type ServedGateway, serve } from "./support.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
const statusOf = async (gateway: ServedGateway): Promise<any> =>
  (await gateway.admin("/v1/discovery/kubernetes/status")).clusters[0];

const count = async (gateway: ServedGateway, service: string): Promise<number> =>
  (await gateway.admin(`/v1/discovery/kubernetes/nodes?service=${service}`)).nodes.length;

const untilCount = (gateway: ServedGateway, service: string, wanted: number): Promise<boolean> =>
  until(async () => (await count(gateway, service)) === wanted, {
    interval: 10,
    message: async () => `${wanted} nodes of ${service}; the status is ${JSON.stringify(await statusOf(gateway))}`,
  });

describe("requests go on", () => {
  test("while the apiserver cannot be reached, and its changes arrive once it can", async () => {
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    await using api = await serveEmbedded();
    await using proxy = await faultProxy({ port: Number(new URL(api.url).port) });
    api.api.apply([slice("web", [one], pods.port), slice("ghost", ["10.0.0.9"], 80)]);
    const service = { schema: "http", host: "127.0.0.1", port: proxy.port };
    await using gateway = await serve(oneCluster(api, [{ service: "web" }], { service }));
    proxy.set("reset");
    proxy.cut();
    await until(async () => (await statusOf(gateway)).state === "unreachable", { message: "the state says so" });
    api.api.apply(slice("web", [two], pods.port));
    api.api.remove("EndpointSlice", "default", "ghost-1");
    const status = await statusOf(gateway);
    assertEquals([status.stale, typeof status.lastError, status.services], [true, "string", 2]);
    for (let sent = 0; sent < 5; sent++) assertEquals(await (await gateway.fetch("/")).text(), "pod-1");
    assertEquals((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
    proxy.set("pass");
    await until(async () => (await (await gateway.fetch("/")).text()) === "pod-2", { message: "the change arrives" });
    await untilCount(gateway, "default/ghost", 0);
    await until(async () => (await statusOf(gateway)).lastError === null, { message: "all is well again" });
  });

  test("while a watch is half-open, and what it missed arrives after watch_idle", async () => {
    await using api = await serveEmbedded();
    api.api.apply(slice("web", ["10.0.0.1"], 80));
    await using gateway = await serve(oneCluster(api, [], { watch_idle: 1000 }));
    await until(() => api.api.openWatches.length === 1, { message: "the watch is open" });
    const lists = (): number => api.api.requests.filter(({ verb }) => verb === "list").length;
    const listed = lists();
    api.api.openWatches[0]!.freeze();
    api.api.apply(slice("web", ["10.0.0.1", "10.0.0.2"], 80));
    await untilCount(gateway, "default/web", 2);
    assertEquals(lists(), listed, "it resumed from its last version");
  });

  test("while a version is gone: what was deleted meanwhile is gone after the relist", async () => {
    await using api = await serveEmbedded();
    api.api.apply([slice("web", ["10.0.0.1"], 80), slice("ghost", ["10.0.0.9"], 80)]);
    await using gateway = await serve(oneCluster(api, []));
    await until(() => api.api.openWatches.length === 1, { message: "the watch is open" });
    const hold = api.api.faults.add({ match: { verb: "watch" }, effect: { kind: "status", code: 503 } });
    api.api.openWatches[0]!.break();
    api.api.remove("EndpointSlice", "default", "ghost-1");
    api.api.compact();
    assertEquals(await count(gateway, "default/ghost"), 1);
    hold();
    await untilCount(gateway, "default/ghost", 0);
    assertEquals(await count(gateway, "default/web"), 1);
  });

  test("while a relist fails on its second page: nothing is lost until a whole one succeeds", async () => {
    await using api = await serveEmbedded({ maxPage: 3 });
    listsByPages(api.api);
    const services = Array.from({ length: 8 }, (_, n) => `svc-${n}`);
    api.api.apply(services.map((name) => slice(name, ["10.0.0.1"], 80)));
    await using gateway = await serve(oneCluster(api, []));
    await until(() => api.api.openWatches.length === 1, { message: "the watch is open" });
    const release = api.api.faults.add({ match: { verb: "list", page: 2 }, effect: { kind: "status", code: 500 } });
    api.api.apply(slice("svc-0", ["10.0.0.1", "10.0.0.2"], 80));
    await untilCount(gateway, "default/svc-0", 2);
    api.api.compact();
    const fewest = async (): Promise<number> =>
      Math.min(...(await Promise.all(services.map((name) => count(gateway, `default/${name}`)))));
    const failed = (): number => api.api.requests.filter(({ verb, page }) => verb === "list" && page === 2).length;
    const before = failed();
    api.api.openWatches[0]!.error();
    await until(
      async () => {
        assertEquals(await fewest(), 1);
        return failed() > before;
      },
      { interval: 5, message: "the second page is asked for" },
    );
    const { lastError } = await until(
      async () => {
        // That the version is gone is told first.
        const status = await statusOf(gateway);
        return status.lastError?.includes("cannot list endpointslices") && status;
      },
      { interval: 5, message: "the failure is told" },
    );
    assert(lastError.includes("500"), lastError);
    assertEquals(await fewest(), 1);
    release();
    await until(async () => (await statusOf(gateway)).state === "watching", { message: "it watches again" });
    assertEquals(await fewest(), 1);
  });
});
