import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { systemClock } from "../../../src/base/clock.ts";
import { endpointSliceDecoder } from "../../../src/discovery/records/endpoint-slices.ts";
import type { SliceRecord } from "../../../src/discovery/records/slice-record.ts";
import { unpackEndpoints } from "../../../src/discovery/records/slice-record.ts";
import { createServiceViews } from "../../../src/discovery/store/service-views.ts";
import { createSnapshot, type Snapshot } from "../../../src/discovery/store/snapshot.ts";
import type { Endpoint } from "../../../src/discovery/types.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { at, slice } from "../support.ts";

const decode = endpointSliceDecoder({ keepNamespace: () => true });

const record = (name: string, service: string, hosts: readonly string[], namespace = "default"): SliceRecord =>
  decode(
    slice(
      name,
      hosts.map((host) => at(host)),
      { service, namespace },
    ),
  )!;

const hostsOf = ({ reader }: Snapshot, key: string): string[] | undefined =>
  reader
    .get(key)
    ?.slices.flatMap(({ groups }) => groups.flatMap(({ packed }) => unpackEndpoints(packed).map(({ host }) => host)));

describe("a snapshot", () => {
  test("replaces one scope's objects and leaves the other scopes' alone", () => {
    const snapshot = createSnapshot({ clock: systemClock });
    const first = snapshot.writer("a");
    const second = snapshot.writer("b");
    first({
      kind: "replace",
      items: [record("web-1", "web", ["10.0.0.1"], "a"), record("api-1", "api", ["10.0.0.2"], "a")],
    });
    second({ kind: "replace", items: [record("web-1", "web", ["10.0.0.3"], "b")] });
    first({ kind: "replace", items: [record("api-1", "api", ["10.0.0.2"], "a")] });
    assertEquals(hostsOf(snapshot, "a/web"), undefined);
    assertEquals(hostsOf(snapshot, "a/api"), ["10.0.0.2"]);
    assertEquals(hostsOf(snapshot, "b/web"), ["10.0.0.3"]);
    assertEquals([...snapshot.reader.servicesIn("a")], ["api"]);
  });

  test("is not disturbed by an update that changes no address", () => {
    const snapshot = createSnapshot({ clock: systemClock });
    const write = snapshot.writer("");
    write({ kind: "put", item: record("web-1", "web", ["10.0.0.1"]) });
    const before = snapshot.reader.get("default/web")!;
    const { version } = before;
    write({ kind: "put", item: record("web-1", "web", ["10.0.0.1"]) });
    write({ kind: "replace", items: [record("web-1", "web", ["10.0.0.1"])] });
    assertStrictEquals(snapshot.reader.get("default/web"), before);
    assertEquals(before.version, version);
    assertEquals([snapshot.reader.counts().changes, snapshot.reader.counts().unchanged], [1, 2]);
    write({ kind: "put", item: record("web-1", "web", ["10.0.0.2"]) });
    assertNotStrictEquals(snapshot.reader.get("default/web")!.version, version);
  });

  test("moves a slice whose label names another service", () => {
    const snapshot = createSnapshot({ clock: systemClock });
    const write = snapshot.writer("");
    write({ kind: "put", item: record("x", "web", ["10.0.0.1"]) });
    write({ kind: "put", item: record("x", "api", ["10.0.0.1"]) });
    assertEquals([hostsOf(snapshot, "default/web"), hostsOf(snapshot, "default/api")], [undefined, ["10.0.0.1"]]);
    assertEquals(snapshot.reader.counts().services, 1);
  });

  test("keeps the last nodes of a service that became empty for the grace asked for, and no longer", async () => {
    const clock = createFakeClock();
    const snapshot = createSnapshot({ clock, emptyGrace: 1000 });
    const write = snapshot.writer("");
    write({ kind: "put", item: record("web-1", "web", ["10.0.0.1"]) });
    write({ kind: "put", item: record("web-1", "web", []) });
    assertEquals(snapshot.reader.get("default/web")!.last!.slices.length, 1);
    write({ kind: "put", item: record("web-1", "web", ["10.0.0.2"]) });
    assertEquals(snapshot.reader.get("default/web")!.last, undefined);
    write({ kind: "remove", namespace: "default", name: "web-1" });
    await clock.advance(999);
    assert(snapshot.reader.get("default/web")!.last !== undefined);
    await clock.advance(1);
    assertEquals(snapshot.reader.get("default/web"), undefined);
    assertEquals([...snapshot.reader.namespaces()], []);
  });

  const names = fc.constantFrom("s1", "s2", "s3", "s4", "s5", "s6");
  const services = fc.constantFrom("web", "api", "db");
  const addresses = fc.uniqueArray(fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"));
  const scopes = fc.constantFrom("a", "b");
  const item = fc.record({ name: names, service: services, hosts: addresses });
  const command = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), scope: scopes, item }),
    fc.record({ kind: fc.constant("remove" as const), scope: scopes, name: names }),
    fc.record({
      kind: fc.constant("replace" as const),
      scope: scopes,
      items: fc.uniqueArray(item, { selector: ({ name }) => name }),
    }),
  );

  test("equals a naive model after any sequence of changes", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const snapshot = createSnapshot({ clock: systemClock });
        const model = new Map<string, { service: string; hosts: string[] }>();
        for (const step of commands) {
          const { scope } = step;
          const write = snapshot.writer(scope);
          const make = ({ name, service, hosts }: { name: string; service: string; hosts: string[] }): SliceRecord => {
            model.set(`${scope}/${name}`, { service, hosts });
            return record(name, service, hosts, scope);
          };
          if (step.kind === "put") write({ kind: "put", item: make(step.item) });
          else if (step.kind === "remove") {
            model.delete(`${scope}/${step.name}`);
            write({ kind: "remove", namespace: scope, name: step.name });
          } else {
            for (const key of [...model.keys()]) if (key.startsWith(`${scope}/`)) model.delete(key);
            write({ kind: "replace", items: step.items.map(make) });
          }
        }
        const expected: Record<string, string[]> = {};
        for (const [key, { service, hosts }] of [...model].sort(([a], [b]) => (a < b ? -1 : 1))) {
          const of = `${key.split("/")[0]}/${service}`;
          expected[of] = [...(expected[of] ?? []), ...hosts];
        }
        const found = [...snapshot.reader.entries()].map(({ namespace, name }) => `${namespace}/${name}`);
        assertEquals(found.sort(), Object.keys(expected).sort());
        for (const key of found) assertEquals(hostsOf(snapshot, key), expected[key]);
        const counts = snapshot.reader.counts();
        assertEquals(counts.services, found.length);
        assertEquals(counts.endpoints, Object.values(expected).flat().length);
        if (found.length === 0) assertEquals(counts.bytes, 0);
      }),
      { numRuns: 300 },
    );
  });

  test("gives a reader another list exactly when its contents changed, whatever happened", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const snapshot = createSnapshot({ clock: systemClock });
        const views = createServiceViews({ defaultWeight: 50, addressFamily: "any", zone: undefined });
        const model = new Map<string, string[]>();
        let held: readonly Endpoint[] = [];
        for (const step of commands) {
          const write = snapshot.writer("a");
          const make = ({ name, service, hosts }: { name: string; service: string; hosts: string[] }): SliceRecord => {
            model.set(name, service === "web" ? hosts : []);
            return record(name, service, hosts, "a");
          };
          if (step.kind === "put") write({ kind: "put", item: make(step.item) });
          else if (step.kind === "remove") {
            model.delete(step.name);
            write({ kind: "remove", namespace: "a", name: step.name });
          } else {
            model.clear();
            write({ kind: "replace", items: step.items.map(make) });
          }
          const expected = [...new Set([...model.values()].flat())].sort();
          const entry = snapshot.reader.get("a/web");
          const now = entry === undefined ? [] : views.endpoints(entry, { by: "first" }, false);
          assertEquals(
            now.map(({ host }) => host),
            expected,
          );
          const same = held.length === now.length && held.every(({ host }, i) => host === now[i]!.host);
          if (same && now.length > 0) assertStrictEquals(now, held);
          if (!same) assertNotStrictEquals(now, held);
          held = now;
        }
      }),
      { numRuns: 300 },
    );
  });
});
