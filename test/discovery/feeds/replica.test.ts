import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { silentLogger } from "../../../src/base/log.ts";
import { type Cluster, createCluster } from "../../../src/discovery/cluster.ts";
import { createDiscovery } from "../../../src/discovery/discovery.ts";
import { clusterKey, createPublisher } from "../../../src/discovery/feeds/publisher.ts";
import { replicaFeed, type SourceLink } from "../../../src/discovery/feeds/replica.ts";
import { readUpdate } from "../../../src/discovery/feeds/updates.ts";
import type { ClusterOptions } from "../../../src/discovery/options.ts";
import { embedded } from "../../helpers/embedded.ts";
import { createFakeClock, type FakeClock } from "../../helpers/fake-clock.ts";
import { seededRandom } from "../../helpers/random.ts";
import { at, clusterConfig, type FollowOptions, follow, slice } from "../support.ts";

const service = (name: string, port: number, target: string): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { ports: [{ name: target, port, protocol: "TCP" }] },
});

/** A cluster that is followed, its publisher, and a replica to whom everything comes as a clone. */
async function replicated(
  objects: readonly object[],
  settings: Partial<ClusterOptions> = {},
  options: FollowOptions & { readonly clock?: FakeClock } = {},
) {
  const clock = options.clock ?? createFakeClock();
  const api = options.api ?? embedded({ clock });
  const publisher = createPublisher(clock);
  const messages = { count: 0 };
  const link: SourceLink = {
    subscribe: (config, receive) =>
      publisher.subscribe(clusterKey(config), (update) => {
        messages.count++;
        receive(readUpdate(update));
      }),
    refresh: (config, namespace, name) => publisher.refresh(clusterKey(config), namespace, name),
  };
  const source = await follow(objects, settings, { api, clock, ...options });
  const end = publisher.add(source.cluster);
  const replica = createCluster(clusterConfig(settings), replicaFeed(link), {
    clock,
    random: seededRandom(),
    logger: silentLogger,
  });
  const stop = new AbortController();
  const done = replica.run(stop.signal);
  await clock.advance(1);
  return {
    clock,
    api,
    source,
    publisher,
    replica,
    messages,
    end,
    discovery: createDiscovery({ clusters: [replica], multi: false }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
      await source[Symbol.asyncDispose]();
    },
  };
}

/** All that a reader could see of a cluster; what is undefined need not be there. */
const seen = (cluster: Pick<Cluster, "reader">): unknown => JSON.parse(JSON.stringify(entriesOf(cluster)));

