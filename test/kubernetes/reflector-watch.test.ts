import { describe, test } from "bun:test";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { listOf, objectOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

describe("a watch that ends or goes silent", () => {
  test("is reopened from its last version when it is silent past the limit, and what was missed arrives", async () => {
    const { server, store, source, start, stop, clock, streams } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }]);
    await start();
    server.streams[0]!.put("ADDED", { name: "b", resourceVersion: "11" });
    await clock.advance(74_000);
    assertEquals(server.watches.length, 1);
    await clock.advance(16_000);
    assertEquals(server.watches.length, 2, "reopened within 90 s");
    assertEquals(server.watches[1]!.query.resourceVersion, "11");
    assertEquals(server.lists.length, 1);
    assert(server.streams[0]!.closed, "the silent stream is closed");
    server.streams[1]!.put("DELETED", { name: "a", resourceVersion: "12" });
    await clock.settle();
    assertEquals(store.names(), ["default/b"]);
    assertEquals(source.status.state, "watching");
    assertEquals(streams, [{ lived: 75_000, delivered: 1, end: "silent", version: "11" }]);
    await stop();
  });

  test("leaves the state watching once a frozen apiserver does not answer the reopening", async () => {
    const { server, source, start, stop, clock } = reflectorBench();
    await start();
    const before = source.status;
    server.watch = () => new Promise<Response>(() => {});
    await clock.advance(80_000);
    assertEquals(source.status.state, "connecting");
    await clock.advance(40_000);
    assertEquals(source.status.state, "unreachable");
    assertStringIncludes(source.status.lastError!, "no answer within 30 s");
    assertEquals(source.status.lastByte, before.lastByte, "the age of the last byte keeps growing");
    await stop();
  });

  test("lives on while every byte arms the limit anew: a bookmark each 20 s under 30 s for ten minutes is one request", async () => {
    const { server, start, stop, clock } = reflectorBench({ watchIdle: 30_000 });
    await start();
    for (let second = 0; second < 600; second += 20) {
      await clock.advance(20_000);
      server.streams[0]!.bookmark(String(100 + second));
    }
    await clock.settle();
    assertEquals(server.watches.length, 1);
    await stop();
  });

  test("costs no error, relist or change in a namespace that is quiet for 20 minutes", async () => {
    const { server, store, start, stop, clock, lines } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }]);
    await start();
    for (let minute = 0; minute < 20; minute++) {
      await clock.advance(60_000);
      const open = server.streams.at(-1)!;
      open.bookmark(String(11 + minute));
      // The server's own end of a watch.
      if (minute % 4 === 3) open.end();
    }
    await clock.settle();
    assertEquals(server.lists.length, 1);
    assertEquals(server.watches.length, 6);
    assertEquals(store.changes.length, 1);
    assertEquals(
      lines.filter(({ level }) => level === "error" || level === "warn"),
      [],
    );
    await stop();
  });

  test("needs no relist either where the quiet server sends no bookmark at all", async () => {
    const { server, store, start, stop, clock, lines } = reflectorBench();
    await start();
    await clock.advance(20 * 60_000);
    assertEquals(server.lists.length, 1);
    assertEquals(store.changes.length, 1);
    assertEquals(
      lines.filter(({ level }) => level === "error" || level === "warn"),
      [],
    );
    await stop();
  });

  test("resumes at once from the last version after its normal end, without a relist", async () => {
    const { server, start, stop, clock, lines } = reflectorBench();
    server.list = () => listOf("10", []);
    await start();
    server.streams[0]!.put("ADDED", { name: "a", resourceVersion: "11" });
    server.streams[0]!.bookmark("15");
    server.streams[0]!.end();
    await clock.settle();
    assertEquals(
      server.watches.map(({ query }) => query.resourceVersion),
      ["10", "15"],
    );
    assertEquals(server.lists.length, 1);
    assertEquals(
      lines.filter(({ level }) => level !== "debug"),
      [],
    );
    await stop();
  });

  test("resumes at once when it lived 5 s without an event, and counts a failure when it did not", async () => {
    const { server, source, start, stop, clock } = reflectorBench();
    await start();
    await clock.advance(5000);
    server.streams[0]!.end();
    await clock.settle();
    assertEquals(server.watches.length, 2);
    await clock.advance(1000);
    server.streams[1]!.end();
    await clock.settle();
    assertEquals(server.watches.length, 2);
    assertStringIncludes(source.status.lastError!, "ended the watch without an event");
    await clock.advance(1000);
    assertEquals(server.watches.length, 3);
    await stop();
  });

  test("resumes from the last version after a lost connection and drops the cut line", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", []);
    await start();
    server.streams[0]!.put("ADDED", { name: "a", resourceVersion: "11" });
    server.streams[0]!.bytes(JSON.stringify({ type: "ADDED", object: objectOf({ name: "b" }) }));
    await clock.settle();
    server.streams[0]!.fail();
    await clock.advance(1000);
    assertEquals(store.names(), ["default/a"]);
    assertEquals(server.watches[1]!.query.resourceVersion, "11");
    assertEquals(server.lists.length, 1);
    await stop();
  });

  test("drops a cut last line of a stream that ends in order, too", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", []);
    await start();
    server.streams[0]!.put("ADDED", { name: "a", resourceVersion: "11" });
    server.streams[0]!.bytes('{"type":"ADDED","object":{"metadata":{"na');
    server.streams[0]!.end();
    await clock.settle();
    assertEquals(store.names(), ["default/a"]);
    assertEquals(server.watches[1]!.query.resourceVersion, "11");
    assertEquals(server.lists.length, 1);
    await stop();
  });
});

