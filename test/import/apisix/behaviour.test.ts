import { describe, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { isSeq, parseDocument } from "yaml";
import { endpoints } from "../../gateway/objects.ts";
import { type ServedGateway, serve } from "../../gateway/support.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { type ServedApiserver, serveEmbedded } from "../../helpers/embedded.ts";
import { until } from "../../helpers/wait.ts";
import { type Ask, CASES } from "./cases.ts";
import {
  fixtureFiles,
  fixtureNames,
  type Got,
  imported,
  openStage,
  type Stage,
  send,
  servable,
  verify,
} from "./support.ts";

const ENV = { ROSE_KEY: "rose-key", K8S_TOKEN: "token" };

/** Two clusters that have the fixtures' services, each with the nodes of the stage. */
async function clusters(stage: Stage, first: ServedApiserver, second: ServedApiserver): Promise<void> {
  const port = (fixture: number): number => Number(stage.withPorts(String(fixture)));
  const labelled = (object: object): object => ({
    ...object,
    metadata: { ...(object as { metadata: object }).metadata, labels: { tier: "web" } },
  });
  const two = [
    { name: "http", port: port(1980) },
    { name: "metrics", port: port(1981) },
  ];
  first.api.apply(labelled(endpoints("shop/cart", ["127.0.0.1"], two)));
  first.api.apply(endpoints("shop/plain", ["127.0.0.1"], two));
  first.api.apply(labelled(endpoints("secret/vault", ["127.0.0.1"], two)));
  first.api.apply(endpoints("default/plat-dev", ["127.0.0.1"], [{ name: "port", port: port(1980) }]));
  second.api.apply({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "plat-dev-1", namespace: "default", labels: { "kubernetes.io/service-name": "plat-dev" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "port", port: port(1981) }],
  });
}

const WALK_THROUGHS = join(import.meta.dir, "../../fixtures/config/apisix");

/**
 * What a walk-through says of its cluster, said of the stage's: its address, without TLS, and a token that is there. The
 * rest of the text stays as it was printed.
 */
function atStage(text: string, { url }: ServedApiserver): string {
  const document = parseDocument(text);
  const clusters = document.getIn(["discovery", "kubernetes"]);
  const places = isSeq(clusters) ? clusters.items.map((_, index) => [index]) : [[]];
  for (const place of places) {
    const at = ["discovery", "kubernetes", ...place];
    const { port } = new URL(url);
    document.setIn([...at, "service"], { schema: "http", host: "127.0.0.1", port: Number(port) });
    document.setIn([...at, "client"], { token: "a-token" });
  }
  return document.toString({ lineWidth: 0 });
}

/** Serves a fixture, imported, with real servers behind it. */
async function withFixture(name: string, run: (gateway: ServedGateway, stage: Stage) => Promise<void>): Promise<void> {
  await using first = await serveEmbedded();
  await using second = await serveEmbedded();
  const portOf = ({ url }: ServedApiserver): number => Number(new URL(url).port);
  await using stage = await openStage({ 16443: portOf(first), 16444: portOf(second) });
  await clusters(stage, first, second);
  const files = (await fixtureFiles(name)).map((file) => ({ ...file, content: stage.withPorts(file.content) }));
  await using gateway = await serve(servable(imported(files).gateway), { env: ENV });
  await run(gateway, stage);
}

