import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { configMap, get, pod, type StatusAnswer, watch } from "./client.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

describe("a watch", () => {
  test("from a version replays what happened since, then follows", async () => {
    const api = embedded();
    api.apply(configMap("a"));
    const from = api.resourceVersion;
    api.apply([configMap("b"), configMap("a", { x: "1" })]);
    api.remove("ConfigMap", "default", "b");
    const events = await watch(api, MAPS, { resourceVersion: from });
    assertEquals(await events.names(3), ["ADDED b", "MODIFIED a", "DELETED b"]);
    api.apply(configMap("c"));
    const added = await events.next();
    assertEquals([added!.type, added!.object.kind], ["ADDED", "ConfigMap"]);
    assertEquals(added!.object.metadata.resourceVersion, api.resourceVersion);
    events.stop();
  });

  test("without a version begins with what is there", async () => {
    const api = embedded();
    api.apply([configMap("b"), configMap("a")]);
    const events = await watch(api, MAPS);
    assertEquals(await events.names(2), ["ADDED a", "ADDED b"]);
    events.stop();
  });

  test("sees other namespaces and kinds not at all", async () => {
    const api = embedded();
    const events = await watch(api, MAPS, { resourceVersion: api.resourceVersion });
    api.apply([configMap("x", {}, "other"), pod("p"), configMap("mine")]);
    assertEquals(await events.names(1), ["ADDED mine"]);
    events.stop();
  });

  test("tells that an object began or ceased to match its selector", async () => {
    const api = embedded();
    api.apply(configMap("a", { on: "no" }));
    const events = await watch(api, MAPS, { resourceVersion: api.resourceVersion, labelSelector: "on=yes" });
    api.apply(configMap("a", { on: "yes" }));
    api.apply(configMap("a", { on: "yes", more: "1" }));
    api.apply(configMap("a", { on: "no" }));
    const left = api.resourceVersion;
    api.apply(configMap("a", { on: "never" }));
    api.remove("ConfigMap", "default", "a");
    api.apply(configMap("end", { on: "yes" }));
    assertEquals(await events.names(2), ["ADDED a", "MODIFIED a"]);
    const gone = await events.next();
    assertEquals([gone!.type, gone!.object.metadata.resourceVersion], ["DELETED", left]);
    assertEquals(gone!.object.metadata.labels!.on, "yes");
    assertEquals(await events.names(1), ["ADDED end"]);
    events.stop();
  });

  test("replays transitions from history as it told them live", async () => {
    const api = embedded();
    const from = api.resourceVersion;
    api.apply([configMap("a", { on: "yes" }), configMap("a", { on: "no" }), configMap("b", { on: "yes" })]);
    const events = await watch(api, MAPS, { resourceVersion: from, labelSelector: "on=yes" });
    assertEquals(await events.names(3), ["ADDED a", "DELETED a", "ADDED b"]);
    events.stop();
  });

  test("of one name sees only that object", async () => {
    const api = embedded();
    api.apply([configMap("a"), configMap("b")]);
    const events = await watch(api, MAPS, { fieldSelector: "metadata.name=b" });
    assertEquals(await events.names(1), ["ADDED b"]);
    events.stop();
  });

  test("from before the kept history ends with an ERROR event of code 410", async () => {
    const api = embedded({ history: 3 });
    const from = api.resourceVersion;
    for (let i = 0; i < 8; i++) api.apply(configMap(`m${i}`));
    const events = await watch(api, MAPS, { resourceVersion: from });
    assertEquals(events.status, 200);
    const error = await events.next();
    assertEquals([error!.type, error!.object.code], ["ERROR", 410]);
    assertStringIncludes(error!.object.message!, `too old resource version: ${from} (`);
    assertEquals(await events.next(), undefined);
    const recent = await watch(api, MAPS, { resourceVersion: String(Number(api.resourceVersion) - 3) });
    assertEquals(await recent.names(3), ["ADDED m5", "ADDED m6", "ADDED m7"]);
    recent.stop();
  });

  test("from before the kept history is HTTP 410 where the server is set so", async () => {
    const api = embedded({ gone: "status" });
    const from = api.resourceVersion;
    api.apply(configMap("a"));
    api.compact();
    const status = await get<StatusAnswer>(api, MAPS, { watch: "1", resourceVersion: from });
    assertEquals([status.code, status.reason], [410, "Expired"]);
  });

  test("is named in openWatches until the client leaves", async () => {
    const api = embedded();
    const events = await watch(api, MAPS);
    assertEquals(api.openWatches.length, 1);
    assertEquals(api.openWatches[0]!.request.resource, "configmaps");
    events.stop();
    assertEquals(api.openWatches.length, 0);
    await assertRejects(() => events.next(), DOMException);
  });
});

