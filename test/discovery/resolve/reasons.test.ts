import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createDiscovery } from "../../../src/discovery/discovery.ts";
import type { NodeDetail } from "../../../src/discovery/views.ts";
import { embedded } from "../../helpers/embedded.ts";
import { until } from "../../helpers/wait.ts";
import { at, follow, slice } from "../support.ts";

const why = (followed: Awaited<ReturnType<typeof follow>>, reference: string): [string | undefined, string] => {
  const { code, reason, nodes } = followed.discovery.query(reference);
  assertEquals(nodes.length, 0);
  return [code, reason ?? ""];
};

describe("an empty answer says why:", () => {
  test("no such service, with the services of that namespace", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")]), slice("api-a", [], { service: "api" })]);
    const [code, reason] = why(followed, "default/wbe");
    assertEquals(code, "service_unknown");
    assertStringIncludes(reason, "no EndpointSlice of service wbe in namespace default; services there: api, web");
    assertEquals(followed.discovery.query("default/wbe").available, ["api", "web"]);
  });

  test("no such service, with twenty of those there are, in their order, and how many more", async () => {
    const names = Array.from({ length: 23 }, (_, i) => `s${String(i).padStart(2, "0")}`).reverse();
    await using few = await follow(names.slice(-20).map((service) => slice(service, [], { service })));
    const [, all] = why(few, "default/none");
    assertStringIncludes(all, names.slice(-20).sort().join(", "));
    assert(!all.includes(" more"));
    await using many = await follow(names.map((service) => slice(service, [], { service })));
    const [, some] = why(many, "default/none");
    const listed = /services there: (.*) and 3 more/.exec(some)![1]!.split(", ");
    assertEquals([listed.length, listed], [20, [...listed].sort()]);
  });

  test("no such namespace, with the namespaces that have services", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])]);
    const [code, reason] = why(followed, "shop/web");
    assertEquals(code, "service_unknown");
    assertStringIncludes(reason, "namespaces with services: default");
  });

  test("filtered by the namespace selector, or by namespaces", async () => {
    const objects = [slice("web-a", [at("10.0.0.1")])];
    await using bySelector = await follow(objects, { namespace_selector: { not_match: ["def.*"] } });
    assertEquals(why(bySelector, "default/web"), [
      "service_unknown",
      "namespace default is filtered out by namespace_selector",
    ]);
    await using byList = await follow(objects, { namespaces: ["shop"] });
    assertEquals(why(byList, "default/web"), ["service_unknown", "namespace default is filtered out by namespaces"]);
  });

  test("perhaps filtered by the label selector", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { label_selector: "app=web" });
    const [code, reason] = why(followed, "default/web");
    assertEquals(code, "service_unknown");
    assertStringIncludes(reason, "that matches label_selector app=web");
  });

  test("none ready, and how many there are", async () => {
    const unready = { conditions: { ready: false } };
    await using followed = await follow([slice("web-a", [at("10.0.0.1", unready), at("10.0.0.2", unready)])]);
    assertEquals(why(followed, "default/web"), ["no_endpoints", "none of 2 endpoints is ready"]);
  });

  test("all terminating", async () => {
    const gone = { conditions: { ready: false, serving: false, terminating: true } };
    await using followed = await follow([slice("web-a", [at("10.0.0.1", gone)])]);
    assertEquals(why(followed, "default/web"), ["no_endpoints", "all 1 endpoints are terminating and serve no more"]);
  });

  test("scaled to zero", async () => {
    await using followed = await follow([slice("web-a", null)]);
    assertEquals(why(followed, "default/web")[0], "no_endpoints");
    await using portless = await follow([slice("web-a", null, { ports: null })]);
    const [code, reason] = why(portless, "default/web:http");
    assertEquals(code, "no_endpoints");
    assertStringIncludes(reason, "scaled to zero");
  });

  test("never synced, with the state", async () => {
    const api = embedded();
    api.faults.add({ effect: { kind: "drop" } });
    await using followed = await follow([], {}, { api, wait: false });
    await until(() => followed.cluster.status().state === "unreachable", {
      message: "the apiserver cannot be reached",
    });
    const [code, reason] = why(followed, "default/web");
    assertEquals(code, "not_synced");
    assertStringIncludes(reason, "never synced: the state is unreachable");
    // Nobody waits for it either: a client that is told at once can go elsewhere.
    assertEquals(followed.discovery.upstream({ service: "web" }).refresh(), undefined);
  });

  test("forbidden, with the missing rule", async () => {
    const api = embedded({ authorize: () => false });
    await using followed = await follow([], {}, { api, wait: false });
    await until(() => followed.cluster.status().state === "forbidden", { message: "the list is forbidden" });
    const [code, reason] = why(followed, "default/web");
    assertEquals(code, "not_synced");
    assertStringIncludes(reason, "the state is forbidden");
    assertStringIncludes(reason, "needs a ClusterRole");
  });

  test("a reference that does not parse, or an unknown cluster", async () => {
    await using followed = await follow([], { id: "release" });
    assertEquals(why(followed, "a/b/c/d")[0], "service_unknown");
    assertEquals(why(followed, "debug/default/web"), [
      "service_unknown",
      "there is no cluster debug; clusters: release",
    ]);
    assertEquals(why(followed, "default/web"), [
      "service_unknown",
      "default/web names no cluster: write id/namespace/name; clusters: release",
    ]);
  });

  test("discovery is off", () => {
    const discovery = createDiscovery({ clusters: [], multi: false });
    const upstream = discovery.upstream({ service: "default/web" });
    assertEquals(upstream.endpoints(), []);
    assertEquals(upstream.reason()?.code, "service_unknown");
    assertStringIncludes(upstream.reason()!.detail, "discovery is off");
    assertEquals(discovery.readiness(), { ready: true, waiting: [] });
  });
});

