import { test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { assertEquals } from "@std/assert";
import { startGateway } from "../helpers/gateway-process.ts";
import { until, untilStill } from "../helpers/wait.ts";

/** A pod that says its name, and how it is when asked. */
function pod(name: string) {
  const state = { well: true, probes: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      if (new URL(request.url).pathname !== "/healthz") return new Response(name);
      state.probes++;
      return new Response(null, { status: state.well ? 200 : 503 });
    },
  });
  return { state, node: { host: "127.0.0.1", port: server.port! }, stop: () => server.stop(true) };
}

test("pods whose health check fails get no requests until it succeeds again, across reloads of the config", async () => {
  const pods = [pod("a"), pod("b")];
  const config = (priority: number, active: object | false) => ({
    server: { listen: "127.0.0.1:0", access_log: false },
    admin: false,
    routes: [{ id: "r", priority, nodes: pods.map(({ node }) => node), health: { active } }],
  });
  const active = { path: "/healthz", interval: 100, unhealthy: 1 };
  await using gateway = await startGateway({ config: config(0, active) });
  const answers = async (): Promise<string> => {
    const names = await Promise.all(Array.from({ length: 8 }, async () => (await gateway.fetch("/")).text()));
    return [...new Set(names)].sort().join();
  };
  const come = (expected: string) =>
    until(async () => (await answers()) === expected, { message: async () => `${expected}, found ${await answers()}` });
  const reload = async (next: object): Promise<void> => {
    const before = gateway.stderr.length;
    await writeFile(gateway.configFile, JSON.stringify(next));
    await until(() => gateway.stderr.slice(before).some((line) => line.includes("is in force")), {
      message: () => gateway.stderr.join("\n"),
    });
  };

  await come("a,b");
  pods[0]!.state.well = false;
  await come("b");

  await reload(config(1, active));
  assertEquals(await answers(), "b");

  pods[0]!.state.well = true;
  await come("a,b");

  pods[1]!.state.well = false;
  await come("a");
  await reload(config(1, false));
  await come("a,b");
  await untilStill(() => pods[0]!.state.probes, 300);
  for (const one of pods) await one.stop();
});
