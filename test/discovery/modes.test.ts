import { describe, test } from "bun:test";
import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { at, endpoints, type Followed, follow, slice } from "./support.ts";

const count = ({ api }: Followed, verb: string): number =>
  api.requests.filter((request) => request.verb === verb).length;

describe("mode poll", () => {
  test("answers 50 first requests at once with one list", async () => {
    const api = embedded();
    api.faults.add({ times: 1, effect: { kind: "delay", ms: 30 } });
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { mode: "poll" }, { api, wait: false });
    const upstream = followed.discovery.upstream({ service: "web" });
    await Promise.all(Array.from({ length: 50 }, () => upstream.refresh()));
    assertEquals([upstream.endpoints().length, count(followed, "list")], [1, 1]);
  });

  test("shows a change within one interval, swaps nothing otherwise, and keeps what it had on a failure", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    const settings = { mode: "poll", poll_interval: 1000 } as const;
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], settings, { api, clock });
    const upstream = followed.discovery.upstream({ service: "web" });
    const before = upstream.endpoints();
    await clock.advance(5000);
    assert(count(followed, "list") >= 5);
    assertStrictEquals(upstream.endpoints(), before);
    assertEquals(followed.cluster.status().state, "polling");
    api.apply(slice("web-a", [at("10.0.0.2")]));
    await clock.advance(1100);
    assertEquals(upstream.endpoints()[0]!.host, "10.0.0.2");
    const changed = upstream.endpoints();
    const broken = api.faults.add({ effect: { kind: "status", code: 500 } });
    await clock.advance(10_000);
    assertStrictEquals(upstream.endpoints(), changed);
    assertEquals(followed.cluster.status().stale, true);
    broken();
    await clock.advance(60_000);
    assertEquals(followed.cluster.status().stale, false);
    assertEquals(count(followed, "watch"), 0);
  });

  test("with max_stale asks anew for a request that finds an older snapshot, once for all of them", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    const settings = { mode: "poll", poll_interval: 60_000, max_stale: 1000 } as const;
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], settings, { api, clock });
    const upstream = followed.discovery.upstream({ service: "web" });
    assertEquals(upstream.refresh(), undefined);
    await clock.advance(2000);
    api.apply(slice("web-a", [at("10.0.0.2")]));
    assertEquals(upstream.endpoints(), []);
    await Promise.all([upstream.refresh(), upstream.refresh()]);
    assertEquals(upstream.endpoints()[0]!.host, "10.0.0.2");
    assertEquals(count(followed, "list"), 2);
  });
});

describe("mode watch with max_stale", () => {
  test("reopens a silent watch in time, so that requests need not wait", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { max_stale: 5000 }, { api, clock });
    const upstream = followed.discovery.upstream({ service: "web" });
    await clock.advance(600_000);
    assertEquals(upstream.endpoints().length, 1);
    assertEquals(count(followed, "list"), 1);
  });

  test("answers not_synced for what is older, and serves again when the apiserver is back", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    await using followed = await follow([slice("web-a", [at("10.0.0.1")])], { max_stale: 5000 }, { api, clock });
    const upstream = followed.discovery.upstream({ service: "web" });
    await clock.settle();
    const broken = api.faults.add({ effect: { kind: "drop" } });
    for (const watch of [...api.openWatches]) watch.break();
    await clock.advance(10_000);
    const waiting = upstream.refresh();
    assert(waiting !== undefined);
    assertEquals(upstream.endpoints(), []);
    assertEquals(upstream.reason()?.code, "not_synced");
    assertStringIncludes(upstream.reason()!.detail, "older than max_stale");
    assertEquals(followed.cluster.status().stale, true);
    broken();
    await clock.advance(60_000);
    await waiting;
    assertEquals(upstream.endpoints().length, 1);
  });
});

