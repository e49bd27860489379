import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import { createSnapshotFiles } from "../../src/discovery/store/snapshot-files.ts";
import type { FaultyApiserver } from "../helpers/apiserver-faults.ts";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock, type FakeClock } from "../helpers/fake-clock.ts";
import { type MemoryFiles, memoryFiles } from "../helpers/memory-files.ts";
import { until } from "../helpers/wait.ts";
import { at, endpoints, type Followed, follow, slice } from "./support.ts";

const FILE = "/var/lib/podway/snapshot";

const OBJECTS = [
  slice("web-a", [at("10.0.0.1", { pod: "web-1", zone: "a" }), at("10.0.0.2", { conditions: { ready: false } })]),
  slice("shop-a", [at("10.1.0.1")], { service: "shop", namespace: "team", annotations: { "podway.dev/weight": "7" } }),
];

/** An apiserver that answers nothing at all. */
function away(clock: FakeClock): FaultyApiserver {
  const api = embedded({ clock });
  api.faults.add({ effect: { kind: "drop" } });
  return api;
}

interface World {
  readonly clock: FakeClock;
  readonly files: MemoryFiles;
  /** A gateway's cluster before this apiserver, as after a start. */
  start(api: FaultyApiserver, settings?: Partial<ClusterOptions>, wait?: boolean): Promise<Followed>;
}

function world(): World {
  const clock = createFakeClock();
  const files = memoryFiles();
  return {
    clock,
    files,
    start(api, settings = {}, wait = true) {
      const parts = { api, clock, snapshotFiles: createSnapshotFiles(files), wait };
      return follow([], { snapshot_file: FILE, ...settings }, parts);
    },
  };
}

/** Runs a gateway with these objects until it stops: what it leaves behind is its file. */
async function leave(
  { start, clock }: World,
  objects: readonly object[],
  settings: Partial<ClusterOptions> = {},
): Promise<void> {
  const api = embedded({ clock });
  api.apply(objects);
  await using _ = await start(api, settings);
}

const textOf = (files: MemoryFiles): Promise<string> => files.readText(FILE);

const warnings = (followed: Followed): string =>
  followed.log
    .filter(({ level }) => level === "warn")
    .map(({ message }) => message)
    .join("\n");

/** Starts before an apiserver that is away, and waits until what there is to restore is restored. */
async function restart(all: World, settings: Partial<ClusterOptions> = {}): Promise<Followed> {
  const followed = await all.start(away(all.clock), settings, false);
  await until(
    async () => {
      await all.clock.settle();
      const { cluster } = followed;
      return cluster.synced() || cluster.status().snapshotFile!.error !== null || cluster.status().lastError !== null;
    },
    { interval: 1, message: "the file was looked at" },
  );
  return followed;
}

