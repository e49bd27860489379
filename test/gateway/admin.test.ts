import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, endpoints, oneCluster, slice } from "./objects.ts";
import { type ServedGateway, serve } from "./support.ts";

const PLAT_DEV = endpoints("plat-dev", ["10.5.10.109", "10.5.10.110"], { name: "port", port: 3306 });
const TWO = [
  { host: "10.5.10.109", port: 3306, weight: 50 },
  { host: "10.5.10.110", port: 3306, weight: 50 },
];

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
const nodesOf = (gateway: ServedGateway, service: string, more = ""): Promise<any> =>
  gateway.admin(`/v1/discovery/kubernetes/nodes?service=${encodeURIComponent(service)}${more}`);

const hostsOf = async (gateway: ServedGateway, service: string): Promise<string[]> =>
  (await nodesOf(gateway, service)).nodes.map(({ host, port }: { host: string; port: number }) => `${host}:${port}`);

describe("the documents' worked example", () => {
  test("is two nodes of weight 50 in single-cluster mode, and a dump without ids", async () => {
    await using api = await serveEmbedded();
    api.api.apply(PLAT_DEV);
    const settings = { watch_endpoint_slices: false, client: { token: "t0p-secret" } };
    await using gateway = await serve(oneCluster(api, [], settings));
    assertEquals(await nodesOf(gateway, "default/plat-dev:port"), { service: "default/plat-dev:port", nodes: TWO });
    const dump = await gateway.admin("/v1/discovery/kubernetes/dump");
    assertEquals(dump.endpoints, [{ endpoints: [{ name: "default/plat-dev", value: JSON.stringify({ port: TWO }) }] }]);
    assertEquals(dump.config.length, 1);
    const [shown] = dump.config;
    assertEquals([shown.client.token, shown.service.host], ["xxx", "127.0.0.1"]);
    assertEquals([typeof shown.service.port, "id" in shown], ["string", false]);
  });

  test("is the same with the cluster's id in multi-cluster mode, and the dump names each cluster", async () => {
    await using release = await serveEmbedded();
    await using debug = await serveEmbedded();
    release.api.apply(PLAT_DEV);
    debug.api.apply(endpoints("plat-dev", ["10.9.0.1"], { name: "port", port: 1 }));
    const block = (id: string, api: typeof release) => ({ id, ...clusterBlock(api, { watch_endpoint_slices: false }) });
    await using gateway = await serve({
      discovery: { kubernetes: [block("release", release), block("debug", debug)] },
      routes: [],
    });
    assertEquals((await nodesOf(gateway, "release/default/plat-dev:port")).nodes, TWO);
    assertEquals(await hostsOf(gateway, "debug/default/plat-dev:port"), ["10.9.0.1:1"]);
    const none = await nodesOf(gateway, "default/plat-dev:port");
    assertEquals([none.nodes, none.available], [[], ["release", "debug"]]);
    const dump = await gateway.admin("/v1/discovery/kubernetes/dump");
    assertEquals(
      dump.endpoints.map(({ id, endpoints }: { id: string; endpoints: { name: string }[] }) => [
        id,
        endpoints[0]!.name,
      ]),
      [
        ["release", "default/plat-dev"],
        ["debug", "default/plat-dev"],
      ],
    );
    assertEquals(
      dump.config.map(({ id }: { id: string }) => id),
      ["release", "debug"],
    );
  });
});

