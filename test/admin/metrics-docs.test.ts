import { describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { allFamilies } from "../../src/admin/metrics/exposition.ts";
import type { Family } from "../../src/admin/metrics/family.ts";
import { noRefusals } from "../../src/http/server/refusal-counts.ts";
import { countAnswer, countUpstream, createCounters } from "../../src/telemetry/counters.ts";
import type { GatewayMetrics } from "../../src/telemetry/gateway-metrics.ts";
import { createStreamCounters } from "../../src/telemetry/stream-counters.ts";
import { alertRules, dashboardQueries } from "../helpers/deploy-files.ts";
import { adminOptions } from "./support.ts";

const DOCS = join(import.meta.dir, "../../docs");

/** Every metric there is, each with at least one sample. */
async function families(): Promise<Family[]> {
  const counters = createCounters();
  const counts = counters.series("r", "s");
  countAnswer(counts, 503, 1, "no_endpoints");
  countUpstream(counts, 1);
  const metrics: GatewayMetrics = {
    traffic: {
      series: counters.all(),
      pools: [{ route: "r", service: "s", endpoints: 1, ejected: 0, unhealthy: 0, standby: 0 }],
      spans: { exported: 1, dropped: 1, refused: 1 },
      refused: noRefusals(),
      streams: [{ ...createStreamCounters().stream("t"), stream: "t", endpoints: 1, ejected: 0, unhealthy: 0 }],
    },
    clusters: [
      {
        status: {
          id: "",
          state: "watching",
          stale: false,
          mode: "watch",
          required: true,
          resourceVersion: "1",
          ages: { byte: 1, event: 1, list: 1 },
          services: 1,
          endpoints: 1,
          lastError: null,
        },
        counters: { lists: {}, watches: 1, events: 1, skipped: {}, changes: 1, unchanged: 1, truncated: 0, bytes: 1 },
        sharedSize: Number.POSITIVE_INFINITY,
      },
    ],
    ready: true,
    draining: false,
  };
  return allFamilies(metrics, await adminOptions().processMetrics());
}

/** A metric as a row of a table: name, type, labels in their order. */
const rowOf = ({ name, type, samples }: Family): string => {
  const all = samples();
  assert(all.length > 0, `${name} has no sample here`);
  const { labels, shared } = all[0]!;
  const names = Object.keys({ ...shared, ...labels }).filter((label) => label !== "le" || type !== "histogram");
  return `${name} ${type} ${names.join(", ")}`.trim();
};

describe("docs/metrics.md", () => {
  test("lists exactly the metrics there are, with their types and labels", async () => {
    const text = readFileSync(join(DOCS, "metrics.md"), "utf8");
    const rows = [...text.matchAll(/^\| `(podway_\w+)` \| (\w+) \| ([^|]*)\|/gm)];
    const listed = rows.map(([, name, type, labels]) => `${name} ${type} ${labels!.trim()}`.trim());
    assertEquals(listed.toSorted(), (await families()).map(rowOf).toSorted());
  });
});

describe("the dashboard and the alerts", () => {
  test("ask only for metrics that there are", async () => {
    const known = new Set(
      (await families()).flatMap(({ name, type }) =>
        type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [name],
      ),
    );
    const asked = [...dashboardQueries(), ...alertRules()].flatMap(({ expr }) => expr.match(/podway_\w+/g) ?? []);
    assert(asked.length > 50);
    assertEquals(
      asked.filter((name) => !known.has(name)),
      [],
    );
  });

  test("say where to read on: every alert has a place of its own in docs/operations.md", () => {
    for (const { alert, annotations } of alertRules()) {
      assertEquals(annotations.runbook, `docs/operations.md#alert-${alert}`);
    }
  });
});
