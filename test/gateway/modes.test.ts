import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { endpoints, oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { problemOf, type ServedGateway, serve } from "./support.ts";

const REFUSED = { kind: "status", code: 500 } as const;

const lists = ({ api }: ServedApiserver): number => api.requests.filter(({ verb }) => verb === "list").length;

/** What one request gets: the pod's name, or the problem's code. */
async function ask(gateway: ServedGateway, path = "/"): Promise<string> {
  const response = await gateway.fetch(path);
  return response.ok ? await response.text() : (await problemOf(response)).code;
}

/** Asks until the answer is this one. */
const untilAsked = (gateway: ServedGateway, wanted: string, path = "/"): Promise<boolean> =>
  until(async () => (await ask(gateway, path)) === wanted, { interval: 5, message: `the answer is ${wanted}` });

describe("mode: request", () => {
  test("asks the apiserver with each request, so that a change holds from the next one on", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    api.api.apply(slice("web", [one], pods.port));
    await using gateway = await serve(oneCluster(api, [{ service: "web" }], { mode: "request" }));
    assertEquals(await ask(gateway), "pod-1");
    api.api.apply(slice("web", [two], pods.port));
    assertEquals(await ask(gateway), "pod-2");
    api.api.faults.add({ effect: REFUSED });
    assertEquals(await ask(gateway), "pod-2");
    const [cluster] = (await gateway.admin("/v1/discovery/kubernetes/status")).clusters;
    assertEquals([cluster.mode, cluster.state], ["request", "unreachable"]);
    assertEquals(api.api.openWatches.length, 0);
  });

  test("answers 503 not_synced for a service the apiserver never told of", async () => {
    await using api = await serveEmbedded();
    api.api.faults.add({ match: ({ path }) => path.includes("endpointslices"), effect: REFUSED });
    await using gateway = await serve(oneCluster(api, [{ service: "web" }], { mode: "request", required: false }));
    assertEquals(await ask(gateway), "not_synced");
  });
});

describe("mode: poll", () => {
  test("shows a change within an interval, keeps what it has through errors, and never watches", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    api.api.apply(slice("web", [one], pods.port));
    await using gateway = await serve(oneCluster(api, [{ service: "web" }], { mode: "poll", poll_interval: 100 }));
    assertEquals(await ask(gateway), "pod-1");
    api.api.apply(slice("web", [two], pods.port));
    await untilAsked(gateway, "pod-2");
    const mend = api.api.faults.add({ effect: REFUSED });
    const status = async () => (await gateway.admin("/v1/discovery/kubernetes/status")).clusters[0];
    await until(async () => (await status()).stale, { message: "the status says that it is stale" });
    assertEquals(await ask(gateway), "pod-2");
    mend();
    await until(async () => !(await status()).stale, { message: "polling recovered" });
    assertEquals(api.api.requests.filter(({ verb }) => verb === "watch").length, 0);
  });

  test("answers 50 requests that come before the first list with one LIST, all 200", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const ips = pods.all.map(({ ip }) => ip);
    api.api.apply(slice("web", ips, pods.port));
    api.api.faults.add({ match: { verb: "list" }, effect: { kind: "delay", ms: 300 } });
    const config = oneCluster(api, [{ service: "web" }], { mode: "poll", poll_interval: 60_000 });
    await using gateway = await serve(config, { until: "listening" });
    const readyz = (await fetch(`${gateway.adminUrl}/readyz`)).status;
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(gateway)));
    assertEquals(new Set(answers), new Set(["pod-1", "pod-2"]));
    assertEquals([readyz, lists(api)], [503, 1]);
  });
});

describe("max_stale", () => {
  test("makes a request that finds older nodes wait for a refresh, and 503 not_synced when none comes", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    api.api.apply(slice("web", [pods.all[0]!.ip], pods.port));
    const settings = { mode: "poll", poll_interval: 100, max_stale: 150 };
    await using gateway = await serve(oneCluster(api, [{ service: "web", timeouts: { response: 2000 } }], settings));
    assertEquals(await ask(gateway), "pod-1");
    const mend = api.api.faults.add({ effect: REFUSED });
    await untilAsked(gateway, "not_synced");
    mend();
    await untilAsked(gateway, "pod-1");
  });
});

