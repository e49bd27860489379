import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { closedPort } from "../helpers/closed-port.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { faultProxy } from "../helpers/fault-proxy.ts";
import { until } from "../helpers/wait.ts";
import { oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { logged, type ServedGateway, serve } from "./support.ts";

/** The samples of a gateway's `/metrics`, by what stands before the number. */
async function scrape({ adminUrl }: Pick<ServedGateway, "adminUrl">): Promise<Map<string, number>> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

describe("the metrics of a served gateway", () => {
  test("show an apiserver that fell silent: the age of its last byte rises, and the state leaves `watching`", async () => {
    await using pods = await startPods(1);
    await using api = await serveEmbedded();
    await using proxy = await faultProxy({ port: Number(new URL(api.url).port) });
    api.api.apply(slice("web", [pods.all[0]!.ip], pods.port));
    const service = { schema: "http", host: "127.0.0.1", port: proxy.port };
    await using gateway = await serve(oneCluster(api, [{ service: "web" }], { service, watch_idle: 3000 }));
    const state = (name: string) => `podway_cluster_state{cluster="",state="${name}"}`;
    const age = 'podway_cluster_last_byte_age_seconds{cluster=""}';
    await until(async () => (await scrape(gateway)).get(state("watching")) === 1, { message: "it watches" });

    proxy.set("freeze");
    const ages: number[] = [];
    const silent = await until(
      async () => {
        const now = await scrape(gateway);
        ages.push(now.get(age)!);
        return now.get(state("watching")) === 0 && now;
      },
      { message: () => `the state leaves watching; ages ${ages.join(" ")}`, timeout: 20_000 },
    );
    assertGreater(Math.max(...ages), 2.5, "the silence showed before it was acted on");
    assertEquals(
      ages,
      ages.toSorted((a, b) => a - b),
      "it only rose",
    );
    assertEquals(
      [...silent].filter(([name, value]) => name.startsWith("podway_cluster_state{") && value === 1).length,
      1,
    );
    assertEquals(await (await gateway.fetch("/")).text(), "pod-1", "requests go on");
    await until(async () => (await scrape(gateway)).get('podway_cluster_stale{cluster=""}') === 1, {
      message: "stale",
    });

    proxy.set("pass");
    proxy.cut();
    await until(async () => (await scrape(gateway)).get(state("watching")) === 1, {
      message: "it watches again",
      timeout: 20_000,
    });
    assertEquals((await scrape(gateway)).get('podway_cluster_stale{cluster=""}'), 0);
  });

  test("count relists by their reason, and reconnects", async () => {
    await using api = await serveEmbedded();
    api.api.apply(slice("web", ["10.0.0.1"], 80));
    await using gateway = await serve(oneCluster(api, [{ service: "web" }]));
    const lists = (reason: string) => `podway_cluster_lists_total{cluster="",reason="${reason}"}`;
    const watches = 'podway_cluster_watches_total{cluster=""}';
    await until(async () => (await scrape(gateway)).get(watches) === 1, { message: "it watches" });
    const first = await scrape(gateway);
    assertEquals([first.get(lists("start")), first.get(lists("gone"))], [1, 0]);
    api.api.compact();
    for (const watch of api.api.openWatches) watch.error();
    const relisted = await until(
      async () => {
        const now = await scrape(gateway);
        return now.get(lists("gone")) === 1 && now.get(watches)! > 1 && now;
      },
      { message: "the relist is counted" },
    );
    assertEquals(relisted.get(lists("start")), 1);
  });

  test("have no series that requests could make more of", async () => {
    await using pods = await startPods(1);
    await using gateway = await serve({
      server: { listen: "127.0.0.1:0", access_log: false },
      routes: [{ id: "web", path: "/web", nodes: [{ host: pods.all[0]!.ip, port: pods.port }] }],
    });
    const ask = async (from: number): Promise<void> => {
      for (let i = from; i < from + 20; i++) {
        await gateway.fetch(`/web/${i}`, { headers: { host: `h${i}.test`, "x-request-id": `${i}` } });
        await gateway.fetch(`/nowhere/${i}`);
      }
    };
    await ask(0);
    const before = await scrape(gateway);
    await ask(100);
    const after = await scrape(gateway);
    assertEquals([...after.keys()], [...before.keys()]);
    assertEquals(after.get('podway_requests_total{route="web",service="web",status="2xx"}'), 40);
    assertEquals(after.get('podway_problems_total{route="",service="",code="no_route"}'), 40);
  });

  test("count retries and ejections by route and service, and forget routes that are gone", async () => {
    await using pods = await startPods(1);
    const closed = await closedPort();
    const config = (id: string): object => ({
      routes: [
        {
          id,
          nodes: [
            { host: pods.all[0]!.ip, port: pods.port },
            { host: "127.0.0.1", port: closed },
          ],
          health: { passive: { failures: 1, eject: 60_000 } },
        },
      ],
    });
    await using gateway = await serve(config("first"));
    for (let i = 0; i < 4; i++) assertEquals((await gateway.fetch("/")).status, 200);
    const labels = 'route="first",service="first"';
    const counted = await scrape(gateway);
    assertEquals(
      [
        counted.get(`podway_retries_total{${labels},kind="connect"}`),
        counted.get(`podway_ejections_total{${labels}}`),
        counted.get(`podway_endpoints{${labels}}`),
        counted.get(`podway_endpoints_ejected{${labels}}`),
        counted.get(`podway_upstream_duration_seconds_count{${labels}}`),
        counted.get(`podway_requests_in_flight{${labels}}`),
      ],
      [1, 1, 2, 1, 4, 0],
    );
    assertEquals(counted.get('podway_config_reloads_total{result="ok"}'), 0);
    const hash = counted.get("podway_config_hash");

    await gateway.writeConfig(config("second"));
    await logged(gateway, "The changed config is in force");
    const changed = await scrape(gateway);
    assert(![...changed.keys()].some((name) => name.includes('"first"')));
    assertEquals(changed.get('podway_config_reloads_total{result="ok"}'), 1);
    assert(changed.get("podway_config_hash") !== hash);

    await gateway.writeConfig("routes: nothing");
    await logged(gateway, "stays in force");
    const refused = await scrape(gateway);
    assertEquals(
      [
        refused.get('podway_config_reloads_total{result="failed"}'),
        refused.get("podway_config_last_reload_successful"),
      ],
      [1, 0],
    );
    assertEquals(refused.get("podway_config_hash"), changed.get("podway_config_hash"));
  });
});
