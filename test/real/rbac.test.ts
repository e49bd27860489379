import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, hostsOf, statusOf, untilHosts, untilState } from "./harness/gateway.ts";
import {
  clusterRole,
  endpointSlice,
  endpoints,
  namespace,
  READ_ENDPOINTS,
  READ_SLICES,
  role,
  serviceAccount,
} from "./harness/manifests.ts";
import { type Pod, startPod } from "./harness/pods.ts";
import { createToken, tokenWithRights } from "./harness/users.ts";

const PORTS = [{ name: "http", port: 8080 }];
const WEB = "rbac/web:http";

let release: RealCluster;
let staging: RealCluster;

beforeAll(async () => {
  [release, staging] = await Promise.all([useCluster("release"), useCluster("staging")]);
  const objects = [
    namespace("rbac"),
    namespace("rbac-other"),
    namespace("rbac-closed"),
    endpoints("rbac", "web", ["10.244.0.30"], PORTS),
    endpoints("rbac-other", "web", ["10.244.0.31"], PORTS),
    endpoints("rbac-closed", "web", ["10.244.0.32"], PORTS),
  ];
  await release.apply(
    ...objects,
    endpointSlice(await release.sliceVersion(), "rbac", "web", "1", ["10.244.0.30"], PORTS),
  );
  await staging.apply(...objects);
}, 120_000);

const account = (name: string): { kind: "ServiceAccount"; name: string; namespace: string } => ({
  kind: "ServiceAccount",
  name,
  namespace: "default",
});

describe("the rights the documents ask for", () => {
  test("list and watch on endpoints, and nothing else, serve watch mode and poll mode", async () => {
    const token = await tokenWithRights(release, "endpoints-only", [READ_ENDPOINTS]);
    const user = "system:serviceaccount:default:endpoints-only";
    await assertRejects(() => release.kubectl("auth", "can-i", "get", "endpoints", "--as", user));
    const block = blockOf(release, { token });
    await using gateway = await gatewayWith([
      { ...block, id: "watched" },
      { ...block, id: "polled", mode: "poll", poll_interval: 200 },
    ]);
    await untilHosts(gateway, `watched/${WEB}`, ["10.244.0.30"]);
    await untilHosts(gateway, `polled/${WEB}`, ["10.244.0.30"]);
    await untilState(gateway, "watching", { id: "watched" });
    await untilState(gateway, "polling", { id: "polled" });
    const refused = (await release.requestsOf(user)).filter(({ status }) => status >= 400);
    assertEquals(refused, []);
  });

  test("list and watch on endpointslices, and nothing else, serve watch mode and poll mode", async () => {
    const token = await tokenWithRights(release, "slices-only", [READ_SLICES]);
    const block = { ...blockOf(release, { token }), watch_endpoint_slices: true };
    await using gateway = await gatewayWith([
      { ...block, id: "watched" },
      { ...block, id: "polled", mode: "poll", poll_interval: 200 },
    ]);
    await untilHosts(gateway, `watched/${WEB}`, ["10.244.0.30"]);
    await untilHosts(gateway, `polled/${WEB}`, ["10.244.0.30"]);
    await untilState(gateway, "watching", { id: "watched" });
  });
});

describe("a user without rights", () => {
  let gateway: GatewayProcess;
  let pod: Pod;

  beforeAll(async () => {
    pod = await startPod("10.244.0.30", "rbac");
    gateway = await gatewayWith(
      [
        { ...blockOf(release, { token: await tokenWithRights(release, "rights") }), id: "release" },
        { ...blockOf(staging, { token: await tokenWithRights(staging, "no-rights", []) }), id: "staging" },
      ],
      {
        routes: [
          { path: "/release", service: `release/${WEB}` },
          { path: "/staging", service: `staging/${WEB}` },
        ],
      },
    );
  });

  afterAll(async () => {
    await gateway?.stop();
    await pod?.kill();
  });

  test("has the state forbidden, with the missing rule in words", async () => {
    const { lastError } = await untilState(gateway, "forbidden", { id: "staging" });
    assertMatch(lastError ?? "", /no-rights/);
    assertMatch(lastError ?? "", /\blist\b/);
    assertMatch(lastError ?? "", /\bendpoints\b/);
  });

  test("leaves the other cluster's nodes and requests alone", async () => {
    await untilHosts(gateway, `release/${WEB}`, ["10.244.0.30"]);
    assertEquals((await gateway.fetch("/release")).status, 200);
    assertEquals((await gateway.fetch("/staging")).status, 503);
    assertEquals((await statusOf(gateway, "release")).lastError, null);
  });

  test("gets the nodes without a restart once kubectl has granted the rule", async () => {
    await staging.apply(...clusterRole("podway-no-rights", [READ_ENDPOINTS], account("no-rights")));
    await untilHosts(gateway, `staging/${WEB}`, ["10.244.0.30"], 60_000);
    assertEquals((await untilState(gateway, "watching", { id: "staging" })).lastError, null);
    assertEquals((await gateway.fetch("/staging")).status, 200);
  });
});

