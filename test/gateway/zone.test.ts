import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { type ServedGateway, serve } from "./support.ts";

/** How many of `count` requests each pod answered. */
async function shares(gateway: ServedGateway, count: number): Promise<Record<string, number>> {
  const shares: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = await (await gateway.fetch("/")).text();
    shares[name] = (shares[name] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(shares).sort());
}

describe("a gateway that knows its zone", () => {
  const hinted = (ip: string, zone: string) => ({
    addresses: [ip],
    conditions: { ready: true },
    zone,
    hints: { forZones: [{ name: zone }] },
  });

  test("sends requests to the pods hinted to it, and to all of them when there is none", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(3);
    const [a, b, c] = pods.all.map(({ ip }) => ip) as [string, string, string];
    api.api.apply(slice("web", [hinted(a, "north"), hinted(b, "south"), hinted(c, "north")], pods.port));
    const config = { ...oneCluster(api, [{ service: "web" }]), server: { zone: "north" } };
    await using gateway = await serve(config);
    assertEquals(await shares(gateway, 20), { "pod-1": 10, "pod-3": 10 });

    api.api.apply(slice("web", [hinted(b, "south"), hinted(c, "east")], pods.port));
    await until(async () => Object.keys(await shares(gateway, 4)).join() === "pod-2,pod-3", {
      message: "pods of other zones answer",
    });
  });
});

test("the annotation podway.dev/weight decides how many requests a pod gets, from its change on", async () => {
  await using api = await serveEmbedded();
  await using pods = await startPods(2);
  const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
  const weighted = (suffix: string, ip: string, weight: string) =>
    slice("web", [ip], pods.port, {
      suffix,
      metadata: {
        name: `web-${suffix}`,
        labels: { "kubernetes.io/service-name": "web" },
        annotations: { "podway.dev/weight": weight },
      },
    });
  api.api.apply(weighted("a", one, "1"));
  api.api.apply(weighted("b", two, "4"));
  await using gateway = await serve(oneCluster(api, [{ service: "web" }]));
  assertEquals(await shares(gateway, 20), { "pod-1": 4, "pod-2": 16 });
  api.api.apply(weighted("b", two, "0"));
  await until(async () => JSON.stringify(await shares(gateway, 5)) === '{"pod-1":5}', {
    message: "only the pod with weight is asked",
  });
});
