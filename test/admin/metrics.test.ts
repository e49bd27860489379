import { describe, test } from "bun:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createAdminApp } from "../../src/admin/app.ts";
import type { GatewayView } from "../../src/gateway/view.ts";
import { countAnswer, countUpstream, createCounters } from "../../src/telemetry/counters.ts";
import { adminOptions, view } from "./support.ts";

/** What `/metrics` answers over what was counted. */
async function metrics(counters = createCounters(), init?: RequestInit): Promise<Response> {
  const traffic = {
    series: counters.all(),
    pools: [{ route: "shop", service: "default/cart:http", endpoints: 3, ejected: 1, unhealthy: 0, standby: 0 }],
    spans: undefined,
  };
  const read: GatewayView["metrics"] = () => ({ traffic, clusters: [], ready: true, draining: false });
  return await createAdminApp(view({ metrics: read }), adminOptions()).request("/metrics", init);
}

/** Lines that begin with this name. */
const linesOf = (text: string, name: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

describe("/metrics", () => {
  test("has help and type above every metric, with samples or without", async () => {
    const text = await (await metrics()).text();
    const names = [...text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map(([, name]) => name!);
    const helped = [...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name!);
    assertEquals(names, helped);
    assertEquals(names.length, new Set(names).size);
    for (const name of names) assertMatch(name, /^podway_[a-z_]+$/);
    for (const name of ["podway_requests_total", "podway_cluster_state", "podway_build_info"]) {
      assertStringIncludes(names.join(), name);
    }
    assertEquals(linesOf(text, "podway_build_info"), ['podway_build_info{version="1.2.3",runtime="bun"} 1']);
    assertEquals(linesOf(text, "podway_config_reloads_total").length, 2);
  });

  test("tells requests by route, service and status class, and how long they took", async () => {
    const counters = createCounters();
    const counts = counters.series("shop", "default/cart:http");
    countAnswer(counts, 204, 3);
    countAnswer(counts, 504, 30_500, "upstream_timeout");
    countUpstream(counts, 3);
    const text = await (await metrics(counters)).text();
    const labels = 'route="shop",service="default/cart:http"';
    const has = (line: string): void => assertEquals(linesOf(text, line.split("{")[0]!).includes(line), true, line);
    has(`podway_requests_total{${labels},status="2xx"} 1`);
    has(`podway_requests_total{${labels},status="5xx"} 1`);
    has(`podway_requests_total{${labels},status="4xx"} 0`);
    has(`podway_request_duration_seconds_bucket{le="0.002",${labels}} 0`);
    has(`podway_request_duration_seconds_bucket{le="0.005",${labels}} 1`);
    has(`podway_request_duration_seconds_bucket{le="30",${labels}} 1`);
    has(`podway_request_duration_seconds_bucket{le="+Inf",${labels}} 2`);
    has(`podway_request_duration_seconds_sum{${labels}} 30.503`);
    has(`podway_request_duration_seconds_count{${labels}} 2`);
    has(`podway_upstream_duration_seconds_count{${labels}} 1`);
    has(`podway_problems_total{${labels},code="upstream_timeout"} 1`);
    has(`podway_endpoints{${labels}} 3`);
    has(`podway_endpoints_ejected{${labels}} 1`);
  });

  test("escapes what a config may put into a label", async () => {
    const counters = createCounters();
    counters.series('a"b\\c\nd', "");
    const text = await (await metrics(counters)).text();
    assertStringIncludes(text, 'podway_requests_total{route="a\\"b\\\\c\\nd",service="",status="2xx"} 0\n');
  });

  test("speaks OpenMetrics to those who prefer it, plain text to the others", async () => {
    const asked = async (accept?: string): Promise<string[]> => {
      const answer = await metrics(undefined, accept === undefined ? {} : { headers: { accept } });
      const text = await answer.text();
      return [answer.headers.get("content-type")!, text.endsWith("# EOF\n") ? "ends" : "goes on", text];
    };
    const plain = "text/plain; version=0.0.4; charset=utf-8";
    const open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    for (const accept of [undefined, "*/*", "text/html", "application/openmetrics-text;q=0.1,text/plain"]) {
      assertEquals((await asked(accept)).slice(0, 2), [plain, "goes on"], accept);
    }
    const [type, end, text] = await asked(prometheus);
    assertEquals([type, end], [open, "ends"]);
    // A counter's name has no suffix there, its samples have one.
    assertStringIncludes(text!, "# TYPE podway_requests counter\npodway_requests_total{");
  });

  test("answers HEAD with the same headers, and is not kept by caches", async () => {
    const answer = await metrics(undefined, { method: "HEAD" });
    assertEquals([answer.status, await answer.text()], [200, ""]);
    assertEquals(answer.headers.get("cache-control"), "no-store");
  });
});