describe("mode request", () => {
  for (const slices of [false, true]) {
    const kind = slices ? "EndpointSlice" : "Endpoints";
    const object = (host: string) => (slices ? slice("web", [at(host)]) : endpoints("web", [[[host], "http", 8080]]));
    const settings = { mode: "request", watch_endpoint_slices: slices } as const;

    test(`asks for one service's ${kind} with each request, once for those that come together`, async () => {
      await using followed = await follow(
        [object("10.0.0.1"), slice("x", [at("10.9.9.9")], { service: "x" })],
        settings,
      );
      const upstream = followed.discovery.upstream({ service: "default/web:http" });
      followed.api.requests.length = 0;
      await Promise.all(Array.from({ length: 20 }, () => upstream.refresh()));
      assertEquals([upstream.endpoints()[0]!.host, followed.api.requests.length], ["10.0.0.1", 1]);
      followed.api.apply(object("10.0.0.2"));
      await upstream.refresh();
      assertEquals(
        upstream.endpoints().map(({ host }) => host),
        ["10.0.0.2"],
      );
      assertEquals(followed.api.requests.length, 2);
      assertEquals(count(followed, "watch"), 0);
      assertEquals(followed.cluster.status().services, 1);
    });

    test(`uses the last good answer on an error, and says not_synced where there is none (${kind})`, async () => {
      await using followed = await follow([object("10.0.0.1")], settings);
      const known = followed.discovery.upstream({ service: "web" });
      const unknown = followed.discovery.upstream({ service: "other" });
      await known.refresh();
      followed.api.faults.add({ effect: { kind: "status", code: 500 } });
      await Promise.all([known.refresh(), unknown.refresh()]);
      assertEquals([known.endpoints().length, unknown.endpoints().length], [1, 0]);
      assertEquals(unknown.reason()?.code, "not_synced");
      assertEquals(followed.cluster.status().stale, true);
      followed.api.faults.clear();
      await unknown.refresh();
      assertEquals(unknown.reason()?.code, "service_unknown");
      assertEquals([followed.cluster.status().state, followed.cluster.status().stale], ["on_request", false]);
    });

    test(`forgets a service that was deleted (${kind})`, async () => {
      await using followed = await follow([object("10.0.0.1")], settings);
      const upstream = followed.discovery.upstream({ service: "web" });
      await upstream.refresh();
      followed.api.remove(kind, "default", "web");
      await upstream.refresh();
      assertEquals(upstream.endpoints(), []);
      assertEquals(upstream.reason()?.code, "service_unknown");
    });
  }

  test("is ready after its first successful call, and needs no more than the right to get Endpoints", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock, authorize: (verb, resource) => verb === "get" && resource === "endpoints" });
    const down = api.faults.add({ effect: { kind: "drop" } });
    const settings = { mode: "request", watch_endpoint_slices: false } as const;
    const object = endpoints("web", [[["10.0.0.1"], "http", 80]]);
    await using followed = await follow([object], settings, { api, clock, wait: false });
    await clock.settle();
    assertEquals([followed.cluster.synced(), followed.cluster.status().state], [false, "unreachable"]);
    down();
    await clock.advance(60_000);
    assertEquals([followed.cluster.synced(), followed.cluster.status().state], [true, "on_request"]);
    const upstream = followed.discovery.upstream({ service: "web" });
    await upstream.refresh();
    assertEquals(upstream.endpoints().length, 1);
  });

  test("honours label and namespace selectors, and Services' own ports", async () => {
    const labelled = slice("web", [at("10.0.0.1")], { labels: { app: "web" } });
    const own = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { ports: [{ name: "http", port: 80 }] },
    };
    const settings = {
      mode: "request",
      label_selector: "app=web",
      namespace_selector: { not_equal: "shop" },
      resolve_service_ports: true,
    } as const;
    const objects = [labelled, own, slice("api", [at("10.0.0.2")], { service: "api" })];
    await using followed = await follow(objects, settings);
    const hosts = async (service: string): Promise<string[]> => {
      const upstream = followed.discovery.upstream({ service });
      await upstream.refresh();
      return upstream.endpoints().map(({ address }) => address);
    };
    assertEquals(await hosts("web:80"), ["10.0.0.1:8080"]);
    assertEquals(await hosts("api"), []);
    followed.api.requests.length = 0;
    assertEquals(await hosts("shop/web"), []);
    assertEquals(followed.api.requests.length, 0);
  });

  test("reads the beta version where the apiserver has no other", async () => {
    const api = embedded({ sliceVersions: ["v1beta1"] });
    await using followed = await follow([slice("web", [at("10.0.0.1")])], { mode: "request" }, { api });
    const upstream = followed.discovery.upstream({ service: "web" });
    await upstream.refresh();
    assertEquals(upstream.endpoints().length, 1);
  });
});

describe("watch, poll and request", () => {
  test("give the same nodes", async () => {
    const objects = [
      slice("web-b", [at("10.0.0.2", { pod: "two" }), at("10.0.0.3", { conditions: { ready: false } })]),
      slice("web-a", [at("fd00::2", { pod: "two" })], { addressType: "IPv6" }),
      slice("web-c", [at("10.0.0.4")], { annotations: { "podway.dev/weight": "7" } }),
    ];
    const answers = await Promise.all(
      (["watch", "poll", "request"] as const).map(async (mode) => {
        await using followed = await follow(objects, { mode });
        await followed.discovery.upstream({ service: "web" }).refresh();
        return followed.discovery.query("default/web", { verbose: true });
      }),
    );
    assertEquals(answers[0]!.nodes.length, 2);
    // Each has an apiserver of its own: the versions are equal because the same was done to each.
    assertEquals(answers[1], answers[0]);
    assertEquals(answers[2], answers[0]);
  });
});