describe("EndpointSlices through the admin API", () => {
  test("are united without duplicates, and a missing ready means ready", async () => {
    await using api = await serveEmbedded();
    api.api.apply([
      slice("web", ["10.0.0.1", "10.0.0.2"], 80, { suffix: "a" }),
      slice("web", ["10.0.0.2", { addresses: ["10.0.0.3"] }], 80, { suffix: "b" }),
      slice("web", [{ addresses: ["10.0.0.4"], conditions: { ready: false } }], 80, { suffix: "c" }),
    ]);
    await using gateway = await serve(oneCluster(api, []));
    assertEquals(await hostsOf(gateway, "default/web:http"), ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]);
    assertEquals((await nodesOf(gateway, "default/web:http")).nodes[1].weight, 50);
    api.api.remove("EndpointSlice", "default", "web-a");
    await until(async () => (await hostsOf(gateway, "default/web:http")).length === 2, { message: "one is gone" });
    assertEquals(await hostsOf(gateway, "default/web:http"), ["10.0.0.2:80", "10.0.0.3:80"]);
    api.api.apply(slice("web", [], 80, { suffix: "b" }));
    await until(async () => (await hostsOf(gateway, "default/web:http")).length === 0, { message: "it is empty" });
    const empty = await nodesOf(gateway, "default/web:http");
    assertEquals([empty.code, empty.reason], ["no_endpoints", "none of 1 endpoints is ready"]);
  });

  test("that terminate are used while they serve and nobody else is ready", async () => {
    await using api = await serveEmbedded();
    const leaving = { addresses: ["10.0.0.1"], conditions: { ready: false, serving: true, terminating: true } };
    const dead = { addresses: ["10.0.0.2"], conditions: { ready: false, serving: false, terminating: true } };
    api.api.apply(slice("web", [leaving, dead, "10.0.0.3"], 80));
    await using gateway = await serve(oneCluster(api, []));
    assertEquals(await hostsOf(gateway, "default/web:http"), ["10.0.0.3:80"]);
    api.api.apply(slice("web", [leaving, dead], 80));
    await until(async () => (await hostsOf(gateway, "default/web:http"))[0] === "10.0.0.1:80", { message: "fallback" });
    assertEquals(await hostsOf(gateway, "default/web:http"), ["10.0.0.1:80"]);
    api.api.apply(slice("web", [dead], 80));
    await until(async () => (await hostsOf(gateway, "default/web:http")).length === 0, { message: "none is left" });
    assertMatch((await nodesOf(gateway, "default/web:http")).reason, /terminating/);
  });

  test("with IPv6, unnamed ports and several ports are found by name, number and alone", async () => {
    await using api = await serveEmbedded();
    api.api.apply([
      slice("six", ["fd00::5"], { name: null, port: 8080 }, { addressType: "IPv6" }),
      slice("plain", ["10.0.0.1"], { port: 8081 }),
      slice(
        "two",
        ["10.0.0.2"],
        [
          { name: "http", port: 80 },
          { name: "admin", port: 81 },
        ],
      ),
    ]);
    await using gateway = await serve(oneCluster(api, []));
    assertEquals((await nodesOf(gateway, "default/six:8080")).nodes, [{ host: "fd00::5", port: 8080, weight: 50 }]);
    assertEquals(await hostsOf(gateway, "default/plain:8081"), ["10.0.0.1:8081"]);
    assertEquals(await hostsOf(gateway, "default/plain"), ["10.0.0.1:8081"]);
    assertEquals(await hostsOf(gateway, "default/two:admin"), ["10.0.0.2:81"]);
    assertEquals(await hostsOf(gateway, "default/two:81"), ["10.0.0.2:81"]);
    const miss = await nodesOf(gateway, "default/two:nope");
    assertEquals(miss.code, "port_unknown");
    assertMatch(miss.reason, /http.*admin/);
  });

  test("of 15 slices with 1,500 endpoints are all there", async () => {
    await using api = await serveEmbedded();
    const slices = Array.from({ length: 15 }, (_, part) =>
      slice(
        "big",
        Array.from({ length: 100 }, (_, n) => `10.1.${part}.${n}`),
        80,
        { suffix: `${part}` },
      ),
    );
    api.api.apply(slices);
    await using gateway = await serve(oneCluster(api, []));
    const hosts = await hostsOf(gateway, "default/big:http");
    assertEquals([hosts.length, new Set(hosts).size], [1500, 1500]);
    const [cluster] = (await gateway.admin("/v1/discovery/kubernetes/status")).clusters;
    assertEquals([cluster.services, cluster.endpoints], [1, 1500]);
  });
});

describe("why a service has no nodes", () => {
  test("is told for each cause: no service, no port, none ready, filtered, forbidden, never synced", async () => {
    await using api = await serveEmbedded();
    const unready = { addresses: ["10.0.0.1"], conditions: { ready: false } };
    api.api.apply([slice("web", ["10.0.0.2"], 80), slice("unready", [unready], 80), slice("other/app", [], 80)]);
    const filtered = { namespace_selector: { equal: "default" } };
    const reasons: Record<string, string> = {};
    {
      await using gateway = await serve(oneCluster(api, [], filtered));
      for (const service of ["default/absent:http", "default/web:nope", "default/unready:http", "other/app:http"]) {
        reasons[service] = (await nodesOf(gateway, service)).reason;
      }
      const verbose = await nodesOf(gateway, "default/unready:http", "&verbose=1");
      assertEquals(verbose.excluded[0].conditions, { ready: false, serving: false, terminating: false });
      assertEquals(verbose.excluded[0].slice, "unready-1");
    }
    api.api.settings.authorize = () => false;
    await using gateway = await serve(oneCluster(api, []), { until: "listening" });
    const forbidden = await until(
      async () => {
        const { reason } = (await nodesOf(gateway, "default/web:http")) as { reason: string };
        return /forbidden/.test(reason) && reason;
      },
      { message: "the refusal is known" },
    );
    assertMatch(reasons["default/absent:http"]!, /no EndpointSlice of service absent.*services there: unready, web/);
    assertMatch(reasons["default/web:nope"]!, /no port nope; ports: .*http/);
    assertMatch(reasons["default/unready:http"]!, /none of 1 endpoints is ready/);
    assertMatch(reasons["other/app:http"]!, /namespace other is filtered out by namespace_selector/);
    assertMatch(forbidden, /never synced: the state is forbidden.*ClusterRole.*endpointslices.*list, watch/);
  });
});

