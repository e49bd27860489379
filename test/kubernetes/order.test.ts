import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { isOlder } from "../../src/kubernetes/versions.ts";
import { listOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

describe("the order of versions", () => {
  test("versions compare as whole numbers of any size, and others not at all", () => {
    const cases: [string, string, boolean][] = [
      ["1", "2", true],
      ["9", "10", true],
      ["10", "9", false],
      ["7", "7", false],
      ["18446744073709551614", "18446744073709551615", true],
      ["abc", "abd", false],
      ["", "1", false],
      ["01", "2", false],
    ];
    for (const [version, than, expected] of cases)
      assertEquals(isOlder(version, than), expected, `${version} < ${than}`);
  });

  test("an event that comes again after a newer one is not taken in: a full list tells what holds", async () => {
    const { server, store, clock, start, stop } = reflectorBench();
    server.list = (_, index) =>
      listOf(index === 0 ? "1" : "3", index === 0 ? [] : [{ name: "a", resourceVersion: "3", weight: 3 }]);
    await start();
    const [stream] = server.streams;
    stream!.put("ADDED", { name: "a", resourceVersion: "2", weight: 2 });
    stream!.put("MODIFIED", { name: "a", resourceVersion: "3", weight: 3 });
    stream!.put("ADDED", { name: "a", resourceVersion: "2", weight: 2 });
    await clock.settle();
    assertEquals(store.get("default/a")?.metadata.resourceVersion, "3");
    await clock.advance(1000);
    assertEquals(server.lists.length, 2);
    assertEquals(server.lists[1]!.query.resourceVersion, "3");
    await stop();
  });

  test("the newest event twice changes nothing and costs no list", async () => {
    const { server, store, clock, start, stop } = reflectorBench();
    await start();
    const [stream] = server.streams;
    stream!.put("ADDED", { name: "a", resourceVersion: "2" });
    stream!.put("ADDED", { name: "a", resourceVersion: "2" });
    await clock.advance(1000);
    assertEquals(store.names(), ["default/a"]);
    assertEquals(server.lists.length, 1);
    await stop();
  });

  test("an event whose version is no text is taken in, and the watch resumes from the version before", async () => {
    const { server, store, clock, start, stop } = reflectorBench();
    await start();
    const [stream] = server.streams;
    stream!.put("ADDED", { name: "a", resourceVersion: "2" });
    stream!.event("DELETED", { metadata: { name: "a", namespace: "default", resourceVersion: { of: 3 } } });
    await clock.settle();
    assertEquals(store.names(), []);
    stream!.end();
    await clock.settle();
    assertEquals([server.lists.length, server.watches.at(-1)?.query.resourceVersion], [1, "2"]);
    await stop();
  });
});
