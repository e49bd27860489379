import { describe, test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { closedPort } from "../helpers/closed-port.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { type ServedGateway, serve } from "./support.ts";

/** What `count` requests got: a pod's name, or the status of what was not 200. */
async function answers(gateway: ServedGateway, count: number, init: RequestInit = {}): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (let n = 0; n < count; n++) {
    const response = await gateway.fetch("/", init);
    const what = response.status === 200 ? await response.text() : String(response.status);
    found[what] = (found[what] ?? 0) + 1;
  }
  return found;
}

/** The clients of a route, each with a cookie of its own. */
async function cookieFor(gateway: ServedGateway): Promise<{ pod: string; cookie: string }> {
  const response = await gateway.fetch("/");
  return { pod: await response.text(), cookie: response.headers.get("set-cookie")!.split(";")[0]! };
}

const hinted = (ip: string, zone: string) => ({
  addresses: [ip],
  conditions: { ready: true },
  zone,
  hints: { forZones: [{ name: zone }] },
});

describe("a gateway whose zone's pods all fail", () => {
  for (const near of [2, 5]) {
    test(`loses no request while others are ready: ${near} of 6 refuse connections`, async () => {
      await using api = await serveEmbedded();
      await using pods = await startPods(6);
      for (const pod of pods.all.slice(0, near)) await pod.stop();
      const of = pods.all.map(({ ip }, index) => hinted(ip, index < near ? "here" : "there"));
      api.api.apply(slice("web", of, pods.port));
      await using gateway = await serve({ ...oneCluster(api, [{ service: "web" }]), server: { zone: "here" } });
      const found = {
        ...(await answers(gateway, 100)),
        ...(await answers(gateway, 50, { method: "POST", body: "x" })),
      };
      assertEquals(
        Object.keys(found).sort(),
        pods.all.slice(near).map(({ name }) => name),
      );
      const { services } = await gateway.admin("/v1/explain?method=GET&url=http://a.test/");
      assertEquals(
        services[0].nodes.map(({ zone }: { zone: string }) => zone),
        of.slice(near).map(({ zone }) => zone),
      );
    });
  }

  test("asks each of them no more than until it is ejected: 5 of 6 take requests and never answer", async () => {
    const never = new Promise<Response>(() => {});
    await using api = await serveEmbedded();
    await using pods = await startPods(6, { answer: (_request, pod) => (pod === "pod-6" ? new Response(pod) : never) });
    api.api.apply(
      slice(
        "web",
        pods.all.map(({ ip }, index) => hinted(ip, index < 5 ? "here" : "there")),
        pods.port,
      ),
    );
    const route = { service: "web", timeouts: { response: 100 }, health: { passive: { eject: 600_000 } } };
    await using gateway = await serve({ ...oneCluster(api, [route]), server: { zone: "here" } });
    const { "504": lost = 0, ...rest } = await answers(gateway, 100, { method: "POST" });
    assertEquals(Object.keys(rest), ["pod-6"]);
    assertLess(lost, 11, "two failures each");
    assertEquals(await answers(gateway, 10, { method: "POST" }), { "pod-6": 10 });
  });
});

describe("services of different priorities", () => {
  test("take over across clusters when the first cluster is not known or its pods are gone, and give back", async () => {
    await using api = await serveEmbedded();
    await using other = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    other.api.apply(slice("web", [two], pods.port));
    const dead = await closedPort();
    const cluster = (id: string, port: number) => ({
      ...{ id, required: false, watch_endpoint_slices: true },
      service: { schema: "http", host: "127.0.0.1", port },
      client: { token: "a-token" },
    });
    const services = [{ service: "first/default/web:http", priority: 1 }, { service: "second/default/web:http" }];
    const config = (port: number) => ({
      discovery: { kubernetes: [cluster("first", port), cluster("second", Number(new URL(other.url).port))] },
      routes: [{ services }],
    });
    await using gateway = await serve(config(dead));
    await until(async () => (await gateway.fetch("/")).status === 200, { message: "the second cluster answers" });
    assertEquals(await answers(gateway, 5), { "pod-2": 5 });
    api.api.apply(slice("web", [one], pods.port));
    await gateway.writeConfig(config(Number(new URL(api.url).port)));
    await until(async () => (await answers(gateway, 1))["pod-1"] === 1, { message: "the first cluster answers" });
    assertEquals(await answers(gateway, 5), { "pod-1": 5 });
    api.api.apply(slice("web", [], pods.port));
    await until(async () => (await answers(gateway, 1))["pod-2"] === 1, { message: "the second cluster takes over" });
  });

  test("count a request for the service that answered it, and leave nothing under way at the other", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    const port = await closedPort();
    api.api.apply([slice("down", ["127.0.0.1"], port), slice("up", [pods.all[0]!.ip], pods.port)]);
    const route = { id: "r", services: [{ service: "down", priority: 1 }, { service: "up" }] };
    await using gateway = await serve(oneCluster(api, [route]));
    assertEquals(await answers(gateway, 10), { "pod-1": 10 });
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const sampleOf = (name: string, service: string, more = ""): number | undefined =>
      Number(new RegExp(`^${name}\\{[^}]*service="default/${service}"${more}[^}]*\\} (\\S+)$`, "m").exec(text)?.[1]);
    assertEquals(
      [
        sampleOf("podway_requests_total", "up", ',status="2xx"'),
        sampleOf("podway_requests_total", "down", ',status="2xx"'),
      ],
      [10, 0],
    );
    assertEquals(
      ["up", "down"].map((service) => sampleOf("podway_requests_in_flight", service)),
      [0, 0],
    );
    assertEquals(sampleOf("podway_ejections_total", "down"), 1, "its only address, since another priority stands in");
    const line = JSON.parse(gateway.stdout.findLast((one) => one.includes('"route"'))!);
    assertEquals(line.service, "default/up");
  });

  test("nodes of a lower priority answer while the first refuses, for every method", async () => {
    await using pods = await startPods(2);
    const [one, two] = pods.all;
    const nodes = [
      { host: one!.ip, port: pods.port, priority: 10 },
      { host: two!.ip, port: pods.port },
    ];
    await using gateway = await serve({ routes: [{ nodes }] });
    assertEquals(await answers(gateway, 5), { "pod-1": 5 });
    await one!.stop();
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      assertEquals(await answers(gateway, 5, { method }), { "pod-2": 5 });
    }
  });
});

test("a client with a sticky cookie stays with its service and pod where a route has several services", async () => {
  await using api = await serveEmbedded();
  await using v1 = await startPods(2, { name: "v1" });
  await using v2 = await startPods(2, { name: "v2" });
  api.api.apply([
    slice(
      "v1",
      v1.all.map(({ ip }) => ip),
      v1.port,
    ),
    slice(
      "v2",
      v2.all.map(({ ip }) => ip),
      v2.port,
    ),
  ]);
  const services = [
    { service: "v1", weight: 50 },
    { service: "v2", weight: 50 },
  ];
  await using gateway = await serve({
    discovery: { kubernetes: clusterBlock(api) },
    routes: [{ services, balancer: { sticky_cookie: { name: "s" } } }],
  });
  const seen = new Set<string>();
  for (let client = 0; client < 8; client++) {
    const { pod, cookie } = await cookieFor(gateway);
    seen.add(pod.slice(0, 2));
    assertEquals(await answers(gateway, 6, { headers: { cookie } }), { [pod]: 6 });
    assert(!(await gateway.fetch("/", { headers: { cookie } })).headers.has("set-cookie"));
  }
  assertEquals(seen, new Set(["v1", "v2"]));
});
