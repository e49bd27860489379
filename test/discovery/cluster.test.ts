import { describe, test } from "bun:test";
import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import type { EmbeddedApiserver } from "../../src/demo/apiserver.ts";
import { createDiscovery } from "../../src/discovery/discovery.ts";
import type { FaultEffect } from "../helpers/apiserver-faults.ts";
import { embedded, listsByPages } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { until } from "../helpers/wait.ts";
import { at, connectionOver, endpoints, follow, slice, uncheckedFetch } from "./support.ts";

const lists = (followed: { api: ReturnType<typeof embedded> }) =>
  followed.api.requests.filter(({ verb }) => verb === "list").length;

describe("a cluster", () => {
  test("that broke keeps every node it had and says that it is stale", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    const objects = [slice("web-a", [at("10.0.0.1"), at("10.0.0.2")])];
    await using followed = await follow(objects, {}, { api, clock });
    const { cluster, discovery } = followed;
    const upstream = discovery.upstream({ service: "default/web:http" });
    const before = upstream.endpoints();
    await clock.settle();
    const effects: FaultEffect[] = [
      ...[401, 403, 500, 503].map((code) => ({ kind: "status", code }) as const),
      { kind: "html" },
      { kind: "truncate" },
      { kind: "wrongKind" },
      { kind: "drop" },
      { kind: "stall" },
      { kind: "errorEvent" },
    ];
    for (const effect of effects) {
      api.faults.clear();
      api.faults.add({ effect });
      for (const watch of [...api.openWatches]) watch.error();
      await clock.advance(90_000);
      assertStrictEquals(upstream.endpoints(), before);
      assert(cluster.status().stale, `stale after ${JSON.stringify(effect)}`);
      assert(cluster.status().lastError !== null);
    }
    api.faults.clear();
    await clock.advance(60_000);
    assertEquals(cluster.status().state, "watching");
    assertEquals([cluster.status().stale, cluster.status().lastError], [false, null]);
    assertStrictEquals(upstream.endpoints(), before);
  });

  test("never shows fewer addresses while it lists anew", async () => {
    const objects = ["a", "b", "c"].map((name, i) => slice(`web-${name}`, [at(`10.0.0.${i}`)]));
    const api = embedded({ maxPage: 1 });
    listsByPages(api);
    await using followed = await follow(objects, {}, { api });
    const upstream = followed.discovery.upstream({ service: "web" });
    const known = upstream.endpoints();
    await until(() => api.openWatches.length === 1, { message: "the watch is open" });
    const before = lists(followed);
    api.compact();
    for (const watch of [...api.openWatches]) watch.error();
    let looks = 0;
    await until(
      () => {
        looks++;
        assertStrictEquals(upstream.endpoints(), known);
        return lists(followed) >= before + 3 && followed.cluster.status().state === "watching";
      },
      { interval: 0, message: "it listed all three pages again" },
    );
    assert(looks > 1);
  });

  test("drops what was deleted while its watch was down right after the next list", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")]), slice("web-b", [at("10.0.0.2")])]);
    const { api } = followed;
    const open = api.faults.add({ match: { verb: "watch" }, effect: { kind: "drop" } });
    for (const watch of [...api.openWatches]) watch.break();
    api.remove("EndpointSlice", "default", "web-a");
    api.compact();
    open();
    await until(() => followed.addresses("web").length === 1, { message: "the deleted slice is gone" });
    assertEquals(followed.addresses("web"), ["10.0.0.2:8080"]);
  });

  test("that was restored to life serves a service that emptied and filled again at the next event", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])]);
    const upstream = followed.discovery.upstream({ service: "web" });
    followed.api.apply(slice("web-a", []));
    await until(() => upstream.endpoints().length === 0, { message: "it is empty" });
    assertEquals(upstream.reason()?.code, "no_endpoints");
    followed.api.apply(slice("web-a", [at("10.0.0.5")]));
    await until(() => upstream.endpoints().length === 1, { message: "it is back" });
    assertEquals(upstream.reason(), undefined);
  });

  const ends: [string, (api: EmbeddedApiserver) => void, string][] = [
    ["lost its endpoints", (api) => api.apply(slice("web-a", [])), "no_endpoints"],
    ["was deleted", (api) => api.remove("EndpointSlice", "default", "web-a"), "service_unknown"],
  ];
  for (const [what, end, code] of ends) {
    test(`with empty_grace keeps the last nodes of a service that ${what} for that long only`, async () => {
      const clock = createFakeClock();
      const api = embedded({ clock });
      await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { empty_grace: 5000 }, { api, clock });
      const upstream = followed.discovery.upstream({ service: "web" });
      const before = upstream.endpoints();
      await clock.settle();
      end(api);
      await clock.settle();
      assertEquals(followed.cluster.status().endpoints, 0);
      assertStrictEquals(upstream.endpoints(), before);
      assertEquals(followed.addresses("default/web"), ["10.0.0.1:8080"]);
      await clock.advance(4999);
      assertStrictEquals(upstream.endpoints(), before);
      await clock.advance(1);
      assertEquals(upstream.endpoints(), []);
      assertEquals(upstream.reason()?.code, code);
    });
  }

  test("follows one watch for any number of services, and asks nothing for a request", async () => {
    const objects = Array.from({ length: 200 }, (_, i) => slice(`s${i}-a`, [at(`10.0.1.${i}`)], { service: `s${i}` }));
    await using followed = await follow(objects, { namespaces: ["default"] });
    await until(() => followed.api.openWatches.length === 1, { message: "the watch is open" });
    const before = followed.api.requests.length;
    const upstreams = Array.from({ length: 500 }, (_, i) => followed.discovery.upstream({ service: `s${i % 200}` }));
    for (const upstream of upstreams) {
      assertEquals(upstream.refresh(), undefined);
      assertEquals(upstream.endpoints().length, 1);
    }
    assertEquals([followed.api.openWatches.length, followed.api.requests.length], [1, before]);
  });

  test("loads 5,000 services with 50,000 endpoints without a size setting", async () => {
    const objects = Array.from({ length: 5000 }, (_, i) => {
      const pods = Array.from({ length: 10 }, (_, e) => at(`10.${i >> 8}.${i & 255}.${e}`));
      return slice(`s${i}-a`, pods, { service: `s${i}` });
    });
    const fetch = uncheckedFetch(objects, "EndpointSliceList");
    await using followed = await follow([], { shared_size: "1m" }, { connect: async () => connectionOver(fetch) });
    const { services, endpoints: count } = followed.cluster.status();
    assertEquals([services, count], [5000, 50_000]);
    assertEquals(followed.log.filter(({ message }) => message.includes("larger than shared_size")).length, 1);
  });

  test("says once that it grew over shared_size, and leaves nothing out", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { shared_size: "0m" });
    followed.api.apply(slice("web-b", [at("10.0.0.2")]));
    await until(() => followed.addresses("web").length === 2, { message: "the second slice is there" });
    assertEquals(followed.log.filter(({ message }) => message.includes("larger than shared_size")).length, 1);
  });

  test("warns when the control plane cut an Endpoints object, and counts it", async () => {
    const cut = {
      ...endpoints("web", [[["10.0.0.1"], "http", 80]]),
      metadata: {
        name: "web",
        namespace: "default",
        annotations: { "endpoints.kubernetes.io/over-capacity": "truncated" },
      },
    };
    await using followed = await follow([cut], { watch_endpoint_slices: false });
    assertEquals(followed.cluster.counters().truncated, 1);
    assertEquals(followed.log.filter(({ level, message }) => level === "warn" && message.includes("1,000")).length, 1);
  });

  test("keeps an upstream's list the same while its contents are", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])]);
    const upstream = followed.discovery.upstream({ service: "web" });
    const before = upstream.endpoints();
    assert(Object.isFrozen(before) && Object.isFrozen(before[0]));
    // Another slice, another order, an endpoint that is not ready: a reader sees no difference.
    followed.api.apply([slice("web-b", [at("10.0.0.1"), at("10.0.0.9", { conditions: { ready: false } })])]);
    await until(() => followed.cluster.counters().changes === 2, { message: "the change has arrived" });
    assertStrictEquals(upstream.endpoints(), before);
    const other = followed.discovery.upstream({ service: "default/web:http" });
    assertEquals(other.endpoints(), before);
  });
});