describe("an imported configuration does what APISIX's documentation says", () => {
  for (const [name, { asks }] of Object.entries(CASES)) {
    if (asks.length === 0) continue;
    test(name, async () => {
      await withFixture(name, async (gateway, stage) => {
        for (const ask of asks) await verify(gateway, stage, ask);
      });
    });
  }

  test("there is a case for every fixture", async () => {
    assertEquals(Object.keys(CASES).sort(), await fixtureNames());
  });

  /** How often each server answers. */
  async function counted(gateway: ServedGateway, path: string, times: number): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (let i = 0; i < times; i++) {
      const { server } = (await (await gateway.fetch(path)).json()) as Got;
      counts[server] = (counts[server] ?? 0) + 1;
    }
    return counts;
  }

  test("weights: nodes take turns by their weight, and one of weight 0 gets nothing", async () => {
    await withFixture("weights", async (gateway) => {
      assertEquals(await counted(gateway, "/weighted", 8), { 1980: 6, 1981: 2 });
    });
  });

  test("canary: requests are shared out by the weights of traffic-split", async () => {
    await withFixture("canary", async (gateway) => {
      assertEquals(await counted(gateway, "/headers", 10), { 1980: 4, 1981: 6 });
    });
  });

  test("consistent-hash: requests with the same key go to the same node, others to others", async () => {
    await withFixture("consistent-hash", async (gateway) => {
      const asks: ((key: string) => Ask)[] = [
        (key) => ({ ask: `GET /arg?user=${key}` }),
        (key) => ({ ask: "GET /header", headers: { "x-user": key } }),
        (key) => ({ ask: "GET /cookie", headers: { cookie: `sid=${key}` } }),
      ];
      for (const ask of asks) {
        const servers = new Set<string>();
        for (let i = 0; i < 20; i++) {
          const one = async () => ((await (await send(gateway, ask(`key-${i}`))).json()) as Got).server;
          const [a, b] = [await one(), await one()];
          assertEquals(a, b);
          servers.add(a);
        }
        assert(servers.size > 1, ask("k").ask);
      }
    });
  });

  test("limit-conn: a second request at a time is refused", async () => {
    await withFixture("limit-conn", async (gateway) => {
      const first = gateway.fetch("/slow");
      const second = until(
        async () => {
          const answer = await gateway.fetch("/slow");
          await answer.body?.cancel();
          return answer.status === 429;
        },
        { interval: 20, message: "the second one is refused" },
      );
      assertEquals([await second, (await first).status], [true, 200]);
    });
  });

  for (const { file, service } of [
    { file: "single.en.yaml", service: "default/plat-dev:port" },
    { file: "single.zh.yaml", service: "default/plat-dev:port" },
    { file: "multi.en.yaml", service: "release/default/plat-dev:port" },
    { file: "multi.zh.yaml", service: "release/default/plat-dev:port" },
    { file: "minimal.en.yaml", service: "default/plat-dev:port" },
    { file: "out-of-pod.en.yaml", service: "default/plat-dev:port" },
  ]) {
    test(`${file} of APISIX's page on Kubernetes discovery: its service is found`, async () => {
      await using api = await serveEmbedded();
      await using stage = await openStage();
      const object = endpoints(
        "default/plat-dev",
        ["127.0.0.1"],
        [{ name: "port", port: Number(stage.withPorts("1980")) }],
      );
      const { metadata } = object as { metadata: object };
      api.api.apply({ ...object, metadata: { ...metadata, labels: { first: "a", second: "b" } } });
      const upstream = { type: "roundrobin", service_name: service, discovery_type: "kubernetes" };
      const { gateway: text } = imported([
        { name: file, content: await readFile(join(WALK_THROUGHS, file), "utf8") },
        { name: "apisix.yaml", content: JSON.stringify({ routes: [{ uri: "/plat", upstream }] }) },
      ]);
      await using gateway = await serve(servable(atStage(text, api)), {
        env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(new URL(api.url).port) },
      });
      assertEquals(((await (await gateway.fetch("/plat")).json()) as Got).server, "1980");
    });
  }

  test("retries: a discovered service's addresses are all tried, as fixed nodes are", async () => {
    await using api = await serveEmbedded();
    await using stage = await openStage();
    const port = Number(stage.withPorts("1980"));
    const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];
    api.api.apply(endpoints("default/rt", addresses, [{ name: "http", port }]));
    const service = { schema: "http", host: "127.0.0.1", port: Number(new URL(api.url).port) };
    const upstream = { type: "roundrobin", service_name: "default/rt:http", discovery_type: "kubernetes" };
    const { gateway: text } = imported([
      {
        name: "config.yaml",
        content: JSON.stringify({ discovery: { kubernetes: { service, client: { token: "t" } } } }),
      },
      { name: "apisix.yaml", content: JSON.stringify({ routes: [{ uri: "/rt", upstream }] }) },
    ]);
    await using gateway = await serve(servable(text));
    for (let i = 0; i < 8; i++) assertEquals((await gateway.fetch("/rt")).status, 200);
  });

  test("streams: connections reach a node that is there", async () => {
    await using stage = await openStage();
    const files = (await fixtureFiles("streams")).map((file) => ({ ...file, content: stage.withPorts(file.content) }));
    const port = await closedPort();
    const text = imported(files).gateway.replace("127.0.0.1:9100", `127.0.0.1:${port}`);
    await using _gateway = await serve(servable(text));
    for (let i = 0; i < 4; i++) {
      const got = (await (await fetch(`http://127.0.0.1:${port}/x`, { keepalive: false })).json()) as Got;
      assertEquals([got.server, got.target], ["1980", "/x"]);
    }
  });

  test("health-checks: a node that fails its probes gets no requests", async () => {
    await withFixture("health-checks", async (gateway) => {
      const healthy = async () => (await counted(gateway, "/watched", 6))["1985"] === undefined;
      await until(healthy, { interval: 100, message: "the node is left out" });
      assertEquals(await counted(gateway, "/watched", 6), { 1980: 6 });
    });
  });
});
