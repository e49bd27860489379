import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ClusterStatus } from "../../src/discovery/views.ts";
import type { GatewayView } from "../../src/gateway/view.ts";
import { countAnswer } from "../../src/telemetry/counters.ts";
import { STREAM_FAILURES } from "../../src/telemetry/stream-counters.ts";
import type { StreamTraffic } from "../../src/telemetry/traffic.ts";
import { TRAFFIC_STEP_MS } from "../../src/telemetry/traffic-history.ts";
import { CLUSTER, consoleOver, textOf } from "./console-over.ts";

describe("the console", () => {
  test("is one page of its own parts only: nothing is loaded from elsewhere, nothing is inline", async () => {
    const { get, app } = consoleOver();
    const html = await get("/");
    assertMatch(html, /^<!doctype html><html lang="en"/);
    const loaded = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
    for (const address of loaded) assertMatch(address, /^(?:\/|#|data:,$)/);
    assert(!/ on[a-z]+=/.test(html) && !/<style|style="/.test(html) && !/<script[^>]*>[^<]/.test(html));
    for (const [path, type] of [
      ["/console/page.css", "text/css; charset=utf-8"],
      ["/console/page.js", "text/javascript; charset=utf-8"],
    ] as const) {
      assert(loaded.includes(path), path);
      const asset = await app.request(path);
      assertEquals(asset.headers.get("content-type"), type);
      assert((await asset.text()).length > 1000);
    }
  });

  test("says how the clusters are in plain words: state, staleness, ages, and the error as it is", async () => {
    const ill: ClusterStatus = {
      ...CLUSTER,
      id: "west",
      state: "forbidden",
      stale: true,
      required: false,
      ages: { byte: null, event: null, list: null },
      listing: { objects: 4500, remaining: 5500 },
      lastError: 'cannot list endpointslices: needs a ClusterRole with verbs <list, watch> & "more"',
    };
    const { get } = consoleOver({ status: () => [{ ...CLUSTER, id: "east" }, ill] });
    const html = await get("/");
    const text = textOf(html);
    for (const words of [
      "west (not required): does not allow the list, serving what it last knew",
      "east list-watch in step, by a watch 3 s 3 min 25 h 12 1,234",
      "west not required list-watch does not allow the list stale: serves what it last knew",
      "4,500 objects read, 5,500 to come",
      "never never never",
    ]) {
      assertStringIncludes(text, words);
    }
    assertStringIncludes(html, "verbs &lt;list, watch&gt; &amp; &quot;more&quot;");
  });

  test("shows what is not there as such", async () => {
    const text = textOf(await consoleOver({ status: () => [] }).get("/"));
    for (const words of [
      "Serving; no cluster is followed",
      "The config has no routes.",
      "No service is known yet.",
      "Nothing has changed since the gateway started.",
    ]) {
      assertStringIncludes(text, words);
    }
  });

  test("tells a config that was refused, and draining", async () => {
    const refused = consoleOver({ refusedConfig: () => ['gateway.yaml:3:1: unknown key "rotues"'] });
    assertStringIncludes(textOf(await refused.get("/")), "gateway.yaml:3:1: unknown key &quot;rotues&quot;");
    const draining = consoleOver({ readiness: () => ({ ready: true, draining: true, waiting: [] }) });
    assertStringIncludes(textOf(await draining.get("/")), "Draining: it takes no new work");
  });

  test("has as its headline what /readyz says, worst first, and lists the rest", async () => {
    const west: ClusterStatus = { ...CLUSTER, id: "west", state: "unreachable", required: false };
    const east: ClusterStatus = {
      ...CLUSTER,
      id: "east",
      state: "forbidden",
      ages: { byte: 1, event: null, list: null },
    };
    const headline = async (more: Partial<GatewayView>): Promise<[string, string[]]> => {
      const html = await consoleOver(more).get("/");
      const [, tone = "", text = ""] = /<p class="verdict (\w+)"[^>]*>(.*?)<\/p>/s.exec(html)!;
      const others = [...(/<ul class="others">(.*?)<\/ul>/s.exec(html)?.[1] ?? "").matchAll(/<li>(.*?)<\/li>/gs)];
      return [`${tone}: ${textOf(text).trim()}`, others.map(([, one]) => textOf(one!).trim())];
    };
    const unready = { ready: false, draining: false, waiting: [{ id: "east", state: "forbidden", reason: "no" }] };
    const refused = () => ["gateway.yaml:1:1: no"];
    assertEquals(await headline({ status: () => [CLUSTER, west] }), [
      "warn: west (not required): cannot be reached",
      [],
    ]);
    assertEquals(await headline({ status: () => [CLUSTER, west], refusedConfig: refused }), [
      "warn: A changed config was refused; the one before is in force",
      ["west (not required): cannot be reached"],
    ]);
    assertEquals(await headline({ status: () => [west, east], readiness: () => unready, refusedConfig: refused }), [
      "bad: Not ready: east: does not allow the list",
      ["A changed config was refused; the one before is in force", "west (not required): cannot be reached"],
    ]);
  });

  test("says of a route why it has no address, with and without traffic", async () => {
    const routes = [
      { id: "typo", path: { prefix: "/" }, service: "shop/web:htp" },
      { id: "fine", path: { prefix: "/f" }, service: "shop/web:http" },
    ];
    const pools = [
      { route: "typo", service: "shop/web:htp", endpoints: 0, standby: 0, ejected: 0, unhealthy: 0 },
      { route: "fine", service: "shop/web:http", endpoints: 2, standby: 0, ejected: 0, unhealthy: 0 },
    ];
    const nodes: GatewayView["nodes"] = async (service) => ({
      service,
      nodes: [],
      reason: "no port htp; ports: http (80)",
    });
    const { get, clock } = consoleOver({ routes: () => routes, nodes }, pools);
    await clock.advance(TRAFFIC_STEP_MS);
    const text = textOf(await get("/"));
    assertStringIncludes(text, "1 route without an address: typo");
    assertStringIncludes(text, "typo / shop/web:htp no port htp; ports: http (80) no requests yet");
    assertStringIncludes(text, "fine /f shop/web:http no requests yet");
  });

  test("has a row for requests that no route took, and a foot that says which gateway it is", async () => {
    const { get, counters, clock } = consoleOver({ routes: () => [{ id: "r", path: { prefix: "/r" }, nodes: [] }] });
    assert(!textOf(await get("/")).includes("no route"));
    for (let n = 0; n < 10; n++) countAnswer(counters.series("", ""), 404, 1, "no_route");
    await clock.advance(TRAFFIC_STEP_MS);
    const text = textOf(await get("/"));
    assertStringIncludes(text, "no route answered here, 404 no_route for the most part 1.0 0%");
    assertStringIncludes(text, "Podway 1.2.3 on bun Host edge-1 Config gateway.yaml Hash 7");
  });

  test("has the figures of routes in words and as charts with words", async () => {
    const routes = [
      { id: "shop", hosts: ["shop.test"], path: { prefix: "/cart" }, methods: ["GET"], service: "shop/web:http" },
      { id: "old", path: { exact: "/old" }, redirect: { status: 308 } },
      { id: "own", path: { regex: "^/x" }, nodes: [{ host: "10.0.0.1", port: 80, weight: 1 }] },
    ];
    const { get, counters, clock } = consoleOver({ routes: () => routes });
    const series = counters.series("shop", "shop/web:http");
    for (let n = 0; n < 30; n++) countAnswer(series, n < 3 ? 502 : 200, 40);
    await clock.advance(TRAFFIC_STEP_MS);
    const html = await get("/");
    const text = textOf(html);
    assertStringIncludes(text, "shop GET shop.test/cart shop/web:http 3.0 10% 49 ms");
    assertStringIncludes(text, "old = /old redirect 308 no requests yet");
    assertStringIncludes(text, "own ~ ^/x 1 static node no requests yet");
    assertStringIncludes(html, "Requests to route shop, last 5 minutes: now 3.0 a second, at most 15");
    assertStringIncludes(html, "Errors of route shop, last 5 minutes: at most 1.5 a second");
  });

  test("opens a service and says of each address whether and why not it is used", async () => {
    const node = {
      host: "10.0.0.1",
      port: 80,
      weight: 50,
      slice: "web-a",
      resourceVersion: "1",
      conditions: { ready: true, serving: true, terminating: false },
      pod: "shop/web-1",
      zone: "z1",
    };
    const out = { ...node, host: "fd00::1", excluded: "not ready", pod: undefined, zone: undefined };
    const asked: string[] = [];
    const summary = {
      cluster: "",
      namespace: "shop",
      name: "web",
      reference: "shop/web",
      ports: ["http (80)"],
      portKeys: ["http"],
      addresses: { ready: 1, terminating: 0, unready: 1 },
    };
    const { get } = consoleOver({
      services: () => ({ total: 1, found: 1, services: [summary] }),
      async nodes(service) {
        asked.push(service);
        return { service, nodes: [node], excluded: [out] };
      },
    });
    const closed = await get("/");
    assertStringIncludes(textOf(closed), "shop/web 1 ready, 1 not ready http (80)");
    assertStringIncludes(closed, 'href="/?open=shop%2Fweb#services" aria-expanded="false"');
    assertEquals(asked, []);
    const html = await get("/?open=shop%2Fweb&open=not%2Fthere");
    assertEquals(asked, ["shop/web:http"]);
    assertStringIncludes(html, 'href="/?open=not%2Fthere#services" aria-expanded="true"');
    const text = textOf(html);
    assertStringIncludes(text, "10.0.0.1:80 ready 50 shop/web-1 z1");
    assertStringIncludes(text, "[fd00::1]:80 not ready 50 none named");
  });

  test("opens one more when many are open, and closes the one opened first", async () => {
    const summary = (name: string) => ({
      cluster: "",
      namespace: "shop",
      name,
      reference: `shop/${name}`,
      ports: [],
      portKeys: ["http"],
      addresses: { ready: 0, terminating: 0, unready: 0 },
    });
    const names = Array.from({ length: 9 }, (_, n) => `s${n}`);
    const asked: string[] = [];
    const { get } = consoleOver({
      services: () => ({ total: 9, found: 9, services: names.map(summary) }),
      async nodes(service) {
        asked.push(service);
        return { service, nodes: [] };
      },
    });
    await get(`/?${names.map((name) => `open=shop/${name}`).join("&")}`);
    assertEquals(
      asked,
      names.slice(1).map((name) => `shop/${name}:http`),
    );
  });

  test("tells ejections and failing checks at the address, and counts them at the route", async () => {
    const node = (host: string, more: object) => ({
      host,
      port: 80,
      weight: 50,
      slice: "web-a",
      resourceVersion: "1",
      conditions: { ready: true, serving: true, terminating: false },
      ...more,
    });
    const summary = {
      cluster: "",
      namespace: "shop",
      name: "web",
      reference: "shop/web",
      ports: [],
      portKeys: ["http"],
      addresses: { ready: 2, terminating: 0, unready: 0 },
    };
    const { get, clock } = consoleOver(
      {
        routes: () => [{ id: "shop", path: "/", service: "shop/web:http" }],
        services: () => ({ total: 1, found: 1, services: [summary] }),
        nodes: async (service) => ({
          service,
          nodes: [
            node("10.0.0.1", { ejection: { until: "2026-01-01T10:20:30.000Z", routes: ["shop"] } }),
            node("10.0.0.2", { unhealthy: { routes: ["shop", "pay"] } }),
          ],
        }),
      },
      [{ route: "shop", service: "shop/web:http", endpoints: 2, ejected: 1, unhealthy: 1, standby: 1 }],
    );
    await clock.advance(TRAFFIC_STEP_MS);
    const text = textOf(await get("/?open=shop%2Fweb"));
    assertStringIncludes(text, "10.0.0.1:80 ejected until 10:20:30 by route shop 50");
    assertStringIncludes(text, "10.0.0.2:80 its health checks fail, by route shop, pay 50");
    assertStringIncludes(text, "shop/web:http 1 ejected, 1 unhealthy, 1 waiting");
  });

  test("lists streams with their connections, and has no such part without streams", async () => {
    const failures = Object.fromEntries(STREAM_FAILURES.map((reason) => [reason, reason === "idle_timeout" ? 3 : 0]));
    const traffic = {
      stream: "redis",
      connections: 1200,
      open: 7,
      up: 1234,
      down: 5_600_000,
      retries: 0,
      ejections: 0,
      failures: failures as StreamTraffic["failures"],
      endpoints: 2,
      ejected: 0,
      unhealthy: 0,
    };
    const listen = { host: "::", port: 6379 };
    const { get, clock } = consoleOver(
      { streams: () => [{ id: "redis", listen, service: "data/redis" }] },
      [],
      [traffic],
    );
    await clock.advance(TRAFFIC_STEP_MS);
    const text = textOf(await get("/"));
    assertStringIncludes(text, "redis [::]:6379 data/redis 7 1,200 1.2 kB 5.6 MB idle timeout 3");
    assert(!textOf(await consoleOver().get("/")).includes("Streams"));
  });

  test("asks for the page and the words its address has, and links carry the rest of the state along", async () => {
    const asked: object[] = [];
    const { get } = consoleOver({
      services(query) {
        asked.push(query);
        return { total: 10_000, found: 60, services: [] };
      },
    });
    const html = await get("/?q=web+shop&page=2&theme=dark");
    assertEquals(asked, [{ search: "web shop", offset: 25, limit: 25 }]);
    assertStringIncludes(html, '<html lang="en" data-theme="dark">');
    assertStringIncludes(html, 'href="/?q=web+shop&amp;theme=dark#services" rel="prev"');
    assertStringIncludes(html, 'href="/?q=web+shop&amp;page=3&amp;theme=dark#services" rel="next"');
    assertStringIncludes(textOf(html), "60 of 10,000");
    for (const query of ["page=0", "page=x", "page=1e99", "theme=<b>", `q=${"x".repeat(5000)}`, "open=", "url=&%zz"]) {
      await get(`/?${query}`);
    }
    assertStringIncludes(await get("/?q=%22%3E%3Cscript%3E"), 'value="&quot;&gt;&lt;script&gt;"');
  });

  test("words every kind of event", async () => {
    const at = Date.UTC(2026, 0, 1, 10, 20, 30);
    const cluster = "";
    const { get } = consoleOver({
      events: () => [
        { at, kind: "refused", errors: ["a", "b"] },
        { at, kind: "config", routes: 3, clusters: 1 },
        { at, kind: "ejected", address: "10.0.0.9:80", until: at + 10_000 },
        { at, cluster, kind: "services", why: "watch", count: 990 },
        { at, cluster, kind: "listed", why: "list", first: false, objects: 10, changed: 1 },
        { at, cluster, kind: "listed", why: "file", first: true, objects: 10, changed: 10 },
        { at, cluster, kind: "state", state: "unreachable", before: "watching", error: "connection refused" },
        {
          at,
          cluster,
          kind: "service",
          service: "shop/web",
          why: "watch",
          addresses: [
            { host: "10.0.0.1", now: "ready", added: true },
            { host: "10.0.0.2", now: "gone", added: false },
            { host: "10.0.0.3", now: "not ready", added: false },
          ],
          more: 7,
          settings: false,
        },
      ],
    });
    const text = textOf(await get("/"));
    for (const words of [
      "10:20:30 A changed config was refused: 2 errors reload",
      "A changed config is in force: 3 routes, 1 cluster reload",
      "10.0.0.9:80 failed: no requests until 10:20:40 health",
      "990 more changes within a second watch",
      "Listed 10 objects again: 1 change relist",
      "First list: 10 objects snapshot_file",
      "the cluster: cannot be reached connection refused",
      "shop/web + 10.0.0.1 − 10.0.0.2 10.0.0.3 not ready and 7 more watch",
    ]) {
      assertStringIncludes(text, words);
    }
  });
});