describe("a watch and time", () => {
  test("ends cleanly at timeoutSeconds", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    const events = await watch(api, MAPS, { timeoutSeconds: "30" });
    await clock.advance(29_999);
    assertEquals(api.openWatches.length, 1);
    await clock.advance(1);
    assertEquals(await events.next(), undefined);
    assertEquals([api.openWatches.length, clock.pending], [0, 0]);
  });

  test("gets bookmarks with the newest version of all resources when it asks for them", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock, bookmarkInterval: 10_000 });
    const from = api.resourceVersion;
    const asked = await watch(api, MAPS, { resourceVersion: from, allowWatchBookmarks: "true" });
    const silent = await watch(api, MAPS, { resourceVersion: from });
    api.apply(pod("elsewhere"));
    await clock.advance(20_000);
    for (let i = 0; i < 2; i++) {
      const bookmark = await asked.next();
      assertEquals([bookmark!.type, bookmark!.object.kind], ["BOOKMARK", "ConfigMap"]);
      assertEquals(bookmark!.object.metadata.resourceVersion, api.resourceVersion);
    }
    api.apply(configMap("a"));
    assertEquals(await silent.names(1), ["ADDED a"]);
    assertEquals(await asked.names(1), ["ADDED a"]);
    asked.stop();
    silent.stop();
    assertEquals(clock.pending, 0);
  });
});

describe("a watch printed by the server", () => {
  test("is Tables of one row, only the first with its columns", async () => {
    const api = embedded();
    api.apply([configMap("a"), configMap("b")]);
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const answer = await api.fetch(`${MAPS}?watch=1`, { headers: { accept } });
    api.openWatches[0]!.end();
    const tables = (await answer.text())
      .trim()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line).object as { kind: string; columnDefinitions: object[] | null; rows: { cells: unknown[] }[] },
      );
    assertEquals(
      tables.map(({ kind, columnDefinitions, rows }) => [
        kind,
        columnDefinitions?.length,
        rows.map(({ cells }) => cells[0]),
      ]),
      [
        ["Table", 3, ["a"]],
        ["Table", undefined, ["b"]],
      ],
    );
  });
});

describe("streaming lists", () => {
  const query = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" };

  test("send what is there and then the bookmark that says so", async () => {
    const api = embedded();
    api.apply([configMap("a"), configMap("b")]);
    const events = await watch(api, MAPS, query);
    assertEquals(await events.names(2), ["ADDED a", "ADDED b"]);
    const end = await events.next();
    assertEquals(end!.object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
    assertEquals(end!.object.metadata.resourceVersion, api.resourceVersion);
    events.stop();
  });

  test("are ignored by a server that does not know them: no bookmark ends the list", async () => {
    const api = embedded({ sendInitialEvents: "ignored" });
    api.apply(configMap("a"));
    const events = await watch(api, MAPS, query);
    api.apply(configMap("b"));
    assertEquals(await events.names(2), ["ADDED a", "ADDED b"]);
    events.stop();
  });

  test("are refused where the feature is off, or without resourceVersionMatch", async () => {
    const off = await get<StatusAnswer>(embedded({ sendInitialEvents: "refused" }), MAPS, { watch: "1", ...query });
    assertEquals(off.code, 422);
    assertStringIncludes(off.message, "WatchList feature gate");
    const without = await get<StatusAnswer>(embedded(), MAPS, { watch: "1", sendInitialEvents: "true" });
    assertEquals(without.code, 422);
  });
});

describe("what a test does to an open watch", () => {
  test("freeze keeps it open and silent, also past its timeout", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    const events = await watch(api, MAPS, { timeoutSeconds: "5", allowWatchBookmarks: "1" });
    api.openWatches[0]!.freeze();
    api.apply(configMap("a"));
    let settled = false;
    const next = events.next().finally(() => {
      settled = true;
    });
    await clock.advance(600_000);
    assert(!settled);
    events.stop();
    await assertRejects(() => next, DOMException);
  });

  test("break loses the connection after what was sent, end ends it, write puts anything in, error expires it", async () => {
    const api = embedded();
    const broken = await watch(api, MAPS);
    api.apply(configMap("a"));
    api.openWatches[0]!.break();
    assertEquals(await broken.names(1), ["ADDED a"]);
    await assertRejects(() => broken.next(), TypeError);

    const ended = await watch(api, MAPS, { resourceVersion: api.resourceVersion });
    api.openWatches[0]!.write('{"type":"ODD","object":{"metadata":{"name":"x"}}}\n');
    api.openWatches[0]!.end();
    assertEquals(await ended.names(2), ["ODD x"]);

    const expired = await watch(api, MAPS, { resourceVersion: api.resourceVersion });
    api.openWatches[0]!.error();
    assertEquals((await expired.next())!.object.code, 410);
    assertEquals(await expired.next(), undefined);
    assertEquals(api.openWatches.length, 0);
  });
});
