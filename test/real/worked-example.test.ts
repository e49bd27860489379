import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { type GatewayProcess, runCommand } from "../helpers/gateway-process.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, nodesOf, untilHosts } from "./harness/gateway.ts";
import { endpoints } from "./harness/manifests.ts";
import { tokenWithRights } from "./harness/users.ts";

const HOSTS = ["10.5.10.109", "10.5.10.110"];
const NODES = HOSTS.map((host) => ({ host, port: 3306, weight: 50 }));
const SINGLE = "default/plat-dev:port";
const MULTI = "release/default/plat-dev:port";

interface DumpShape {
  config: unknown;
  endpoints: { id?: string; endpoints: { name: string; value: string }[] }[];
}

const dumpOf = async (gateway: GatewayProcess): Promise<DumpShape> =>
  (await (await gateway.admin("/v1/discovery/kubernetes/dump")).json()) as DumpShape;

let release: RealCluster;
let staging: RealCluster;
let token: string;
let single: GatewayProcess;
let multi: GatewayProcess;

beforeAll(async () => {
  [release, staging] = await Promise.all([useCluster("release"), useCluster("staging")]);
  await release.apply(endpoints("default", "plat-dev", HOSTS, [{ name: "port", port: 3306 }]));
  await staging.apply(endpoints("default", "plat-dev", ["10.5.20.1"], [{ name: "port", port: 3306 }]));
  token = await tokenWithRights(release, "worked-example");
  const stagingToken = await tokenWithRights(staging, "worked-example");
  single = await gatewayWith({ ...blockOf(release, { token }), namespace_selector: { equal: "default" } });
  multi = await gatewayWith([
    { ...blockOf(release, { token }), id: "release", namespace_selector: { equal: "default" } },
    { ...blockOf(staging, { token: stagingToken }), id: "staging", default_weight: 7 },
  ]);
}, 120_000);

afterAll(async () => {
  await single?.stop();
  await multi?.stop();
});

describe("the worked example", () => {
  test("nodes of namespace/name:port are the two addresses with weight 50", async () => {
    await untilHosts(single, SINGLE, HOSTS);
    assertEquals(await nodesOf(single, SINGLE), { service: SINGLE, nodes: NODES });
  });

  test("nodes of id/namespace/name:port are the same in multi-cluster mode", async () => {
    await untilHosts(multi, MULTI, HOSTS);
    assertEquals(await nodesOf(multi, MULTI), { service: MULTI, nodes: NODES });
  });

  test("another cluster's service of the same name has its own nodes and weight", async () => {
    await untilHosts(multi, "staging/default/plat-dev:port", ["10.5.20.1"]);
    const { nodes } = await nodesOf(multi, "staging/default/plat-dev:port");
    assertEquals(nodes, [{ host: "10.5.20.1", port: 3306, weight: 7 }]);
  });

  test("the dump has APISIX's shape: nodes by port as JSON text, no id with a single cluster", async () => {
    await untilHosts(single, SINGLE, HOSTS);
    const dump = await dumpOf(single);
    assertEquals(dump.endpoints.length, 1);
    assertEquals("id" in dump.endpoints[0]!, false);
    const entry = dump.endpoints[0]!.endpoints.find(({ name }) => name === "default/plat-dev");
    assertEquals(JSON.parse(entry!.value), { port: NODES });
    assertObjectMatch((dump.config as object[])[0]!, { namespace_selector: { equal: "default" }, default_weight: 50 });
  });

  test("the dump names each cluster by its id with several", async () => {
    await untilHosts(multi, MULTI, HOSTS);
    const dump = await dumpOf(multi);
    assertEquals(
      [dump.endpoints, dump.config as { id: string }[]].map((list) => list.map(({ id }) => id)),
      [
        ["release", "staging"],
        ["release", "staging"],
      ],
    );
    const entry = dump.endpoints[0]!.endpoints.find(({ name }) => name === "default/plat-dev");
    assertEquals(JSON.parse(entry!.value), { port: NODES });
  });

  test("the dump, the routes and the log hold no token", async () => {
    const texts = await Promise.all([
      single.admin("/v1/discovery/kubernetes/dump").then((answer) => answer.text()),
      single.admin("/v1/routes").then((answer) => answer.text()),
      single.admin("/v1/discovery/kubernetes/status").then((answer) => answer.text()),
    ]);
    for (const text of [...texts, ...single.stdout, ...single.stderr]) assertEquals(text.includes(token), false, text);
  });

  test("the command `nodes` prints them from a config file alone, and exits 0", async () => {
    const { code, stdout, stderr } = await runCommand(["nodes", SINGLE, "--config", single.configFile, "--json"]);
    assertEquals({ code, stderr: code === 0 ? "" : stderr }, { code: 0, stderr: "" });
    assertEquals((JSON.parse(stdout) as { nodes: unknown }).nodes, NODES);
  });

  test("the command `nodes` exits 1 for a port that does not exist, and names those that do", async () => {
    const reference = "default/plat-dev:prt";
    const { code, stdout, stderr } = await runCommand(["nodes", reference, "--config", single.configFile]);
    assertEquals(code, 1);
    assert(/\bport\b/.test((stdout + stderr).replaceAll(reference, "")), stdout + stderr);
  });
});