const entriesOf = (cluster: Pick<Cluster, "reader">): object[] =>
  [...cluster.reader.entries()]
    .map(({ namespace, name, slices, service }) => ({
      name: `${namespace}/${name}`,
      service,
      slices: slices.map(({ groups, ...rest }) => ({
        ...rest,
        groups: groups.map(({ packed, ports }) => [packed, ports.ports]),
      })),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));

describe("a replica", () => {
  test("knows after any changes what the cluster knows, and is told of those of one turn together", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1", { pod: "one" })]), service("web", 80, "http")], {
      resolve_service_ports: true,
    });
    const { api, clock, replica, source, messages } = all;
    assertEquals(seen(replica), seen(source.cluster));
    assertEquals([replica.synced(), replica.status().endpoints], [true, 1]);
    const random = seededRandom(7);
    for (let round = 0; round < 40; round++) {
      const before = messages.count;
      for (let change = 0; change < 5; change++) {
        const name = `web-${"abc"[Math.floor(random() * 3)]}`;
        const kind = random();
        if (kind < 0.2) api.remove("endpointslices", "default", name);
        else if (kind < 0.3) api.apply(service("web", 80 + round, "http"));
        else {
          const of = random() < 0.3 ? "shop" : "web";
          const endpoints = Array.from({ length: Math.floor(random() * 4) }, (_, i) => at(`10.0.${round}.${i + 1}`));
          api.apply(slice(name, endpoints, { service: of }));
        }
      }
      await clock.advance(20);
      assertEquals(seen(replica), seen(source.cluster));
      assert(messages.count - before <= 2, `${messages.count - before} messages for one turn's changes`);
    }
  });

  test("answers as the cluster does for what it does not know", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])], { namespaces: ["default"] });
    const there = createDiscovery({ clusters: [all.source.cluster], multi: false });
    for (const reference of ["web", "web:nope", "nobody", "other/web"]) {
      assertEquals(all.discovery.query(reference), there.query(reference));
    }
  });

  test("lets a request wait for the first list, and tells why there is none once it failed", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    const hold = api.faults.add({ match: { verb: "list" }, effect: { kind: "delay", ms: 500 } });
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])], {}, { clock, api, wait: false });
    const upstream = all.discovery.upstream({ service: "web" });
    const wait = upstream.refresh();
    assert(wait !== undefined);
    await clock.advance(600);
    await wait;
    assertEquals(upstream.endpoints().length, 1);
    hold();

    const down = embedded({ clock });
    down.faults.add({ effect: { kind: "status", code: 403 } });
    await using none = await replicated([], {}, { clock, api: down, wait: false });
    await clock.advance(100);
    const other = none.discovery.upstream({ service: "web" });
    assertEquals([other.refresh(), other.reason()?.code], [undefined, "not_synced"]);
    assertStringIncludes(other.reason()!.detail, "forbidden");
  });

  test("keeps to max_stale: an old snapshot is refreshed by the other side before it is used", async () => {
    const settings = { mode: "poll", poll_interval: 60_000, max_stale: 1000 } as const;
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])], settings);
    const upstream = all.discovery.upstream({ service: "web" });
    assertEquals([upstream.refresh(), upstream.endpoints().length], [undefined, 1]);
    await all.clock.advance(2000);
    all.api.apply(slice("web-a", [at("10.0.0.2")]));
    assertEquals(upstream.endpoints(), []);
    await Promise.all([upstream.refresh(), upstream.refresh()]);
    assertEquals(upstream.endpoints()[0]!.host, "10.0.0.2");
    assertEquals(all.api.requests.filter(({ verb }) => verb === "list").length, 2);
  });

  test("stays fresh on a watch that only has bookmarks", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])], { max_stale: 4000 });
    const upstream = all.discovery.upstream({ service: "web" });
    for (let second = 0; second < 20; second++) {
      for (const watch of all.api.openWatches) watch.bookmark();
      await all.clock.advance(1000);
      assertEquals([upstream.refresh(), upstream.endpoints().length], [undefined, 1]);
    }
  });

  test("in mode request has the other side ask, once for all who ask at the same time", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])], { mode: "request" });
    const upstream = all.discovery.upstream({ service: "web" });
    assertEquals(upstream.reason()?.code, "not_synced");
    const before = all.api.requests.length;
    await Promise.all([upstream.refresh(), upstream.refresh(), upstream.refresh()]);
    assertEquals([upstream.endpoints().length, all.api.requests.length - before], [1, 1]);
    all.api.apply(slice("web-a", [at("10.0.0.2")]));
    await upstream.refresh();
    assertEquals(upstream.endpoints()[0]!.host, "10.0.0.2");
    const nobody = all.discovery.upstream({ service: "nobody" });
    await nobody.refresh();
    assertEquals(nobody.reason()?.code, "service_unknown");
    all.api.faults.add({ effect: { kind: "status", code: 500 } });
    const unsure = all.discovery.upstream({ service: "unsure" });
    await Promise.all([unsure.refresh(), upstream.refresh(), all.clock.advance(1000)]);
    assertEquals([unsure.reason()?.code, upstream.endpoints().length], ["not_synced", 1]);
  });

  test("in mode request believes a service again once the other side has an answer after a failure", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])], { mode: "request" });
    const mend = all.api.faults.add({ effect: { kind: "status", code: 500 } });
    const upstreams = ["web", "nobody"].map((service) => all.discovery.upstream({ service }));
    await Promise.all([...upstreams.map((one) => one.refresh()), all.clock.advance(1000)]);
    assertEquals(
      upstreams.map((one) => one.reason()?.code),
      ["not_synced", "not_synced"],
    );
    mend();
    await Promise.all([...upstreams.map((one) => one.refresh()), all.clock.advance(60_000)]);
    assertEquals(
      upstreams.map((one) => one.reason()?.code),
      [undefined, "service_unknown"],
    );
  });

  test("is not told a change from before behind the whole state that is newer", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])]);
    const { api, clock, publisher, replica } = all;
    await using next = await follow([slice("web-a", [at("10.0.0.3")])], {}, { api: embedded({ clock }), clock });
    // In one turn: a change by the old client, which nobody was told of yet, and another client in its place.
    const tap = all.source.cluster.changes;
    let changed = false;
    const stop = tap.subscribe({
      change: () => {
        changed = true;
      },
      syncStatus: () => {},
    });
    const waiting = clock.sleep(0).catch(() => {});
    api.apply(slice("web-a", [at("10.0.0.2")]));
    for (let turn = 0; turn < 100 && !changed; turn++) await Promise.resolve();
    all.end();
    const end = publisher.add(next.cluster);
    stop();
    await clock.advance(10);
    await waiting;
    assertEquals([changed, seen(replica)], [true, seen(next.cluster)]);
    end();
  });

  test("is not made to forget when the client behind it is replaced by one that knows less yet", async () => {
    await using all = await replicated([slice("web-a", [at("10.0.0.1")])]);
    const { api, clock, publisher, replica, discovery } = all;
    const hold = api.faults.add({ match: { verb: "list" }, effect: { kind: "status", code: 503 } });
    all.end();
    await using next = await follow([], {}, { api, clock, wait: false });
    const end = publisher.add(next.cluster);
    await clock.advance(1000);
    assertEquals(discovery.query("web").nodes.length, 1);
    api.apply(slice("web-a", [at("10.0.0.1"), at("10.0.0.2")]));
    hold();
    await clock.advance(60_000);
    assertEquals(discovery.query("web").nodes.length, 2);
    assertEquals(seen(replica), seen(next.cluster));
    end();
  });

  test("of settings that nobody follows is told so at once", async () => {
    const clock = createFakeClock();
    const publisher = createPublisher(clock);
    const received: unknown[] = [];
    publisher.subscribe("others", (update) => received.push(update));
    assertEquals(received, ["{}"]);
    assertEquals((await publisher.refresh("others", "default", "web"))?.why, "not_synced");
  });
});