describe("namespaces", () => {
  test("are each followed by their own list-watch, merged into one snapshot, one forbidden not stopping the others", async () => {
    const api = embedded({ authorize: (_verb, _resource, namespace) => namespace !== undefined && namespace !== "c" });
    const objects = ["a", "b", "c"].map((namespace, i) => slice("web-1", [at(`10.0.0.${i}`)], { namespace }));
    await using followed = await follow(objects, { namespaces: ["a", "b", "c"] }, { api, wait: false });
    await until(() => followed.addresses("a/web").length + followed.addresses("b/web").length === 2, {
      message: "a and b are read",
    });
    await until(() => followed.cluster.status().state === "forbidden", { message: "c is forbidden" });
    const { lastError, stale } = followed.cluster.status();
    assertStringIncludes(lastError!, "namespace c");
    assertEquals(stale, false);
    assertEquals(followed.discovery.query("c/web").code, "not_synced");
    assertEquals(followed.discovery.readiness().waiting.length, 1);
    assert(api.requests.every(({ namespace }) => namespace !== undefined));
  });

  test("of a selector with equal need the namespaced path only", async () => {
    const api = embedded({ authorize: (_verb, _resource, namespace) => namespace === "a" });
    const objects = ["a", "b"].map((namespace, i) => slice("web-1", [at(`10.0.0.${i}`)], { namespace }));
    await using followed = await follow(objects, { namespace_selector: { equal: "a" } }, { api });
    assertEquals([followed.addresses("a/web").length, followed.addresses("b/web").length], [1, 0]);
  });
});

