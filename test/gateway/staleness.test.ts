import { test } from "bun:test";
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { oneCluster, slice } from "./objects.ts";
import { serve } from "./support.ts";

/** The sample of a metric with these labels, in Prometheus text. */
function sample(text: string, name: string, labels: string): number {
  const line = text.split("\n").find((one) => one.startsWith(`${name}{`) && one.includes(labels));
  if (line === undefined) throw new Error(`no ${name} with ${labels} in\n${text}`);
  return Number(line.slice(line.lastIndexOf(" ") + 1));
}

test("a frozen apiserver shows in /metrics: ages rise, the state leaves watching, and relists have reasons (users-ask 37)", async () => {
  await using api = await serveEmbedded();
  api.api.apply(slice("web", ["10.0.0.1"], 80));
  await using gateway = await serve(oneCluster(api, [{ service: "web" }], { watch_idle: 1000 }));
  const metrics = async (): Promise<string> => (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const state = (text: string, name: string): number => sample(text, "podway_cluster_state", `state="${name}"`);
  const ageOf = (text: string): number => sample(text, "podway_cluster_last_byte_age_seconds", 'cluster=""');
  await until(async () => state(await metrics(), "watching") === 1, { message: "it watches" });

  const thaw = api.api.faults.add({ match: {}, effect: { kind: "drop" } });
  for (const watch of api.api.openWatches) watch.freeze();
  const ages: number[] = [];
  await until(
    async () => {
      const text = await metrics();
      ages.push(ageOf(text));
      return state(text, "watching") === 0 && ages.at(-1)! > 1;
    },
    { timeout: 40_000, message: async () => `the state leaves watching:\n${await metrics()}` },
  );
  assertEquals(
    ages,
    ages.toSorted((a, b) => a - b),
    "the age only rises",
  );
  assertGreater(ages.at(-1)!, 1);
  const frozen = await metrics();
  assertEquals(sample(frozen, "podway_cluster_stale", 'cluster=""'), 1);
  assertEquals(sample(frozen, "podway_cluster_endpoints", 'cluster=""'), 1, "the last good snapshot is still served");

  thaw();
  await until(async () => state(await metrics(), "watching") === 1, { timeout: 40_000, message: "it watches again" });
  assertEquals(sample(await metrics(), "podway_cluster_lists_total", 'reason="start"'), 1);
  api.api.compact();
  for (const watch of api.api.openWatches) watch.error();
  await until(async () => sample(await metrics(), "podway_cluster_lists_total", 'reason="gone"') === 1, {
    message: "the relist is counted by its reason",
  });
  assertMatch(await metrics(), /podway_cluster_watches_total\{cluster=""\} [2-9]/);
});
