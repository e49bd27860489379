import { afterAll, beforeAll, describe, test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, hostsOf, nodesOf, untilHosts } from "./harness/gateway.ts";
import { endpoints, namespace } from "./harness/manifests.ts";
import { type Pod, startPod } from "./harness/pods.ts";
import { tokenWithRights } from "./harness/users.ts";

const PORTS = [{ name: "http", port: 8080 }];

let release: RealCluster;
let staging: RealCluster;
let gateway: GatewayProcess;
let pods: Pod[];

beforeAll(async () => {
  [release, staging] = await Promise.all([useCluster("release"), useCluster("staging")]);
  pods = await Promise.all([startPod("10.244.0.70", "of-release"), startPod("10.244.0.71", "of-staging")]);
  await release.apply(namespace("clusters"), endpoints("clusters", "web", ["10.244.0.70"], PORTS));
  await staging.apply(namespace("clusters"), endpoints("clusters", "web", ["10.244.0.71"], PORTS));
  gateway = await gatewayWith(
    [
      { ...blockOf(release, { token: await tokenWithRights(release, "clusters") }), id: "release" },
      { ...blockOf(staging, { token: await tokenWithRights(staging, "clusters") }), id: "staging" },
    ],
    {
      routes: [
        { path: "/release", service: "release/clusters/web:http" },
        { path: "/staging", service: "clusters/web:http", cluster: "staging" },
      ],
    },
  );
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all((pods ?? []).map((pod) => pod.kill()));
});

const podBehind = async (path: string): Promise<string> =>
  ((await (await gateway.fetch(path)).json()) as { pod: string }).pod;

describe("two clusters", () => {
  test("are told apart by the id in id/namespace/name:port", async () => {
    await untilHosts(gateway, "release/clusters/web:http", ["10.244.0.70"]);
    await untilHosts(gateway, "staging/clusters/web:http", ["10.244.0.71"]);
  });

  test("serve the routes that name them in the reference or by `cluster`", async () => {
    assertEquals(await podBehind("/release/x"), "of-release");
    assertEquals(await podBehind("/staging/x"), "of-staging");
  });

  test("change each by itself", async () => {
    await staging.apply(endpoints("clusters", "web", ["10.244.0.71", "10.244.0.72"], PORTS));
    await untilHosts(gateway, "staging/clusters/web:http", ["10.244.0.71", "10.244.0.72"]);
    assertEquals(await hostsOf(gateway, "release/clusters/web:http"), ["10.244.0.70"]);
  });

  test("are listed when a reference names one that does not exist", async () => {
    const { nodes, code, reason, available } = await nodesOf(gateway, "relase/clusters/web:http");
    assertEquals({ nodes, code }, { nodes: [], code: "service_unknown" });
    assertMatch([reason, ...(available ?? [])].join(" "), /release.*staging/);
  });
});