describe("before the first list", () => {
  test("the gateway is not ready, and says who it waits for", async () => {
    const api = embedded();
    const down = api.faults.add({ effect: { kind: "drop" } });
    await using first = await follow([], { id: "first" }, { api, wait: false });
    await using second = await follow([], { id: "second", required: false }, { api, wait: false });
    const discovery = createDiscovery({ clusters: [first.cluster, second.cluster], multi: true });
    const { ready, waiting } = discovery.readiness();
    assertEquals([ready, waiting.map(({ id }) => id)], [false, ["first"]]);
    assert(waiting[0]!.reason.length > 0);
    down();
    await first.cluster.whenSynced(AbortSignal.timeout(5000));
    assertEquals(discovery.readiness(), { ready: true, waiting: [] });
  });

  test("a request waits for it, and all that wait are served by it", async () => {
    const api = embedded();
    api.faults.add({ times: 1, effect: { kind: "delay", ms: 50 } });
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], {}, { api, wait: false });
    const upstreams = Array.from({ length: 50 }, () => followed.discovery.upstream({ service: "web" }));
    const waits = upstreams.map((upstream) => upstream.refresh());
    assert(waits.every((wait) => wait !== undefined));
    await Promise.all(waits);
    for (const upstream of upstreams) assertEquals(upstream.endpoints().length, 1);
    assertEquals(lists(followed), 1);
  });

  test("a request to a forbidden cluster is told at once, not after its whole patience", async () => {
    const api = embedded({ authorize: () => false });
    await using followed = await follow([], {}, { api, wait: false });
    const upstream = followed.discovery.upstream({ service: "web" });
    await upstream.refresh();
    assertEquals(upstream.endpoints(), []);
    assertEquals(upstream.reason()?.code, "not_synced");
  });
});

describe("one cluster that is down", () => {
  test("never delays another, nor its routes", async () => {
    const broken = embedded();
    broken.faults.add({ effect: { kind: "stall" } });
    await using down = await follow([], { id: "down", required: false }, { api: broken, wait: false });
    await using up = await follow([slice("web-a", [at("10.0.0.1")])], { id: "up" });
    const discovery = createDiscovery({ clusters: [down.cluster, up.cluster], multi: true });
    assertEquals(discovery.readiness().ready, true);
    assertEquals(discovery.upstream({ service: "up/default/web" }).endpoints().length, 1);
    assertEquals(discovery.upstream({ service: "down/default/web" }).reason()?.code, "not_synced");
    await until(() => up.cluster.status().state === "watching", { message: "the other one watches" });
    assertEquals(
      discovery.status().clusters.map(({ id, stale, services }) => [id, stale, services]),
      [
        ["down", false, 0],
        ["up", false, 1],
      ],
    );
  });

  test("because it cannot even be connected to is tried again", async () => {
    let attempts = 0;
    const api = embedded();
    const clock = createFakeClock();
    await using followed = await follow(
      [slice("web-a", [at("10.0.0.1")])],
      {},
      {
        api,
        clock,
        wait: false,
        connect: async () => {
          if (++attempts < 3) throw new Error("cannot read the file /etc/ca.crt");
          return connectionOver((input, init) => api.fetch(input, init));
        },
      },
    );
    await clock.settle();
    assertEquals(followed.cluster.status().state, "unreachable");
    assertStringIncludes(followed.cluster.status().lastError!, "/etc/ca.crt");
    await clock.advance(60_000);
    assertEquals([attempts, followed.cluster.synced()], [3, true]);
  });
});

describe("the files of a connection", () => {
  test("are read anew when they change, until the cluster is given up", async () => {
    const api = embedded();
    let refreshed = 0;
    let changed = (): void => {};
    let watched: readonly string[] = [];
    {
      await using _followed = await follow(
        [],
        {},
        {
          api,
          connect: async () => ({
            ...connectionOver((input, init) => api.fetch(input, init)),
            files: ["/etc/ca.crt"],
            refresh: async () => void refreshed++,
          }),
          watchFiles(paths, onChange) {
            watched = paths;
            changed = onChange;
            return () => {
              watched = [];
            };
          },
        },
      );
      assertEquals(watched, ["/etc/ca.crt"]);
      changed();
      assertEquals(refreshed, 1);
    }
    assertEquals(watched, []);
  });
});

describe("status", () => {
  test("has the documented fields", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], {}, { api, clock });
    await clock.settle();
    await clock.advance(10_000);
    assertEquals(followed.discovery.status().clusters, [
      {
        id: "",
        state: "watching",
        stale: false,
        mode: "watch",
        required: true,
        resourceVersion: api.resourceVersion,
        ages: { byte: 10, event: null, list: 10 },
        services: 1,
        endpoints: 1,
        lastError: null,
      },
    ]);
  });
});

test("an age that is bounded by a millisecond is bounded, and 0 is no bound", async () => {
  for (const [max_stale, wanted] of [
    [1, []],
    [2, ["10.0.0.1:8080"]],
    [0, ["10.0.0.1:8080"]],
  ] as const) {
    const clock = createFakeClock();
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { max_stale }, { clock });
    assertEquals(followed.addresses("default/web"), ["10.0.0.1:8080"]);
    const upstream = followed.discovery.upstream({ service: "default/web" });
    await clock.advance(2);
    assertEquals([max_stale, upstream.endpoints().map(({ address }) => address)], [max_stale, wanted]);
  }
});