describe("snapshot_file", () => {
  test("serves what the last gateway knew while the apiserver is away, and says that it is stale", async () => {
    const all = world();
    await leave(all, OBJECTS);
    await all.clock.advance(60_000);
    await using followed = await restart(all);
    const { cluster, discovery } = followed;
    assert(discovery.readiness().ready);
    assertEquals(discovery.query("web:http").nodes, [{ host: "10.0.0.1", port: 8080, weight: 50 }]);
    assertEquals(discovery.query("team/shop:http").nodes, [{ host: "10.1.0.1", port: 8080, weight: 7 }]);
    assertEquals(discovery.upstream({ service: "web" }).refresh(), undefined);
    assertEquals(discovery.upstream({ service: "web" }).endpoints()[0]!.pod, "default/web-1");
    await all.clock.advance(2000);
    const status = cluster.status();
    assertEquals([status.stale, status.state], [true, "unreachable"]);
    assertEquals(status.snapshotFile, { age: 62, restored: true, error: null });
    assertEquals(discovery.query("gone").code, "not_synced");
  });

  test("hands over to the apiserver's list at once when it comes, without a reader noticing what stayed the same", async () => {
    const all = world();
    await leave(all, OBJECTS);
    const api = embedded({ clock: all.clock });
    const mend = api.faults.add({ effect: { kind: "drop" } });
    api.apply([OBJECTS[0]!, slice("new-a", [at("10.2.0.1")], { service: "new" })]);
    await using followed = await all.start(api);
    const upstream = followed.discovery.upstream({ service: "web" });
    const known = upstream.endpoints();
    assertEquals(known.length, 1);
    mend();
    await all.clock.advance(31_000);
    assertEquals(followed.cluster.status().stale, false);
    assertEquals(followed.cluster.status().snapshotFile!.restored, false);
    assertStrictEquals(upstream.endpoints(), known);
    assertEquals(followed.addresses("new"), ["10.2.0.1:8080"]);
    assertEquals(followed.discovery.query("team/shop").code, "service_unknown");
  });

  test("is written soon after a change and not again for five seconds, however much changes", async () => {
    const all = world();
    const api = embedded({ clock: all.clock });
    let writes = 0;
    all.files.watch([FILE], () => writes++);
    await using _ = await all.start(api);
    for (let tick = 0; tick < 200; tick++) {
      api.apply(slice("web-a", [at(`10.0.0.${tick}`)]));
      await all.clock.advance(100);
    }
    // How many it takes depends on how fast this machine makes a file while the clock runs on: one at the least.
    await until(() => all.clock.settle().then(() => writes >= 1), { message: "it was written" });
    assert(writes <= 5, `${writes} writes in 20 s`);
    const hasLast = async (): Promise<boolean> => (await textOf(all.files)).includes("10.0.0.199");
    await until(() => all.clock.advance(6000).then(hasLast), { message: "the last change is in it" });
    const settled = writes;
    await all.clock.advance(600_000);
    assertEquals(writes, settled);
  });

  test("is written once more at the end, so that nothing is lost between two writes", async () => {
    const all = world();
    const api = embedded({ clock: all.clock });
    {
      await using _ = await all.start(api);
      api.apply(slice("web-a", [at("10.0.0.9")]));
      await all.clock.settle();
    }
    assertStringIncludes(await textOf(all.files), "10.0.0.9");
  });

  test("holds no token, no name of a user, and not even the apiserver's address", async () => {
    const all = world();
    await leave(all, OBJECTS, { client: { token: "s3cret-token" } });
    const text = await textOf(all.files);
    for (const secret of ["s3cret", "apiserver.test"]) assert(!text.includes(secret));
  });

  const damages: readonly (readonly [string, (text: string) => string, string])[] = [
    ["cut short", (text) => text.slice(0, -40), "damaged or cut short"],
    ["cut in its first line", (text) => text.slice(0, 30), "is not a snapshot file"],
    ["empty", () => "", "is not a snapshot file"],
    ["something else", () => '{"kind":"Pod"}\n', "is not a snapshot file"],
    ["no text at all", () => "\u0000\ufffd\u0001\n\u0002", "is not a snapshot file"],
    ["null", () => "null\n", "is not a snapshot file"],
    ["changed in one character", (text) => text.replace("10.0.0.1", "10.0.0.3"), "damaged or cut short"],
    ["of a later version", (text) => text.replace('"version":1', '"version":2'), "format version 2"],
    ["longer than written", (text) => `${text}["slice","",{}]\n`, "damaged or cut short"],
  ];
  for (const [what, damage, says] of damages) {
    test(`that is ${what} is reported and ignored`, async () => {
      const all = world();
      await leave(all, OBJECTS);
      all.files.set(FILE, damage(await textOf(all.files)));
      await using followed = await restart(all);
      assertStringIncludes(warnings(followed), says);
      assertStringIncludes(followed.cluster.status().snapshotFile!.error!, says);
      assertEquals([followed.cluster.synced(), followed.discovery.readiness().ready], [false, false]);
      await all.clock.advance(1000);
      assertEquals(followed.discovery.query("web").code, "not_synced");
    });
  }

  const others: readonly (readonly [string, Partial<ClusterOptions>])[] = [
    ["another apiserver", { service: { schema: "http", host: "other.test", port: 80, ssl_verify: true } }],
    ["another label selector", { label_selector: "app=web" }],
    ["another namespace selector", { namespace_selector: { not_equal: "team" } }],
    ["fewer namespaces", { namespaces: ["default"] }],
    ["Endpoints in place of EndpointSlices", { watch_endpoint_slices: false }],
    ["Services too", { resolve_service_ports: true }],
  ];
  for (const [what, settings] of others) {
    test(`of ${what} is reported and ignored`, async () => {
      const all = world();
      await leave(all, OBJECTS);
      await using followed = await restart(all, settings);
      assertStringIncludes(warnings(followed), "other selectors");
      assertEquals(followed.cluster.synced(), false);
    });
  }

  test("of the same cluster is used whatever else the configuration says", async () => {
    const all = world();
    await leave(all, OBJECTS);
    const settings = { default_weight: 10, mode: "poll", client: { token: "another" }, required: false } as const;
    await using followed = await restart(all, settings);
    assertEquals(followed.discovery.query("web").nodes, [{ host: "10.0.0.1", port: 8080, weight: 10 }]);
  });

  test("that is not there yet is no fault", async () => {
    await using followed = await restart(world());
    assertEquals(followed.cluster.status().snapshotFile, { age: null, restored: false, error: null });
    assert(!warnings(followed).includes("snapshot_file"));
  });

  test("that cannot be written is said once, and tried again", async () => {
    const all = world();
    const { writeAtomic } = all.files;
    all.files.writeAtomic = async () => Promise.reject(new Error(`cannot write ${FILE}: disk full`));
    const api = embedded({ clock: all.clock });
    await using followed = await all.start(api);
    for (let i = 0; i < 4; i++) {
      api.apply(slice("web-a", [at(`10.0.0.${i}`)]));
      await until(() => all.clock.advance(6000).then(() => followed.cluster.status().snapshotFile!.error), {
        message: "the failure is shown",
      });
    }
    assertStringIncludes(followed.cluster.status().snapshotFile!.error!, "disk full");
    assertEquals(followed.log.filter(({ message }) => message.includes("disk full")).length, 1);
    all.files.writeAtomic = writeAtomic;
    await until(() => all.clock.advance(6000).then(() => followed.cluster.status().snapshotFile!.error === null), {
      message: "it was written",
    });
  });

  test("keeps several namespaces apart, and is not written while one of them was never listed", async () => {
    const all = world();
    const settings = { namespaces: ["default", "team"] };
    const api = embedded({ clock: all.clock });
    api.apply(OBJECTS);
    const forbid = api.faults.add({ match: { namespace: "team" }, effect: { kind: "status", code: 403 } });
    {
      await using _ = await all.start(api, settings, false);
      await all.clock.advance(10_000);
    }
    assertEquals(await all.files.exists(FILE), false);
    forbid();
    {
      await using _ = await all.start(api, settings);
    }
    await using followed = await restart(all, settings);
    assertEquals(followed.addresses("web"), ["10.0.0.1:8080"]);
    assertEquals(followed.addresses("team/shop"), ["10.1.0.1:8080"]);
    assertEquals(followed.discovery.query("elsewhere/shop").code, "service_unknown");
  });

  test("keeps Services and Endpoints too", async () => {
    const all = world();
    const settings = { watch_endpoint_slices: false, resolve_service_ports: true };
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { ports: [{ name: "http", port: 80 }] },
    };
    await leave(all, [endpoints("web", [[["10.0.0.1"], "http", 8080]]), service], settings);
    await using followed = await restart(all, settings);
    assertEquals(followed.addresses("default/web:80"), ["10.0.0.1:8080"]);
  });

  test("keeps the answers of mode request", async () => {
    const all = world();
    const api = embedded({ clock: all.clock });
    api.apply(OBJECTS);
    {
      await using followed = await all.start(api, { mode: "request" });
      await followed.discovery.upstream({ service: "web" }).refresh();
    }
    await using followed = await restart(all, { mode: "request" });
    await all.clock.advance(1000);
    const upstream = followed.discovery.upstream({ service: "web" });
    await upstream.refresh();
    assertEquals(upstream.endpoints().length, 1);
    assertEquals(followed.cluster.status().stale, true);
    assertEquals(followed.discovery.query("team/shop").code, "not_synced");
  });

  test("older than max_stale is not used", async () => {
    const all = world();
    await leave(all, OBJECTS);
    await all.clock.advance(120_000);
    await using followed = await restart(all, { max_stale: 60_000 });
    assertEquals(followed.discovery.upstream({ service: "web" }).endpoints(), []);
    assertEquals(followed.discovery.query("web").code, "not_synced");
  });

  test("belongs to the newest of two clients of one cluster from its first write on", async () => {
    const files = memoryFiles();
    const shared = createSnapshotFiles(files);
    const before = shared.open(FILE);
    const after = shared.open(FILE);
    await before.write("old");
    assertEquals(await textOf(files), "old");
    await Promise.all([before.write("older"), after.write("new"), before.write("oldest")]);
    await before.write("at the end");
    assertEquals(await textOf(files), "new");
    assertNotStrictEquals(before, after);
  });

  test("of a large cluster comes back whole", async () => {
    const all = world();
    const many = Array.from({ length: 1200 }, (_, i) =>
      slice(`s${i}`, [at(`10.3.${i >> 8}.${i & 255}`)], { service: `s${i}` }),
    );
    const api = embedded({ clock: all.clock });
    api.apply(many);
    const followed = await all.start(api);
    let stopped = false;
    const stopping = followed[Symbol.asyncDispose]().then(() => {
      stopped = true;
    });
    await until(() => all.clock.advance(0).then(() => stopped), { interval: 0, message: "it stopped" });
    await stopping;
    await using again = await all.start(away(all.clock), {}, false);
    await until(() => all.clock.advance(0).then(() => again.cluster.synced()), { interval: 0, message: "restored" });
    assertEquals(again.cluster.status().services, 1200);
    assertEquals(again.addresses("s1199"), ["10.3.4.175:8080"]);
  });
});