describe("rights that are not enough", () => {
  test("list without watch gives the nodes, and names the rule that is missing", async () => {
    const listOnly = { ...READ_ENDPOINTS, verbs: ["list"] };
    const token = await tokenWithRights(release, "list-only", [listOnly]);
    await using gateway = await gatewayWith(blockOf(release, { token }));
    await untilHosts(gateway, WEB, ["10.244.0.30"]);
    const { lastError } = await untilState(gateway, "forbidden");
    assertMatch(lastError ?? "", /\bwatch\b/);
    assertEquals(await hostsOf(gateway, WEB), ["10.244.0.30"]);
  });

  test("rights that are taken away keep the last nodes and say forbidden", async () => {
    const token = await tokenWithRights(release, "revoked");
    await using gateway = await gatewayWith({ ...blockOf(release, { token }), mode: "poll", poll_interval: 200 });
    await untilHosts(gateway, WEB, ["10.244.0.30"]);
    await release.kubectl("delete", "clusterrolebinding", "podway-revoked");
    const status = await untilState(gateway, "forbidden");
    assertEquals(status.stale, true);
    assertEquals(await hostsOf(gateway, WEB), ["10.244.0.30"]);
  });
});

describe("namespaces", () => {
  test("with a plain Role in each, and no ClusterRole, give the nodes of those namespaces only", async () => {
    await release.apply(
      serviceAccount("default", "two-roles"),
      ...role("rbac", "podway", [READ_ENDPOINTS], account("two-roles")),
      ...role("rbac-other", "podway", [READ_ENDPOINTS], account("two-roles")),
    );
    const block = blockOf(release, { token: await createToken(release, "default", "two-roles") });
    await using gateway = await gatewayWith([
      { ...block, id: "named", namespaces: ["rbac", "rbac-other"] },
      { ...block, id: "polled", namespaces: ["rbac", "rbac-other"], mode: "poll", poll_interval: 200 },
      { ...block, id: "all", required: false },
    ]);
    for (const id of ["named", "polled"]) {
      await untilHosts(gateway, `${id}/rbac/web:http`, ["10.244.0.30"]);
      await untilHosts(gateway, `${id}/rbac-other/web:http`, ["10.244.0.31"]);
      assertEquals(await hostsOf(gateway, `${id}/rbac-closed/web:http`), []);
      assertEquals((await statusOf(gateway, id)).lastError, null);
    }
    // The same user sees nothing at all where it asks for every namespace.
    await untilState(gateway, "forbidden", { id: "all" });
    await release.apply(endpoints("rbac-other", "web", ["10.244.0.31", "10.244.0.33"], PORTS));
    await untilHosts(gateway, "named/rbac-other/web:http", ["10.244.0.31", "10.244.0.33"]);
    await untilHosts(gateway, "polled/rbac-other/web:http", ["10.244.0.31", "10.244.0.33"]);
  });

  test("one without a Role is named in the status while the others are served", async () => {
    await release.apply(
      serviceAccount("default", "one-role"),
      ...role("rbac", "podway-one", [READ_ENDPOINTS], account("one-role")),
    );
    const token = await createToken(release, "default", "one-role");
    await using gateway = await gatewayWith({
      ...blockOf(release, { token }),
      namespaces: ["rbac", "rbac-closed"],
      required: false,
    });
    await untilHosts(gateway, "rbac/web:http", ["10.244.0.30"]);
    const { lastError } = await untilState(gateway, "forbidden");
    assertMatch(lastError ?? "", /rbac-closed/);
    await release.apply(...role("rbac-closed", "podway-one", [READ_ENDPOINTS], account("one-role")));
    await untilHosts(gateway, "rbac-closed/web:http", ["10.244.0.32"], 60_000);
    await until(async () => (await statusOf(gateway)).lastError === null, { message: "the error to be over" });
    assert((await statusOf(gateway)).state === "watching");
  });
});
