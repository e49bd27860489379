import { describe, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { assertEquals, assertGreater } from "@std/assert";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { startClients } from "./clients.ts";
import { startPod } from "./pod.ts";

/** A port of this namespace, where nobody else is. */
const PORT = 8080;
const HAND_OVERS = 8;
/** The clients leave the one that starts little of a small machine. */
const START_MS = 60_000;

/** Per namespace. With it, connections that wait in a socket that is closed go over to another of the same port. */
const migrate = (on: boolean): Promise<void> => writeFile("/proc/sys/net/ipv4/tcp_migrate_req", on ? "1" : "0");

/** Restarts a gateway under load, again and again: the next is ready before the one before is told to stop. */
async function restarts(workers: number): Promise<{ answered: number; failures: Record<string, number> }> {
  await using pod = startPod();
  const config = {
    server: { listen: `127.0.0.1:${PORT}`, workers, access_log: false },
    admin: { listen: "127.0.0.1:0" },
    routes: [{ nodes: [pod.node] }],
  };
  const start = (): Promise<GatewayProcess> => startGateway({ config, args: ["--takeover"], timeout: START_MS });
  let gateway = await start();
  const clients = startClients({ port: PORT, keepAlive: 16, fresh: 16 });
  const served = async (): Promise<void> => {
    const before = clients.answered;
    await until(() => clients.answered > before + 500, { timeout: START_MS, message: "the load runs" });
  };
  try {
    for (let round = 0; round < HAND_OVERS; round++) {
      const next = await start();
      await served();
      assertEquals(await gateway.stop(), 0);
      gateway = next;
    }
    await served();
  } finally {
    await clients.stop();
    await gateway.stop();
  }
  return { answered: clients.answered, failures: Object.fromEntries(clients.failures) };
}

describe("a rolling restart on one port, the next gateway ready before the one before stops", () => {
  for (const workers of [1, 2]) {
    test(`refuses and resets no connection with tcp_migrate_req: ${workers} worker${workers === 1 ? "" : "s"}`, async () => {
      await migrate(true);
      const { answered, failures } = await restarts(workers);
      process.stdout.write(
        `${workers} workers, tcp_migrate_req=1: ${answered} answered, ${JSON.stringify(failures)}\n`,
      );
      assertGreater(answered, 10_000);
      assertEquals(failures, {});
    });

    test(`without it loses what waits to be accepted, a few of ten thousand: ${workers} worker${workers === 1 ? "" : "s"}`, async () => {
      await migrate(false);
      const { answered, failures } = await restarts(workers);
      process.stdout.write(
        `${workers} workers, tcp_migrate_req=0: ${answered} answered, ${JSON.stringify(failures)}\n`,
      );
      assertGreater(answered, 10_000);
      const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
      assertGreater(answered * 0.001, failed);
    });
  }
});
