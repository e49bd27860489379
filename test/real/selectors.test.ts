import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { type GatewayProcess, runCommand } from "../helpers/gateway-process.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import { blockOf, gatewayWith, nodesOf, untilHosts, untilState } from "./harness/gateway.ts";
import { endpoints, namespace } from "./harness/manifests.ts";
import { tokenWithRights } from "./harness/users.ts";

const PORTS = [{ name: "http", port: 8080 }];
const NAMESPACES = ["sel-a", "sel-b", "sel-prod-1", "sel-prod-2", "sel-prod"];

/** One cluster block per selector, all on the same apiserver: an id is what its selector does. */
const SELECTORS = {
  "equal-a": { namespace_selector: { equal: "sel-a" } },
  "not-equal-a": { namespace_selector: { not_equal: "sel-a" } },
  "match-prod": { namespace_selector: { match: ["sel-prod-[0-9]", "sel-b"] } },
  "match-part": { namespace_selector: { match: ["sel-pro"] } },
  "not-match-prod": { namespace_selector: { not_match: ["sel-prod-[0-9]", "sel-b"] } },
  "labels-and": { label_selector: "tier=front,track!=canary" },
  "labels-quoted": { label_selector: 'tier="front",track="stable"' },
  "labels-in": { label_selector: "track in (canary, stable)" },
};

/** Where a parser of one's own easily differs from the apiserver's. */
const ODD_SELECTORS = [
  "tier=front,,(",
  `tier=${"x".repeat(63)}`,
  `tier=${"x".repeat(64)}`,
  "tier == front , !canary",
  "tier=",
  "tier in ()",
  "tier in (front,)",
  "tier notin (a b)",
  "weight>10,weight<20",
  "weight>ten",
  "example.com/tier=front",
  "ex_ample.com/tier=front",
  "a/b/c=d",
  "in=notin",
  "exists,",
];

let release: RealCluster;
let gateway: GatewayProcess;

beforeAll(async () => {
  release = await useCluster("release");
  await release.apply(
    ...NAMESPACES.map(namespace),
    ...NAMESPACES.map((ns, i) => endpoints(ns, "web", [`10.244.0.${40 + i}`], PORTS)),
    endpoints("sel-a", "stable", ["10.244.0.50"], PORTS, { labels: { tier: "front", track: "stable" } }),
    endpoints("sel-a", "canary", ["10.244.0.51"], PORTS, { labels: { tier: "front", track: "canary" } }),
    endpoints("sel-a", "moving", ["10.244.0.52"], PORTS, { labels: { tier: "back" } }),
  );
  const block = blockOf(release, { token: await tokenWithRights(release, "selectors") });
  gateway = await gatewayWith(Object.entries(SELECTORS).map(([id, selector]) => ({ ...block, ...selector, id })));
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
});

/** The namespaces whose service `web` is seen through the selector. */
async function seen(id: string): Promise<string[]> {
  const answers = await Promise.all(NAMESPACES.map((ns) => nodesOf(gateway, `${id}/${ns}/web:http`)));
  return NAMESPACES.filter((_, i) => answers[i]!.nodes.length > 0);
}