describe("an answer", () => {
  test("tells a client nothing of addresses or other services", async () => {
    await using followed = await follow([
      slice("secret-a", [at("10.0.0.1")], { service: "secret" }),
      slice("down-a", [at("10.0.0.7", { conditions: { ready: false } })], { service: "down" }),
    ]);
    for (const service of ["web", "secret:nope", "down", "x/y/z"]) {
      const { outward } = followed.discovery.upstream({ service }).reason()!;
      assert(!/secret|down|10\.0|http/.test(outward), outward);
    }
  });

  test("a Service's own port number names the key that finds it, where that is off", async () => {
    for (const on of [false, true]) {
      await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { resolve_service_ports: on });
      const { reason } = followed.discovery.query("default/web:80");
      assertEquals(reason!.includes("set resolve_service_ports: true"), !on, reason);
      assert(!followed.discovery.query("default/web:grpc").reason!.includes("resolve_service_ports"));
    }
  });

  test("with verbose shows slice, version, conditions, zone and pod of each node, and the excluded with why", async () => {
    await using followed = await follow([
      slice("web-a", [
        at("10.0.0.1", { pod: "one", zone: "eu-1", hints: { forZones: [{ name: "eu-1" }] } }),
        at("10.0.0.2", { pod: "two", conditions: { ready: false, serving: true, terminating: true } }),
      ]),
    ]);
    const { resourceVersion } = followed.api.get("EndpointSlice", "default", "web-a")!.metadata;
    const answer = followed.discovery.query("default/web:http", { verbose: true });
    assertEquals(answer.nodes, [
      {
        host: "10.0.0.1",
        port: 8080,
        weight: 50,
        slice: "web-a",
        resourceVersion,
        conditions: { ready: true, serving: true, terminating: false },
        zone: "eu-1",
        pod: "default/one",
        uid: "uid-of-one",
        hints: ["eu-1"],
      },
    ]);
    assertEquals(
      answer.excluded?.map(({ pod, excluded }) => [pod, excluded]),
      [["default/two", "terminating, and others are ready"]],
    );
  });

  test("shows the newest version of a slice that changed nothing but that", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])]);
    followed.api.apply(slice("web-a", [at("10.0.0.1")], { labels: { touched: "yes" } }));
    const { resourceVersion } = followed.api.get("EndpointSlice", "default", "web-a")!.metadata;
    const shown = () => followed.discovery.query("default/web", { verbose: true }).nodes[0] as NodeDetail | undefined;
    await until(() => shown()?.resourceVersion === resourceVersion, {
      message: "the new version is shown",
    });
  });
});
