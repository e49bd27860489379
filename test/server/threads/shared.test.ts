import { describe, test } from "bun:test";
import { assertEquals, assertGreater, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { clusterBlock, slice } from "../../gateway/objects.ts";
import { startPods } from "../../gateway/pods.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";
import { connections, counter, FILES, TELL } from "./support.ts";

const SERVER = { listen: "127.0.0.1:0", workers: 2, access_log: false };
const ADMIN = { listen: "127.0.0.1:0" };

describe("with several workers", () => {
  test("pods are probed from one place, and every worker, new ones too, goes by what was found", async () => {
    const state = { well: true, probes: 0 };
    await using pods = await startPods(2, {
      answer(request, pod) {
        if (new URL(request.url).pathname !== "/healthz") return new Response(pod);
        if (pod !== "pod-1") return new Response();
        state.probes++;
        return new Response(null, { status: state.well ? 200 : 503 });
      },
    });
    const nodes = pods.all.map(({ ip, port }) => ({ host: ip, port }));
    const active = { path: "/healthz", interval: 200, unhealthy: 1 };
    const config = { server: SERVER, admin: ADMIN, routes: [{ nodes, health: { active }, middleware: [TELL] }] };
    await using gateway = await startGateway({ config, files: FILES });
    const open = [...(await connections(gateway.url, { each: 2 })).values()].flat();
    const answers = async (of = open): Promise<string> => {
      const all: string[] = [];
      for (let i = 0; i < 4; i++) all.push(...(await Promise.all(of.map(({ ask }) => ask()))));
      return [...new Set(all.map((answer) => answer.split(" ").at(-1)))].sort().join();
    };
    assertEquals(await answers(), "pod-1,pod-2");
    const [probes, began] = [state.probes, performance.now()];
    await until(() => state.probes > probes + 5, { message: "probes come" });
    assertGreater(performance.now() - began, 5 * 200 * 0.8, "as often as from one thread");
    state.well = false;
    await until(async () => (await answers()) === "pod-2", { message: "no worker sends to it" });
    // One that takes another's place knows too.
    open[0]!.client.send("GET / HTTP/1.1\r\nhost: gateway.test\r\nx-die: exit\r\n\r\n");
    await until(() => gateway.stderr.some((line) => line.includes("another takes its place")), { message: "it died" });
    const after = [...(await connections(gateway.url, { each: 2 })).values()].flat();
    assertEquals(await answers(after), "pod-2");
    state.well = true;
    await until(async () => (await answers(after)) === "pod-1,pod-2", { message: "both serve again" });
  });

  test("mode request asks the apiserver from one place, and every worker has the answer", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    api.api.apply(slice("web", [one], pods.port));
    const kubernetes = clusterBlock(api, { mode: "request" });
    const config = {
      server: SERVER,
      admin: ADMIN,
      discovery: { kubernetes },
      routes: [{ service: "web", middleware: [TELL] }],
    };
    await using gateway = await startGateway({ config, files: FILES });
    const open = [...(await connections(gateway.url)).values()].flat();
    for (const { ask } of open) assertStringIncludes(await ask(), "200 pod-1");
    api.api.apply(slice("web", [two], pods.port));
    for (const { ask } of open) assertStringIncludes(await ask(), "200 pod-2");
    assertEquals(api.api.openWatches.length, 0);
  });

  test("an address that fails is ejected by each worker for itself, and the admin API tells which", async () => {
    await using pods = await startPods(1);
    const [pod] = pods.all;
    const nodes = [
      { host: "127.0.0.1", port: await closedPort() },
      { host: pod!.ip, port: pod!.port },
    ];
    const health = { passive: { failures: 1, eject: 60_000 } };
    const config = { server: SERVER, admin: ADMIN, routes: [{ id: "r", nodes, health, middleware: [TELL] }] };
    await using gateway = await startGateway({ config, files: FILES });
    const open = await connections(gateway.url);
    for (const { ask } of [...open.values()].flat()) {
      for (let i = 0; i < 6; i++) assertStringIncludes(await ask(), "200 pod-1");
    }
    assertGreaterOrEqual(await counter(gateway, "podway_ejections_total"), 2);
  });
});
