import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { createJournal, type DiscoveryEvent } from "../../../src/discovery/store/journal.ts";
import { slice } from "../../gateway/objects.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until } from "../../helpers/wait.ts";
import { follow } from "../support.ts";

/** What a journal tells, the oldest first, without the times. */
const told = (events: readonly DiscoveryEvent[] | undefined): object[] =>
  (events ?? []).map(({ at: _, ...rest }) => rest).reverse();

/** Addresses of service events, as the console words them. */
const addresses = (events: readonly DiscoveryEvent[] | undefined): string[] =>
  [...(events ?? [])]
    .reverse()
    .flatMap((event) =>
      event.kind === "service"
        ? event.addresses.map(({ host, now, added }) => `${added ? "+" : ""}${host} ${now}`)
        : [],
    );

describe("the journal of a cluster", () => {
  test("has one event for the first list, and the states on the way", async () => {
    await using followed = await follow([slice("web", ["10.0.0.1"], 80), slice("app", ["10.0.0.2"], 80)]);
    await until(() => followed.cluster.status().state === "watching", { message: "the watch is open" });
    assertEquals(told(followed.cluster.journal?.events()), [
      { cluster: "", kind: "state", state: "syncing", before: "connecting", error: null },
      { cluster: "", kind: "listed", why: "list", first: true, objects: 2, changed: 2 },
      { cluster: "", kind: "state", state: "watching", before: "syncing", error: null },
    ]);
  });

  test("names the addresses that came, went and changed, and how that was known", async () => {
    await using followed = await follow([slice("web", ["10.0.0.1", "10.0.0.2"], 80)]);
    const { api, cluster } = followed;
    await until(() => cluster.status().state === "watching", { message: "the watch is open" });
    const unready = { addresses: ["10.0.0.1"], conditions: { ready: false, serving: false, terminating: false } };
    api.apply(slice("web", [unready, "10.0.0.3"], 80));
    await until(() => addresses(cluster.journal?.events()).length === 3, { message: "the change is written down" });
    assertEquals(addresses(cluster.journal?.events()), ["10.0.0.1 not ready", "+10.0.0.3 ready", "10.0.0.2 gone"]);
    api.apply(slice("web", [unready, "10.0.0.3"], 81));
    await until(
      () => cluster.journal?.events()[0]?.kind === "service" && followed.addresses("default/web").length > 0,
      {
        message: "another event",
      },
    );
    const last = await until(
      () => cluster.journal?.events().find((event) => event.kind === "service" && event.settings),
      { message: "a change of the port alone" },
    );
    assert(last.kind === "service");
    assertEquals([last.service, last.why, last.addresses], ["default/web", "watch", []]);
  });

  test("tells a poll from a watch, and writes nothing down where nothing changed", async () => {
    const settings = { mode: "poll", poll_interval: 100 } as const;
    await using followed = await follow([slice("web", ["10.0.0.1"], 80)], settings);
    const { api, cluster } = followed;
    const lists = (): number => cluster.counters().lists.poll ?? 0;
    const before = lists();
    await until(() => lists() > before + 2, { message: "it was listed again" });
    assertEquals(addresses(cluster.journal?.events()), []);
    api.apply(slice("web", ["10.0.0.2"], 80));
    await until(() => addresses(cluster.journal?.events()).length === 2, { message: "the change is written down" });
    const reasons = (cluster.journal?.events() ?? []).flatMap((event) => ("why" in event ? [event.why] : []));
    assertEquals(reasons, ["poll", "poll", "poll"]);
  });

  test("stays small in a storm: most changes are only counted", async () => {
    const clock = createFakeClock();
    const journal = createJournal({ cluster: "c", usual: "watch", clock });
    const entry = { namespace: "ns", name: "web", slices: [], service: undefined, version: 1, last: undefined };
    for (let second = 0; second < 300; second++) {
      for (let n = 0; n < 1000; n++) journal.slices(entry, [], []);
      await clock.advance(1000);
    }
    const events = journal.events();
    assertEquals(events.length, 200);
    const counted = events.filter((event) => event.kind === "services");
    assert(counted.length > 10, "they are counted by the second");
    for (const event of counted) assertEquals([event.kind, event.count], ["services", 990]);
  });
});
