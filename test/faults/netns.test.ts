import { describe, test } from "bun:test";
import process from "node:process";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { layCable, OWN_NETWORK, type TwoNamespaces } from "./lab/two-namespaces.ts";

/**
 * A gateway at the other end of a cable on which packets vanish. `bun run test:faults` runs this file, in a network
 * namespace of its own.
 */

const WATCH_IDLE_MS = 3000;
const POD_PORT = 8080;
const FIRST = "10.99.0.11";
const SECOND = "10.99.0.12";
const TOKEN = "cable";

const slice = (host: string): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace: "default", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ name: "http", port: POD_PORT, protocol: "TCP" }],
  endpoints: [{ addresses: [host], conditions: { ready: true } }],
});

async function followed(cable: TwoNamespaces) {
  const served = await serveEmbedded({ bookmarkInterval: 1000 }, 0, cable.near);
  const port = Number(new URL(served.url).port);
  const pods = [FIRST, SECOND].map((hostname) =>
    Bun.serve({ hostname, port: POD_PORT, fetch: () => new Response(hostname) }),
  );
  served.api.apply(slice(FIRST));
  const gateway = await startGateway({
    prefix: cable.prefix,
    config: {
      server: { listen: `${cable.far}:0` },
      admin: { listen: `${cable.far}:0`, token: TOKEN },
      discovery: {
        kubernetes: {
          service: { schema: "http", host: cable.near, port: String(port) },
          client: { token: "any" },
          watch_endpoint_slices: true,
          watch_idle: WATCH_IDLE_MS,
        },
      },
      routes: [{ service: "default/web:http" }],
    },
  });
  await until(() => served.api.openWatches.length === 1, { message: "the watch" });
  return {
    api: served.api,
    port,
    answer: async () => (await gateway.fetch("/")).text(),
    watches: () => served.api.requests.filter(({ verb }) => verb === "watch").length,
    async state() {
      const answer = await fetch(`${gateway.adminUrl}/v1/discovery/kubernetes/status`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      return ((await answer.json()) as { clusters: { state: string }[] }).clusters[0]!.state;
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      for (const pod of pods) await pod.stop(true);
      await served.stop();
    },
  };
}

describe.skipIf(process.env[OWN_NETWORK] === undefined)("a connection to the apiserver whose packets vanish", () => {
  test("is noticed within watch_idle, and a change made meanwhile is routed", async () => {
    await using cable = await layCable();
    await using on = await followed(cable);
    assertEquals(await on.answer(), FIRST);
    const connections = await cable.connectionsTo(on.port);
    assertGreater(connections.length, 0);
    await cable.forget(connections, on.port);
    const began = performance.now();
    on.api.apply(slice(SECOND));
    assertEquals(await on.answer(), FIRST, "nothing can have told of it yet");
    await until(async () => (await on.answer()) === SECOND, { timeout: 15_000, message: "the change is routed" });
    assertLess(performance.now() - began, WATCH_IDLE_MS + 2000);
    assertGreater(await cable.vanished(), 0);
    // Still there, as far as this end knows: neither FIN nor RST ever came.
    const left = await cable.connectionsTo(on.port);
    assert(
      connections.some((connection) => left.includes(connection)),
      `${connections} and then ${left}`,
    );
  });

  test("for all connections is survived: the nodes stay, the state says so, and what changed is routed afterwards", async () => {
    await using cable = await layCable();
    await using on = await followed(cable);
    const restore = await cable.blackOut(on.port);
    on.api.apply(slice(SECOND));
    await until(async () => (await on.state()) !== "watching", { timeout: 15_000, message: "the state tells" });
    assertEquals(await on.answer(), FIRST);
    await restore();
    await until(async () => (await on.answer()) === SECOND, { timeout: 60_000, message: "the change is routed" });
  });

  test("is told from a quiet one: with bookmarks only, the stream is never opened anew", async () => {
    await using cable = await layCable();
    await using on = await followed(cable);
    const before = on.watches();
    const end = performance.now() + 4 * WATCH_IDLE_MS;
    await until(() => performance.now() > end, { timeout: 6 * WATCH_IDLE_MS, interval: 500, message: "time to pass" });
    assertEquals([on.watches(), await on.state()], [before, "watching"]);
  });
});
