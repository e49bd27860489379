import { describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { clusterBlock, slice } from "../gateway/objects.ts";
import { startPods } from "../gateway/pods.ts";
import { serve } from "../gateway/support.ts";
import { closedPort } from "../helpers/closed-port.ts";
import { DEPLOY, dashboardQueries } from "../helpers/deploy-files.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";

const RULES = join(DEPLOY, "prometheus/podway.rules.yaml");
/** How long Prometheus looks on. */
const MINUTE = 60_000;
/** Between two requests of the traffic, milliseconds. */
const PACE_MS = 20;

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Runs promtool; its words where it is not content. */
async function promtool(args: string[], input = ""): Promise<{ code: number; words: string }> {
  const child = Bun.spawn(["promtool", ...args], { stdin: new Blob([input]), stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, words: (out + err).trim() };
}

/** A Prometheus that scrapes these addresses every second, with our alert rules. */
async function startPrometheus(targets: string[]) {
  const folder = await mkdtemp(join(tmpdir(), "podway-prometheus-"));
  const port = await closedPort();
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [RULES],
    scrape_configs: [{ job_name: "podway", static_configs: [{ targets }] }],
  };
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(config));
  const child = Bun.spawn(
    [
      "prometheus",
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  const url = `http://127.0.0.1:${port}`;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  const api = async (path: string): Promise<any> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as {
      status: string;
      error?: string;
      data: unknown;
    };
    assertEquals([path, answer.status, answer.error], [path, "success", undefined]);
    return answer.data;
  };
  await until(async () => (await fetch(`${url}/-/ready`)).ok, { message: "Prometheus is ready", timeout: 30_000 });
  return {
    api,
    query: async (expr: string): Promise<Sample[]> => (await api(`query?query=${encodeURIComponent(expr)}`)).result,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** A query as Grafana would send it with every variable at "All". */
const asGrafana = (expr: string): string =>
  expr.replaceAll("$__rate_interval", "30s").replace(/\$(?:job|instance|route|cluster)\b/g, ".*");

describe("promtool", () => {
  test("finds nothing about the alert rules, and each of them fires for what it is about", async () => {
    const checked = await promtool(["check", "rules", "--lint-fatal", RULES]);
    assertEquals(checked.code, 0, checked.words);
    const tested = await promtool(["test", "rules", join(import.meta.dir, "podway.rules.test.yaml")]);
    assertEquals(tested.code, 0, tested.words);
  });

  test("finds nothing about the scrape config", async () => {
    const checked = await promtool(["check", "config", join(DEPLOY, "prometheus/prometheus.yaml")]);
    assertEquals(checked.code, 0, checked.words);
  });
});

describe("a real Prometheus", () => {
  test("scrapes a gateway with traffic for a minute and answers every query of the dashboard", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2, {
      answer: async (request) => {
        await Bun.sleep(8);
        return new Response("ok", { status: request.url.endsWith("/fails") ? 500 : 200 });
      },
    });
    api.api.apply(
      slice(
        "web",
        pods.all.map(({ ip }) => ip),
        pods.port,
      ),
    );
    await using gateway = await serve({
      discovery: { kubernetes: clusterBlock(api) },
      routes: [
        { id: "web", path: "/web", service: "default/web:http" },
        { id: "gone", path: "/gone", nodes: [{ host: "127.0.0.1", port: await closedPort() }] },
      ],
    });
    await using prometheus = await startPrometheus([new URL(gateway.adminUrl).host]);

    let sent = 0;
    const until_ = performance.now() + MINUTE;
    while (performance.now() < until_) {
      // Of ten requests one fails in the pod, one finds no pod, one no route.
      const path = sent % 10 === 1 ? "/web/fails" : sent % 10 === 2 ? "/gone" : sent % 10 === 3 ? "/nowhere" : "/web";
      await (await gateway.fetch(path)).text();
      sent++;
      await Bun.sleep(PACE_MS);
    }

    const exposed = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const checked = await promtool(["check", "metrics"], exposed);
    assertEquals([checked.code, checked.words], [0, ""]);

    const { activeTargets } = await prometheus.api("targets");
    assertEquals([activeTargets[0].health, activeTargets[0].lastError], ["up", ""]);
    const [scrapes] = await prometheus.query('count_over_time(up{job="podway"}[5m])');
    assertGreater(Number(scrapes!.value[1]), 40);

    const answers = new Map<string, Sample[]>();
    for (const { panel, expr } of dashboardQueries()) {
      const result = await prometheus.query(asGrafana(expr));
      answers.set(panel, [...(answers.get(panel) ?? []), ...result]);
    }
    const empty = [...answers].filter(([, samples]) => samples.length === 0).map(([panel]) => panel);
    assertEquals(empty, [], "panels without data");

    // What three of them show is what was done.
    const perSecond = (sent / MINUTE) * 1000;
    const by = (panel: string, label: string): Record<string, number> =>
      Object.fromEntries(answers.get(panel)!.map(({ metric, value }) => [metric[label], Number(value[1])]));
    const classes = by("Requests by status class", "status");
    const total = Object.values(classes).reduce((sum, rate) => sum + rate, 0);
    assert(Math.abs(total - perSecond) < perSecond * 0.3, `${total} of ${perSecond} requests a second`);
    assert(Math.abs(classes["5xx"]! / total - 0.2) < 0.05, `${classes["5xx"]} of ${total} failed`);
    assert(Math.abs(classes["4xx"]! / total - 0.1) < 0.05, `${classes["4xx"]} of ${total} found no route`);

    const [median] = answers.get("From pods: attempt to headers")!;
    assertGreater(Number(median!.value[1]), 0.005);
    assertLess(Number(median!.value[1]), 0.1);

    assertEquals(by("State by name", "state"), { watching: 1 });
    assertEquals(by("Addresses by service", "route"), { web: 2, gone: 1 });
    assertGreater(by("Answers of the gateway itself, by code", "code").upstream_connect!, 0);

    const { groups } = await prometheus.api("rules");
    for (const { name, health, lastError } of groups[0].rules)
      assertEquals([name, health, lastError ?? ""], [name, "ok", ""]);
    const firing = await prometheus.query('ALERTS{alertstate="firing"}');
    assertEquals(firing, []);
  });
});
