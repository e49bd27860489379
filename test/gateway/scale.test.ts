import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { serve } from "./support.ts";

describe("500 routes over 200 services", () => {
  test("use exactly one watch, and requests make no call to the apiserver", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    const service = (index: number): string => `team-${index % 7}/svc-${index}`;
    api.api.apply(Array.from({ length: 200 }, (_, n) => slice(service(n), [n % 2 === 0 ? one : two], pods.port)));
    const routes = Array.from({ length: 500 }, (_, n) => ({ path: `/r${n}`, service: `${service(n % 200)}:http` }));
    await using gateway = await serve(oneCluster(api, routes));
    await until(() => api.api.openWatches.length === 1, { message: "the watch is open" });
    const before = api.api.requests.length;
    const answers: string[] = [];
    for (let from = 0; from < 500; from += 100) {
      const some = Array.from({ length: 100 }, async (_, n) => (await gateway.fetch(`/r${from + n}/x`)).text());
      answers.push(...(await Promise.all(some)));
    }
    assertEquals(
      answers,
      routes.map((_, n) => (n % 2 === 0 ? "pod-1" : "pod-2")),
    );
    const verbs = api.api.requests.map(({ verb }) => verb);
    assertEquals(
      { watches: verbs.filter((verb) => verb === "watch").length, open: api.api.openWatches.length },
      { watches: 1, open: 1 },
    );
    assertEquals(api.api.requests.length, before);
  });
});
