import { describe, test } from "bun:test";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertEquals, assertGreater } from "@std/assert";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { connections, FILES, TELL } from "../server/threads/support.ts";
import { startClients } from "./clients.ts";
import { startPod } from "./pod.ts";

const CHANGES = 100;
/** One change in so many is invalid. */
const INVALID_EVERY = 10;
/** Design: a valid change applies to new requests within this. */
const WITHIN_MS = 1000;

describe("100 config changes under load, one in ten invalid", () => {
  for (const workers of [1, 2]) {
    test(`fail no request, each valid one in force within a second, each invalid one told with its place: ${workers} worker${workers === 1 ? "" : "s"}`, async () => {
      await using pod = startPod();
      const valid = (turn: number): object => ({
        server: { listen: "127.0.0.1:0", workers, access_log: false },
        admin: { listen: "127.0.0.1:0" },
        routes: [
          {
            id: "web",
            nodes: [pod.node],
            middleware: [TELL],
            response_headers: { set: { "x-turn": String(turn) } },
            retries: { attempts: 1 + (turn % 3) },
          },
          ...Array.from({ length: turn % 7 }, (_, i) => ({
            id: `more-${turn}-${i}`,
            path: `/more/${i}`,
            nodes: [pod.node],
          })),
        ],
      });
      await using gateway = await startGateway({ config: valid(0), files: FILES });
      const port = Number(new URL(gateway.url).port);
      const clients = startClients({ port, keepAlive: 6, fresh: 6 });
      const watching = [...(await connections(gateway.url, { workers, each: 2 })).values()].flat();
      /** The turns that the workers are at. */
      const turns = async (): Promise<string> =>
        [
          ...new Set(await Promise.all(watching.map(async ({ client }) => (await client.get("/")).headers["x-turn"]))),
        ].join();
      const replace = async (text: string): Promise<void> => {
        const beside = join(gateway.folder, "next.yaml");
        await writeFile(beside, text);
        await rename(beside, gateway.configFile);
      };

      let current = "0";
      let slowest = 0;
      let told = 0;
      for (let turn = 1; turn <= CHANGES; turn++) {
        const began = performance.now();
        if (turn % INVALID_EVERY === 0) {
          // The line rises with each turn, so that each is told of at a place of its own.
          await replace(`${"# another line\n".repeat(turn)}routes:\n  - path: 5\n`);
          const place = `gateway.yaml:${turn + 2}:11: routes[0].path must be`;
          await until(() => gateway.stderr.some((line) => line.includes(place)), { timeout: 3000, message: place });
          told++;
          assertEquals(await turns(), current);
          continue;
        }
        await replace(JSON.stringify(valid(turn), null, 2));
        current = String(turn);
        await until(async () => (await turns()) === current, { timeout: 3000, interval: 5, message: `turn ${turn}` });
        slowest = Math.max(slowest, performance.now() - began);
      }
      await clients.stop();
      assertEquals(Object.fromEntries(clients.failures), {});
      assertEquals(told, CHANGES / INVALID_EVERY);
      assertGreater(WITHIN_MS, slowest);
      assertEquals(gateway.stderr.filter((line) => line.includes("is in force")).length, CHANGES - told);
      process.stdout.write(
        `${workers} workers: ${clients.answered} answered, slowest change ${slowest.toFixed(0)} ms\n`,
      );
    });
  }
});