describe("a namespace selector on a real apiserver", () => {
  test("equal keeps one namespace", async () => {
    await untilHosts(gateway, "equal-a/sel-a/web:http", ["10.244.0.40"]);
    assertEquals(await seen("equal-a"), ["sel-a"]);
  });

  test("not_equal drops one namespace", async () => {
    await untilHosts(gateway, "not-equal-a/sel-b/web:http", ["10.244.0.41"]);
    assertEquals(await seen("not-equal-a"), ["sel-b", "sel-prod-1", "sel-prod-2", "sel-prod"]);
  });

  test("match keeps the namespaces of which any expression matches the whole name", async () => {
    await untilHosts(gateway, "match-prod/sel-b/web:http", ["10.244.0.41"]);
    assertEquals(await seen("match-prod"), ["sel-b", "sel-prod-1", "sel-prod-2"]);
  });

  test("match does not keep a namespace for a part of its name", async () => {
    await untilState(gateway, "watching", { id: "match-part" });
    assertEquals(await seen("match-part"), []);
  });

  test("not_match drops the namespaces of which any expression matches the whole name", async () => {
    await untilHosts(gateway, "not-match-prod/sel-a/web:http", ["10.244.0.40"]);
    assertEquals(await seen("not-match-prod"), ["sel-a", "sel-prod"]);
  });

  test("a service of a namespace that was dropped is unknown, as if it were not there", async () => {
    assertEquals((await nodesOf(gateway, "equal-a/sel-b/web:http")).code, "service_unknown");
  });

  test("a namespace made later is seen when the selector keeps it, and only then", async () => {
    await release.apply(
      namespace("sel-prod-3"),
      namespace("sel-prod-x"),
      endpoints("sel-prod-x", "web", ["10.244.0.46"], PORTS),
      endpoints("sel-prod-3", "web", ["10.244.0.45"], PORTS),
    );
    await untilHosts(gateway, "match-prod/sel-prod-3/web:http", ["10.244.0.45"]);
    await untilHosts(gateway, "not-match-prod/sel-prod-x/web:http", ["10.244.0.46"]);
    assertEquals((await nodesOf(gateway, "match-prod/sel-prod-x/web:http")).nodes, []);
    assertEquals((await nodesOf(gateway, "not-match-prod/sel-prod-3/web:http")).nodes, []);
  });
});

describe("a label selector on a real apiserver", () => {
  test("keeps the services whose labels fit", async () => {
    await untilHosts(gateway, "labels-and/sel-a/stable:http", ["10.244.0.50"]);
    assertEquals((await nodesOf(gateway, "labels-and/sel-a/canary:http")).nodes, []);
    assertEquals((await nodesOf(gateway, "labels-and/sel-a/web:http")).nodes, []);
  });

  test("may hold APISIX's quotes, which the apiserver would refuse: they are dropped with a warning", async () => {
    await untilHosts(gateway, "labels-quoted/sel-a/stable:http", ["10.244.0.50"]);
    assertEquals((await nodesOf(gateway, "labels-quoted/sel-a/canary:http")).nodes, []);
    assertMatch(gateway.stderr.join("\n"), /label_selector.*quot|quot.*label_selector/i);
  });

  test("may be a set expression", async () => {
    await untilHosts(gateway, "labels-in/sel-a/canary:http", ["10.244.0.51"]);
    await untilHosts(gateway, "labels-in/sel-a/stable:http", ["10.244.0.50"]);
  });

  test("follows a label that is set and removed with kubectl", async () => {
    await untilHosts(gateway, "labels-and/sel-a/moving:http", []);
    await release.kubectl("label", "endpoints", "moving", "-n", "sel-a", "--overwrite", "tier=front");
    await untilHosts(gateway, "labels-and/sel-a/moving:http", ["10.244.0.52"]);
    await release.kubectl("label", "endpoints", "moving", "-n", "sel-a", "tier-");
    await untilHosts(gateway, "labels-and/sel-a/moving:http", []);
  });

  test("is accepted by `check` exactly when the apiserver's own parser accepts it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-selectors-"));
    const verdicts = await Promise.all(
      ODD_SELECTORS.map(async (selector, i) => {
        const file = join(folder, `${i}.yaml`);
        const kubernetes = { ...blockOf(release, { token: "any" }), label_selector: selector };
        await writeFile(file, JSON.stringify({ discovery: { kubernetes } }));
        const { code, stderr, stdout } = await runCommand(["check", file]);
        if (code !== 0) assertMatch(stderr + stdout, new RegExp(`${i}\\.yaml:\\d+:\\d+: .*label_selector`));
        const query = `labelSelector=${encodeURIComponent(selector)}`;
        const apiserver = await release.kubectl("get", "--raw", `/api/v1/endpoints?${query}`).then(
          () => "accepted",
          () => "refused",
        );
        return { selector, check: code === 0 ? "accepted" : "refused", apiserver };
      }),
    );
    await rm(folder, { recursive: true });
    assertEquals(
      verdicts.filter(({ check, apiserver }) => check !== apiserver),
      [],
    );
    assertEquals(new Set(verdicts.map(({ apiserver }) => apiserver)), new Set(["accepted", "refused"]));
  });
});