describe("the status, the routes and the probes", () => {
  test("tell mode, state, version, counts and ages of each cluster, and routes with their defaults", async () => {
    await using api = await serveEmbedded();
    api.api.apply(slice("web", ["10.0.0.1"], 80));
    await using gateway = await serve(oneCluster(api, [{ id: "r1", path: "/a", service: "web" }]));
    // The list makes it ready, the watch comes a moment later.
    const status = await until(
      async () => {
        const { clusters } = await gateway.admin("/v1/discovery/kubernetes/status");
        return clusters[0].state === "watching" && clusters[0];
      },
      { message: "the watch" },
    );
    const { ages, resourceVersion, ...rest } = status;
    assertEquals(resourceVersion, api.api.resourceVersion);
    assertEquals([typeof ages.list, ages.list < 5], ["number", true]);
    assertEquals(
      [rest.state, rest.stale, rest.mode, rest.required, rest.services, rest.endpoints, rest.lastError],
      ["watching", false, "watch", true, 1, 1, null],
    );
    const { routes } = await gateway.admin("/v1/routes");
    assertEquals([routes[0].id, routes[0].balancer, routes[0].timeouts.response], ["r1", "round_robin", 60_000]);
    assertEquals((await fetch(`${gateway.adminUrl}/nowhere`)).status, 404);
  });

  test("off loopback a token is required by the config and by every path but the probes", async () => {
    await using open = await serve({ admin: { listen: "0.0.0.0:0", token: "adm1n-token" } });
    for (const path of ["/v1/routes", "/v1/discovery/kubernetes/dump", "/v1/discovery/kubernetes/status"]) {
      assertEquals((await fetch(open.adminUrl + path)).status, 401);
      const headers = { authorization: "Bearer adm1n-token" };
      assertEquals((await fetch(open.adminUrl + path, { headers })).status, 200);
    }
    for (const path of ["/healthz", "/readyz"]) assertEquals((await fetch(open.adminUrl + path)).status, 200);
    await open.stop();
    const refused = await serve({ admin: { listen: "0.0.0.0:0" } }).catch((error: Error) => error);
    assert(refused instanceof Error && refused.message.includes("admin.token"), String(refused));
  });
});

describe("the config in force", () => {
  test("is shown with its file and hash, defaults filled in and without secrets, and follows reloads", async () => {
    const config = (path: string): object => ({
      routes: [
        { id: "a", path, nodes: [{ host: "127.0.0.1", port: 1 }], request_headers: { set: { "x-shared": "SEKRIT" } } },
      ],
    });
    await using gateway = await serve(config("/a"));
    const before = await gateway.admin("/v1/config");
    assertEquals([before.file, before.current, typeof before.hash], [gateway.configFile, true, "number"]);
    const [route] = before.config.routes;
    assertEquals(
      [route.path, route.timeouts.connect, route.request_headers.set],
      [{ prefix: "/a" }, 2000, { "x-shared": "xxx" }],
    );
    assertEquals(before.config.server.access_log, "json");
    const metrics = async (): Promise<string> => (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert((await metrics()).includes(`podway_config_hash ${before.hash}\n`));
    await gateway.writeConfig(config("/b"));
    await until(async () => (await gateway.admin("/v1/config")).hash !== before.hash, { message: "the reload shows" });
    const after = await gateway.admin("/v1/config");
    assertEquals([after.config.routes[0].path, after.since >= before.since], [{ prefix: "/b" }, true]);
    await gateway.writeConfig("");
    await until(async () => (await gateway.admin("/v1/config")).current === false, { message: "the refusal shows" });
    assertEquals((await gateway.admin("/v1/config")).hash, after.hash);
  });
});
