import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { listOf, statusOf } from "../helpers/scripted-apiserver.ts";
import { autoBench } from "./harness.ts";

describe("mode auto", () => {
  test("polls after three streams in a row that died early, says so, and watches again after five minutes", async () => {
    const { server, store, source, start, stop, clock, lines } = autoBench();
    let cutting = true;
    server.list = (_, index) => listOf(`${index + 1}`, [{ name: `n${index}`, resourceVersion: `${index + 1}` }]);
    server.watch = (request) => {
      const answer = server.stream(request);
      if (cutting) server.streams.at(-1)!.fail();
      return answer;
    };
    await start();
    assertEquals(source.status.state, "unreachable");
    await clock.advance(20_000);
    assertEquals(source.status.state, "polling");
    assertEquals(server.watches.length, 3);
    assertEquals(lines.filter(({ message }) => message.includes("watches do not work here")).length, 1);
    const polls = source.status.lists.poll!;
    await clock.advance(60_000);
    assertGreater(source.status.lists.poll!, polls + 9);
    assertEquals(store.names().length, 1);
    cutting = false;
    server.list = () => listOf("500", [{ name: "steady", resourceVersion: "500" }]);
    await clock.advance(300_000);
    assertEquals(source.status.state, "watching");
    assertEquals(source.status.lists.start, 2);
    server.streams.at(-1)!.put("ADDED", { name: "late", resourceVersion: "900" });
    await clock.settle();
    assert(store.names().includes("default/late"));
    await stop();
    assertEquals(clock.pending, 0);
  });

  test("polls when streams stay silent while a list shows changes", async () => {
    const { server, store, source, start, stop, clock } = autoBench();
    let version = 1;
    server.list = () => listOf(`${version}`, [{ name: `n${version}`, resourceVersion: `${version}` }]);
    await start();
    version = 2;
    await clock.advance(3 * 75_000 + 1000);
    assertEquals(source.status.state, "polling");
    assertEquals(store.names(), ["default/n2"]);
    await stop();
  });

  test("keeps watching a namespace that is silent because nothing happens", async () => {
    const { server, source, store, start, stop, clock } = autoBench();
    server.list = () => listOf("50", [{ name: "a", resourceVersion: "7" }]);
    await start();
    await clock.advance(20 * 60_000);
    assertEquals(source.status.state, "watching");
    assertEquals(source.status.lists, { start: 1 });
    assertEquals(store.changes.length, 1);
    await stop();
  });

  test("does not blame the watch when the apiserver is away altogether", async () => {
    const { server, store, source, start, stop, clock } = autoBench();
    server.list = () => listOf("50", [{ name: "a" }]);
    await start();
    const away = (): Response => statusOf(503, "Unavailable", "away");
    const { list, watch } = server;
    Object.assign(server, { list: away, watch: away });
    server.streams[0]!.fail();
    await clock.advance(120_000);
    assertEquals(source.status.state, "unreachable");
    Object.assign(server, { list, watch });
    await clock.advance(31_000);
    assertEquals(source.status.state, "watching");
    assertEquals(source.status.lists, { start: 1 });
    assertEquals(store.names(), ["default/a"]);
    await stop();
  });

  test("gives watching up again after one bad stream once it has polled", async () => {
    const { server, source, start, stop, clock } = autoBench();
    server.watch = (request) => {
      const answer = server.stream(request);
      server.streams.at(-1)!.fail();
      return answer;
    };
    await start();
    await clock.advance(20_000);
    assertEquals([source.status.state, server.watches.length], ["polling", 3]);
    await clock.advance(305_000);
    assertEquals([source.status.state, server.watches.length], ["polling", 4]);
    await stop();
  });
});
