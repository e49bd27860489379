import { test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { Explained } from "../../../src/reports/explain/answer.ts";
import { clusterBlock, slice } from "../../gateway/objects.ts";
import { startPods } from "../../gateway/pods.ts";
import { world } from "../../gateway/support.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";
import { connections, FILES, TELL } from "./support.ts";

test("explain and nodes tell what workers ejected by themselves, and how many of them", async () => {
  await using api = await serveEmbedded();
  await using pods = await startPods(2);
  const ips = pods.all.map(({ ip }) => ip);
  api.api.apply([
    slice("web", ips, pods.port),
    slice("web", ["127.0.0.9"], await closedPort("127.0.0.9"), { suffix: "2" }),
  ]);
  await using gateway = await startGateway({
    config: {
      server: { listen: "127.0.0.1:0", workers: 2 },
      admin: { listen: "127.0.0.1:0" },
      discovery: { kubernetes: clusterBlock(api) },
      routes: [
        {
          id: "web",
          service: "web",
          middleware: [TELL],
          health: { passive: { failures: 1, eject: 60_000 } },
        },
      ],
    },
    files: FILES,
  });
  const explain = async (): Promise<Explained> =>
    (await gateway.admin("/v1/explain?url=/")).json() as Promise<Explained>;
  const before = await explain();
  assertEquals([before.workers, before.services[0]!.nodes.length, before.services[0]!.excluded], [2, 3, []]);
  assertMatch(
    before.verdict.summary,
    /one of 3 nodes of default\/web, unless middleware answers first \(\.\/telling\.ts\)/,
  );

  const [first, second] = [...(await connections(gateway.url)).values()].map(([connection]) => connection!);
  const bad = (told: Explained) => told.services[0]!.nodes.find(({ host }) => host === "127.0.0.9");
  // Each asks for itself: the one that is asked now ejects it, unless the other did while the connections were opened.
  const doubt = await until(
    async () => {
      await first!.ask();
      const told = await explain();
      return bad(told)?.doubt ?? told.services[0]!.excluded[0]?.reason;
    },
    { message: "one worker ejects it" },
  );
  assertMatch(doubt, /^ejected after failed requests by [12] of 2 workers until 20/);
  const excluded = await until(
    async () => {
      await Promise.all([first!.ask(), second!.ask()]);
      const told = await explain();
      return bad(told) === undefined && told.services[0]!.excluded;
    },
    { message: "both workers eject it" },
  );
  assertMatch(excluded[0]!.reason, /by 2 of 2 workers until 20/);
  const { run, stdout } = world();
  assertEquals(await run("explain", "/", "--admin", gateway.adminUrl), 0);
  assertMatch(stdout.join("\n"), /round_robin: each of 2 workers by its own turns[\s\S]*not used +127\.0\.0\.9/);

  const answer = await gateway.admin("/v1/discovery/kubernetes/nodes?service=default/web&verbose=1");
  const { nodes } = (await answer.json()) as { nodes: { host: string; ejection?: { routes: string[] } }[] };
  assertEquals(
    nodes.map(({ host, ejection }) => [host, ejection?.routes]),
    [
      ["127.0.0.2", undefined],
      ["127.0.0.3", undefined],
      ["127.0.0.9", ["web"]],
    ],
  );
  first!.client.close();
  second!.client.close();
});
