import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { listOf, slices, statusOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

const gone = (): Response => statusOf(410, "Expired", "too old resource version: 10 (20)");

describe("an apiserver in trouble", () => {
  const answers: Record<string, () => Response> = {
    "401": () => statusOf(401, "Unauthorized", "Unauthorized"),
    "403": () => statusOf(403, "Forbidden", 'endpointslices is forbidden: User "x" cannot list'),
    "500": () => statusOf(500, "InternalError", "etcd is away"),
    HTML: () => new Response("<!DOCTYPE html><title>Login</title>", { headers: { "content-type": "text/html" } }),
    "half JSON": () => new Response('{"kind":"EndpointSliceList","metadata":{"resou'),
    "another kind": () => listOf("20", [], { kind: "PodList" }),
    "no metadata": () =>
      Response.json({
        kind: "EndpointSliceList",
        metadata: { resourceVersion: "20" },
        items: [{ addressType: "IPv4" }],
      }),
    "a redirect": () => new Response(null, { status: 302, headers: { location: "https://login.test/" } }),
    nothing: () => new Response(""),
  };
  const states: Record<string, string> = { "401": "unauthorized", "403": "forbidden" };

  for (const [name, answer] of Object.entries(answers)) {
    test(`that answers ${name} never shrinks what is known, and the status says so`, async () => {
      const { server, store, source, start, stop, clock } = reflectorBench();
      server.list = () => listOf("10", [{ name: "a" }]);
      await start();
      server.list = answer;
      server.watch = answer;
      server.streams[0]!.event("ERROR", { code: 410 });
      await clock.advance(60_000);
      assertEquals(store.names(), ["default/a"]);
      assertEquals(store.changes.length, 1);
      assertEquals(source.status.state, (states[name] ?? "unreachable") as never);
      assertStringIncludes(source.status.lastError!, "cannot list");
      await stop();
    });
  }

  test("sees no more than 12 attempts in a minute of refused connections", async () => {
    let worst = 0;
    for (let seed = 1; seed <= 60; seed++) {
      let state = seed * 2654435761;
      const random = (): number => {
        state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0;
        return state / 2 ** 32;
      };
      const { server, start, stop, clock } = reflectorBench({ random });
      server.list = () => {
        throw Object.assign(new TypeError("Unable to connect"), { code: "ECONNREFUSED" });
      };
      await start();
      await clock.advance(60_000);
      worst = Math.max(worst, server.requests.length);
      await stop();
    }
    assertLessOrEqual(worst, 12);
    assertGreater(worst, 4);
  });

  test("is not asked sooner than its Retry-After says, in seconds or as a date", async () => {
    for (const header of [() => "20", (now: number) => new Date(now + 20_000).toUTCString()]) {
      const { server, start, stop, clock } = reflectorBench();
      server.list = (_, index) =>
        index === 0
          ? statusOf(429, "TooManyRequests", "slow down", { "retry-after": header(clock.now()) })
          : listOf("1", []);
      await start();
      await clock.advance(19_900);
      assertEquals(server.lists.length, 1);
      await clock.advance(2500);
      assertEquals(server.lists.length, 2);
      await stop();
    }
  });

  test("gets a short pause again after a watch that was healthy", async () => {
    const { server, start, stop, clock } = reflectorBench();
    await start();
    server.watch = (request, index) => (index < 6 ? statusOf(503, "Unavailable", "away") : server.stream(request));
    server.streams[0]!.fail();
    await clock.advance(60_000);
    assertEquals(server.streams.length, 2);
    server.streams[1]!.bookmark("50");
    await clock.settle();
    server.streams[1]!.fail();
    const before = server.watches.length;
    await clock.advance(1000);
    assertEquals(server.watches.length, before + 1);
    await stop();
  });

  test("is told of in the log once per error, not once per attempt", async () => {
    const { server, start, stop, clock, lines } = reflectorBench();
    server.list = () => statusOf(500, "InternalError", "etcd is away");
    await start();
    await clock.advance(120_000);
    assertGreater(server.lists.length, 5);
    assertEquals(lines.filter(({ level }) => level === "warn").length, 1);
    server.list = () => statusOf(403, "Forbidden", "no");
    await clock.advance(60_000);
    assertEquals(lines.filter(({ level }) => level === "warn").length, 2);
    server.list = () => listOf("1", []);
    await clock.advance(60_000);
    assertEquals(
      lines.filter(({ level }) => level === "info").map(({ message }) => message),
      ["kubernetes: in step with the apiserver again"],
    );
    await stop();
  });

  test("that flaps (opens each watch and ends it at once) does not fill the log", async () => {
    const { server, source, start, stop, clock, lines } = reflectorBench();
    server.watch = (request) => {
      const answer = server.stream(request);
      server.streams.at(-1)!.end();
      return answer;
    };
    await start();
    await clock.advance(300_000);
    assertGreater(server.watches.length, 8);
    assertLess(server.watches.length, 40);
    assertEquals(lines.filter(({ level }) => level !== "debug").length, 1);
    assert(source.status.lastError !== undefined);
    await stop();
  });

  test("that forbids the list is told of with the missing rule", async () => {
    const { server, source, start, stop } = reflectorBench({ collections: [{ ...slices, namespace: "shop" }] });
    server.list = () => statusOf(403, "Forbidden", 'endpointslices.discovery.k8s.io is forbidden: User "gw"');
    await start();
    assertEquals(source.status.state, "forbidden");
    assertStringIncludes(
      source.status.lastError!,
      "cannot list endpointslices in namespace shop at https://apiserver.test: forbidden (403): needs a Role in namespace shop with apiGroups " +
        "[discovery.k8s.io], resources [endpointslices], verbs [list, watch]",
    );
    await stop();
  });

  test("that refuses the query is shown with its own message", async () => {
    const { server, source, start, stop } = reflectorBench();
    server.list = () => statusOf(400, "BadRequest", "unable to parse requirement: found 'x'");
    await start();
    assertEquals(source.status.state, "rejected");
    assertStringIncludes(source.status.lastError!, "unable to parse requirement: found 'x'");
    await stop();
  });

  test("forgets the error with the next success", async () => {
    const { server, source, start, stop, clock } = reflectorBench();
    server.list = (_, index) => (index === 0 ? statusOf(500, "InternalError", "away") : listOf("1", []));
    await start();
    assert(source.status.lastError !== undefined);
    await clock.advance(1000);
    assertEquals(source.status.lastError, undefined);
    assertEquals(source.status.state, "watching");
    await stop();
  });
});

describe("an apiserver that comes back", () => {
  const away = (): never => {
    throw Object.assign(new TypeError("Unable to connect"), { code: "ECONNREFUSED" });
  };

  test("with another history is listed within a second of its first answer, however long it was away", async () => {
    const { server, store, source, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }]);
    await start();
    server.watch = away;
    server.streams[0]!.fail();
    await clock.advance(300_000);
    server.list = () => listOf("20", [{ name: "b" }]);
    let answered = 0;
    server.watch = (request) => {
      if (answered++ === 0) return gone();
      return server.stream(request);
    };
    while (answered === 0) await clock.advance(100);
    await clock.advance(1100);
    assertEquals([store.names(), source.status.state], [["default/b"], "watching"]);
    await stop();
  });

  test("and refuses what it allows a moment later is asked again within seconds, and is not called forbidden", async () => {
    const { server, store, source, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }]);
    await start();
    server.watch = away;
    server.streams[0]!.fail();
    await clock.advance(300_000);
    const seen = new Set<string>();
    let refusals = 0;
    server.list = () => listOf("20", [{ name: "b" }]);
    server.watch = (request) => {
      if (refusals++ === 0) return statusOf(403, "Forbidden", "no rights yet");
      return server.stream(request);
    };
    while (refusals === 0) await clock.advance(100);
    for (let i = 0; i < 12; i++) {
      seen.add(source.status.state);
      await clock.advance(100);
    }
    assertEquals([store.names(), source.status.state], [["default/a"], "watching"]);
    assertEquals(seen.has("forbidden"), false);
    await clock.advance(10_000);
    server.streams.at(-1)!.fail();
    server.watch = () => statusOf(403, "Forbidden", "no");
    await clock.advance(10_000);
    assertEquals(source.status.state, "forbidden");
    await stop();
  });
});
