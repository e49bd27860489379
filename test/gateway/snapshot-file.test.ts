import { describe, test } from "bun:test";
import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { slice } from "./objects.ts";
import { startPods } from "./pods.ts";

const configOf = (apiserver: string, snapshotFile: string | undefined) => {
  const { hostname: host, port } = new URL(apiserver);
  return {
    server: { listen: "127.0.0.1:0" },
    admin: { listen: "127.0.0.1:0" },
    discovery: {
      kubernetes: [
        {
          id: "one",
          service: { schema: "http", host, port },
          client: { token: "the-token" },
          watch_endpoint_slices: true,
          snapshot_file: snapshotFile,
        },
      ],
    },
    routes: [{ service: "one/default/web" }],
  };
};

describe("a gateway whose apiserver is down from the start", () => {
  test("answers from its snapshot file, and says that it is stale; without the file 503, and /readyz says why", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-snapshot-"));
    const path = join(folder, "snapshot");
    await using pods = await startPods(1);
    const apiserver = await serveEmbedded();
    apiserver.api.apply(slice("web", [pods.all[0]!.ip], pods.port));
    try {
      const first = await startGateway({ config: configOf(apiserver.url, path) });
      assertEquals((await first.fetch("/")).status, 200);
      assertEquals(await first.stop(), 0);
      await apiserver.stop();
      assert(!(await readFile(path, "utf8")).includes("the-token"));

      await using second = await startGateway({ config: configOf(apiserver.url, path) });
      assertEquals((await second.fetch("/")).status, 200);
      assertEquals((await second.admin("/readyz")).status, 200);
      const { clusters } = (await (await second.admin("/v1/discovery/kubernetes/status")).json()) as {
        clusters: { stale: boolean; snapshotFile: { restored: boolean; age: number } }[];
      };
      assertEquals([clusters[0]!.stale, clusters[0]!.snapshotFile.restored], [true, true]);
      assert(clusters[0]!.snapshotFile.age < 60);

      await truncate(path, 300);
      const without = [configOf(apiserver.url, path), configOf(apiserver.url, undefined)];
      const gateways = await Promise.all(without.map((config) => startGateway({ config })));
      for (const gateway of gateways) {
        const answer = await gateway.fetch("/");
        assertEquals([answer.status, ((await answer.json()) as { code: string }).code], [503, "not_synced"]);
        const ready = await gateway.admin("/readyz");
        const text = await ready.text();
        assertEquals(ready.status, 503);
        assertStringIncludes(text, "one");
        assertStringIncludes(text, "connection refused");
      }
      assertStringIncludes(gateways[0]!.stderr.join("\n"), "damaged or cut short");
      await Promise.all(gateways.map((gateway) => gateway.stop()));
    } finally {
      await apiserver.stop().catch(() => {});
      await rm(folder, { recursive: true, force: true });
    }
  });
});