describe("a stream that cannot be trusted", () => {
  const lines: Record<string, string> = {
    "a line that is not JSON": "{nonsense\n",
    "an unknown event": '{"type":"FOO","object":{}}\n',
    "a line of null": "null\n",
    "an ERROR event that is not about versions": '{"type":"ERROR","object":{"code":500,"message":"decoder broke"}}\n',
  };
  for (const [name, line] of Object.entries(lines)) {
    test(`because of ${name} leads to a full list after a pause, with nothing lost meanwhile`, async () => {
      const { server, store, source, start, stop, clock } = reflectorBench();
      server.list = (_, index) => (index === 0 ? listOf("10", [{ name: "a" }]) : listOf("20", [{ name: "b" }]));
      await start();
      server.streams[0]!.bytes(line);
      server.streams[0]!.put("ADDED", { name: "never", resourceVersion: "12" });
      await clock.settle();
      assertEquals(store.names(), ["default/a"]);
      assertEquals(server.lists.length, 1, "a pause comes first");
      await clock.advance(1000);
      assertEquals(store.names(), ["default/b"]);
      assertEquals(source.status.lists, { start: 1, [name.startsWith("an ERROR") ? "error" : "garbage"]: 1 });
      await stop();
    });
  }

  const unreadable: Record<string, string> = {
    "no object": '{"type":"ADDED"}',
    "no metadata": '{"type":"MODIFIED","object":{"kind":"EndpointSlice"}}',
    "a name that is no text": '{"type":"DELETED","object":{"metadata":{"name":7}}}',
    "ten thousand lists in each other": `{"type":"ADDED","object":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
    "ten thousand lists in a row and more": `{"type":"ADDED","object":[${"[],".repeat(20_000)}[]]}`,
  };
  for (const [name, line] of Object.entries(unreadable)) {
    test(`is not one with an event of ${name}: it is noted, and those behind it are taken in`, async () => {
      const { server, store, source, lines, start, stop, clock } = reflectorBench();
      server.list = () => listOf("10", [{ name: "a" }]);
      await start();
      const [stream] = server.streams;
      for (let times = 0; times < 2; times++) stream!.bytes(`${line}\n`);
      stream!.put("ADDED", { name: "b", resourceVersion: "12" });
      await clock.settle();
      assertEquals(store.names(), ["default/a", "default/b"]);
      assertEquals([server.lists.length, source.status.resourceVersion], [1, "12"]);
      const reason = name.startsWith("ten") ? "nesting" : "identity";
      assertEquals(source.status.skipped?.totals, { [reason]: 2 });
      assertEquals(lines.filter(({ message }) => message.includes("left out")).length, 1);
      await stop();
    });
  }

  test("does not heal the pauses by its first good line", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.watch = (request) => {
      const answer = server.stream(request);
      server.streams.at(-1)!.put("ADDED", { name: "a", resourceVersion: "2" });
      server.streams.at(-1)!.bytes("nonsense\n");
      return answer;
    };
    await start();
    await clock.advance(60_000);
    assertLess(server.lists.length, 14);
    await stop();
  });

  test("because the receiver cannot hold an object leads to a full list", async () => {
    const { server, start, stop, clock, source } = reflectorBench({
      apply: (change) => {
        if (change.kind === "put") throw new RangeError("no room");
      },
    });
    await start();
    server.streams[0]!.put("ADDED", { name: "a", resourceVersion: "2" });
    await clock.settle();
    assertStringIncludes(source.status.lastError!, "no room");
    await clock.advance(1000);
    assertEquals(server.lists.length, 2);
    await stop();
  });
});