describe("empty_grace", () => {
  const emptied = async (empty_grace: number) => {
    const api = await serveEmbedded();
    const pods = await startPods(1);
    const { ip } = pods.all[0]!;
    const of = (addresses: string[]) => [slice("web", addresses, pods.port), slice("other", addresses, pods.port)];
    api.api.apply(of([ip]));
    const routes = ["web", "other"].map((service) => ({ path: `/${service}`, service }));
    const gateway = await serve(oneCluster(api, routes, { empty_grace }));
    api.api.apply(of([]));
    await until(
      async () => {
        const { clusters } = await gateway.admin("/v1/discovery/kubernetes/status");
        return clusters[0].state === "watching" && clusters[0].resourceVersion === api.api.resourceVersion;
      },
      { interval: 5, message: "the gateway knows that both are empty" },
    );
    return {
      gateway,
      fill: () => api.api.apply(of([ip])),
      async [Symbol.asyncDispose]() {
        await gateway.stop();
        await pods[Symbol.asyncDispose]();
        await api.stop();
      },
    };
  };

  test("uses a service's last nodes while it lasts", async () => {
    await using one = await emptied(600_000);
    assertEquals([await ask(one.gateway, "/web"), await ask(one.gateway, "/other")], ["pod-1", "pod-1"]);
  });

  test("is followed by 503, until there are nodes again", async () => {
    await using one = await emptied(100);
    await untilAsked(one.gateway, "no_endpoints", "/web");
    one.fill();
    await untilAsked(one.gateway, "pod-1", "/web");
  });
});

describe("address_family", () => {
  test("chooses one of a dual-stack pod's addresses", async () => {
    await using api = await serveEmbedded();
    const pod = (ip: string) => [{ addresses: [ip], targetRef: { kind: "Pod", name: "web-a", uid: "u1" } }];
    const six = Bun.serve({ hostname: "::1", port: 0, fetch: () => new Response("six") });
    const four = Bun.serve({ hostname: "127.0.0.1", port: six.port!, fetch: () => new Response("four") });
    try {
      api.api.apply([
        slice("web", pod("127.0.0.1"), six.port!, { suffix: "v4" }),
        slice("web", pod("::1"), six.port!, { suffix: "v6", addressType: "IPv6" }),
      ]);
      for (const [family, answer] of [
        ["ipv4", "four"],
        ["ipv6", "six"],
      ] as const) {
        await using gateway = await serve(oneCluster(api, [{ service: "web" }], { address_family: family }));
        assertEquals([await ask(gateway), await ask(gateway)], [answer, answer]);
        const { nodes } = await gateway.admin("/v1/discovery/kubernetes/nodes?service=default/web");
        assertEquals(nodes.length, 1);
      }
    } finally {
      await Promise.all([six.stop(true), four.stop(true)]);
    }
  });
});

describe("resolve_service_ports", () => {
  test("lets a reference name the Service's own port", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    api.api.apply([
      slice("web", [pods.all[0]!.ip], { name: "web", port: pods.port }),
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web" },
        spec: { ports: [{ name: "web", port: 80, targetPort: "web" }] },
      },
    ]);
    const routes = [{ service: "default/web:80" }];
    await using without = await serve(oneCluster(api, routes));
    assertEquals(await ask(without), "port_unknown");
    await without.stop();
    await using gateway = await serve(oneCluster(api, routes, { resolve_service_ports: true }));
    assertEquals(await ask(gateway), "pod-1");
  });
});

describe("the annotation podway.dev/weight", () => {
  test("sets the weight of an Endpoints object's and a slice's addresses", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    const weight = (value: string) => ({ annotations: { "podway.dev/weight": value } });
    const labels = { "kubernetes.io/service-name": "web" };
    api.api.apply([
      slice("web", [one], pods.port, { suffix: "a", metadata: { name: "web-a", labels, ...weight("10") } }),
      slice("web", [two], pods.port, { suffix: "b", metadata: { name: "web-b", labels, ...weight("90") } }),
      endpoints("old", [one], pods.port, { "podway.dev/weight": "7" }),
    ]);
    await using gateway = await serve(oneCluster(api, [{ service: "web" }]));
    const answers: string[] = [];
    for (let sent = 0; sent < 50; sent++) answers.push(await ask(gateway));
    assertEquals(answers.filter((pod) => pod === "pod-1").length, 5);
    await gateway.stop();
    await using byEndpoints = await serve(oneCluster(api, [], { watch_endpoint_slices: false }));
    const { nodes } = await byEndpoints.admin("/v1/discovery/kubernetes/nodes?service=default/old:http");
    assertEquals(nodes, [{ host: one, port: pods.port, weight: 7 }]);
  });
});
