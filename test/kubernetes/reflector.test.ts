import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { listOf, objectOf, slices, statusOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

const gone = (): Response => statusOf(410, "Expired", "too old resource version: 10 (20)");

describe("a reflector that all goes well for", () => {
  test("lists once, then watches from the list's version with bookmarks and a time limit below Bun's 300 s", async () => {
    const { server, store, source, start, stop } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }, { name: "b" }]);
    await start();
    assertEquals(store.names(), ["default/a", "default/b"]);
    const [watch] = server.watches;
    assertEquals(
      server.lists.map(({ query }) => query),
      [{ limit: "500" }],
    );
    assertEquals(watch!.query.resourceVersion, "10");
    assertEquals(watch!.query.allowWatchBookmarks, "true");
    assertEquals(Number(watch!.query.timeoutSeconds), 265);
    assertEquals(source.status.state, "watching");
    assertEquals(source.status.resourceVersion, "10");
    assertEquals(source.status.lists, { start: 1 });
    await stop();
  });

  test("spreads the time limit of its watches from 240 to 290 s", async () => {
    for (const [random, seconds] of [
      [0, "240"],
      [0.999999, "290"],
    ] as const) {
      const { server, start, stop } = reflectorBench({ random: () => random });
      await start();
      assertEquals(server.watches[0]!.query.timeoutSeconds, seconds);
      await stop();
    }
  });

  test("takes added, changed and deleted objects in, and remembers the version of each", async () => {
    const { server, store, source, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a", resourceVersion: "5" }]);
    await start();
    const [watch] = server.streams;
    watch!.put("ADDED", { name: "b", resourceVersion: "11" });
    watch!.put("MODIFIED", { name: "a", resourceVersion: "12", mark: "new" });
    watch!.put("DELETED", { name: "b", resourceVersion: "13" });
    await clock.settle();
    assertEquals(store.names(), ["default/a"]);
    assertEquals(store.get("default/a")!.mark, "new");
    assertEquals(source.status.resourceVersion, "13");
    assertEquals(source.status.events, 3);
    await stop();
  });

  test("removes an object that a change takes out of the decoder's sight", async () => {
    const { server, store, start, stop, clock } = reflectorBench({
      decode: (object) => ((object as { hidden?: boolean }).hidden ? undefined : (object as never)),
    });
    server.list = () => listOf("10", [{ name: "a" }, { name: "b", hidden: true }]);
    await start();
    assertEquals(store.names(), ["default/a"]);
    server.streams[0]!.put("MODIFIED", { name: "a", resourceVersion: "11", hidden: true });
    await clock.settle();
    assertEquals(store.names(), []);
    await stop();
  });

  test("reads a list of three pages as one atomic replacement", async () => {
    const { server, store, start, stop } = reflectorBench();
    const pages = [
      () => listOf("10", [{ name: "a" }], { continue: "t1" }),
      () => listOf("10", [{ name: "b" }], { continue: "t2" }),
      () => listOf("10", [{ name: "c" }]),
    ];
    server.list = (_, index) => pages[index]!();
    await start();
    assertEquals(
      server.lists.map(({ query }) => query),
      [{ limit: "500" }, { limit: "500", continue: "t1" }, { limit: "500", continue: "t2" }],
    );
    assertEquals(
      store.changes.map(({ kind }) => kind),
      ["replace"],
    );
    assertEquals(store.names(), ["default/a", "default/b", "default/c"]);
    await stop();
  });

  test("watches from the version of a list's first page: what later pages show already is told again", async () => {
    const { server, store, source, start, stop, clock } = reflectorBench();
    const pages = [
      () => listOf("10", [{ name: "a" }], { continue: "t1" }),
      () => listOf("12", [{ name: "b" }], { continue: "t2" }),
      () => listOf("14", [{ name: "c" }]),
    ];
    server.list = (_, index) => pages[index]!();
    await start();
    assertEquals([server.watches[0]?.query.resourceVersion, source.status.resourceVersion], ["10", "10"]);
    server.streams[0]!.put("DELETED", { name: "a", resourceVersion: "11" });
    server.streams[0]!.put("ADDED", { name: "b", resourceVersion: "12" });
    await clock.settle();
    assertEquals(store.names(), ["default/b", "default/c"]);
    await stop();
  });

  test("uses one watch for a collection, however much it holds", async () => {
    const { server, start, stop } = reflectorBench();
    server.list = () =>
      listOf(
        "10",
        Array.from({ length: 200 }, (_, i) => ({ name: `service-${i}` })),
      );
    await start();
    assertEquals(server.requests.length, 2);
    await stop();
  });

  test("falls back to the form the server knows, and stays with it", async () => {
    const beta = { ...slices, groupVersion: "apis/discovery.k8s.io/v1beta1" };
    const { server, store, start, stop, clock } = reflectorBench({ collections: [slices, beta] });
    server.list = ({ url }) =>
      url.pathname.includes("v1beta1/") ? listOf("10", [{ name: "a" }]) : statusOf(404, "NotFound", "page not found");
    await start();
    assertEquals(store.names(), ["default/a"]);
    assertStringIncludes(server.watches[0]!.url.pathname, "/v1beta1/");
    server.streams[0]!.event("ERROR", { code: 410 });
    await clock.settle();
    assertEquals(server.lists.length, 3);
    assertStringIncludes(server.lists[2]!.url.pathname, "/v1beta1/");
    await stop();
  });

  test("says rejected when the server offers none of the forms", async () => {
    const { server, source, start, stop } = reflectorBench();
    server.list = () => statusOf(404, "NotFound", "the server could not find the requested resource");
    await start();
    assertEquals(source.status.state, "rejected");
    assertStringIncludes(source.status.lastError!, "does not offer");
    await stop();
  });

  test("asks the namespaced path, with the label selector on list and watch alike", async () => {
    const { server, start, stop } = reflectorBench({
      collections: [{ ...slices, namespace: "shop", labelSelector: "app=foo" }],
    });
    await start();
    for (const { url, query } of server.requests) {
      assertEquals(url.pathname, "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
      assertEquals(query.labelSelector, "app=foo");
    }
    assertEquals(server.requests.length, 2);
    await stop();
  });
});

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

describe("a version that is gone", () => {
  for (const form of ["an HTTP 410", "an ERROR event", "a bare ERROR event", "an ERROR event by its reason"]) {
    test(`told by ${form} leads to a LIST without it, and it is never sent twice`, async () => {
      const { server, store, start, stop, clock } = reflectorBench();
      server.list = (_, index) => listOf(index === 0 ? "10" : "20", [{ name: index === 0 ? "old" : "new" }]);
      server.watch = (request, index) => {
        if (index > 0) return server.stream(request);
        if (form === "an HTTP 410") return gone();
        const answer = server.stream(request);
        const status =
          form === "a bare ERROR event"
            ? { code: 410 }
            : form === "an ERROR event"
              ? { kind: "Status", code: 410, reason: "Gone", message: "too old" }
              : { kind: "Status", reason: "Expired" };
        server.streams[0]!.event("ERROR", status);
        return answer;
      };
      await start();
      await clock.settle();
      assertEquals(
        server.requests.map(({ kind, query }) => [kind, query.resourceVersion]),
        [
          ["list", undefined],
          ["watch", "10"],
          // How may be listed again is asked once.
          ["other", undefined],
          ["list", undefined],
          ["watch", "20"],
        ],
      );
      assertEquals(store.names(), ["default/new"]);
      await stop();
    });
  }

  test("again and again is asked for with growing pauses, not in a tight loop", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.watch = () => gone();
    await start();
    await clock.advance(60_000);
    assertLess(server.lists.length, 14);
    await stop();
  });

  test("in the list's later pages keeps the snapshot until one full list has succeeded", async () => {
    for (const failure of ["410", "500", "reset", "half JSON"]) {
      const { server, store, source, start, stop, clock } = reflectorBench();
      server.list = () => listOf("10", [{ name: "a" }, { name: "b" }]);
      await start();
      const before = store.names();
      let broken = true;
      server.list = ({ query }) => {
        if (query.continue === undefined) return listOf("20", [{ name: "c" }], { continue: "next" });
        if (!broken) return listOf("20", [{ name: "d" }]);
        if (failure === "reset") throw new TypeError("ECONNRESET");
        if (failure === "half JSON") return new Response('{"kind":"EndpointSliceList","items":[{"meta');
        return failure === "410" ? gone() : statusOf(500, "InternalError", "etcd is away");
      };
      server.streams[0]!.event("ERROR", { code: 410 });
      await clock.advance(5000);
      assertGreater(server.lists.length, 3);
      assertEquals(store.names(), before, failure);
      assertEquals(store.changes.length, 1);
      assert(source.status.lastError !== undefined);
      for (const { query } of server.lists) assert(query.resourceVersion !== "10", "the expired version is not sent");
      broken = false;
      await clock.advance(31_000);
      assertEquals(store.names(), ["default/c", "default/d"]);
      await stop();
    }
  });

  test("leads to a replacement: what was deleted meanwhile is gone with the next list", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = (_, index) =>
      index === 0 ? listOf("10", [{ name: "a" }, { name: "ghost" }]) : listOf("30", [{ name: "a" }]);
    await start();
    server.watch = (request, index) => (index === 1 ? gone() : server.stream(request));
    server.streams[0]!.fail();
    await clock.advance(2000);
    assertEquals(store.names(), ["default/a"]);
    await stop();
  });
});

describe("versions across apiservers", () => {
  test("a too large version leads to a list without one, which recovers at once", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = () => listOf("100", [{ name: "a" }]);
    await start();
    server.list = ({ query }) =>
      query.resourceVersion === undefined
        ? listOf("7", [{ name: "b" }])
        : statusOf(504, "Timeout", "Too large resource version: 100, current: 7");
    server.streams[0]!.bytes("garbage\n");
    await clock.advance(2000);
    assertEquals(
      server.lists.slice(1).map(({ query }) => query),
      [{ limit: "500", resourceVersion: "100", resourceVersionMatch: "NotOlderThan" }, { limit: "500" }],
    );
    assertEquals(store.names(), ["default/b"]);
    await stop();
  });

  test("a watch the server calls too large leads to a list without a version", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.list = () => listOf("100", []);
    server.watch = (request, index) =>
      index === 0 ? statusOf(504, "Timeout", "Too large resource version: 100, current: 7") : server.stream(request);
    await start();
    await clock.settle();
    assertEquals(server.lists[1]!.query, { limit: "500" });
    await stop();
  });

  test("a relist asks for nothing older than what was seen, so removed pods do not come back", async () => {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = () => listOf("10", [{ name: "a" }, { name: "removed" }]);
    await start();
    server.streams[0]!.put("DELETED", { name: "removed", resourceVersion: "20" });
    await clock.settle();
    // The other apiserver's cache is at 15: it may only answer who accepts that.
    server.list = ({ query }) =>
      Number(query.resourceVersion ?? 0) > 15
        ? statusOf(500, "InternalError", "not yet")
        : listOf("15", [{ name: "a" }, { name: "removed" }]);
    server.streams[0]!.bytes("garbage\n");
    await clock.advance(20_000);
    assertEquals(server.lists.at(-1)!.query, {
      limit: "500",
      resourceVersion: "20",
      resourceVersionMatch: "NotOlderThan",
    });
    assertEquals(store.names(), ["default/a"]);
    await stop();
  });
});

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

describe("run", () => {
  test("ends when its signal aborts, in every state, leaving no timer and no open stream", async () => {
    for (const moment of ["list", "watch", "pause"]) {
      const { server, start, stop, clock } = reflectorBench();
      if (moment === "list") server.list = () => new Promise<Response>(() => {});
      if (moment === "pause") server.list = () => statusOf(500, "InternalError", "away");
      await start();
      await stop();
      await clock.settle();
      assertEquals(clock.pending, 0, moment);
      assert(server.streams.every(({ closed }) => closed));
    }
  });

  test("resumes from the version it had when it is started again", async () => {
    const { server, start, stop, clock } = reflectorBench();
    server.list = () => listOf("12345", []);
    await start();
    server.streams[0]!.put("ADDED", { name: "a", resourceVersion: "23456" });
    await clock.settle();
    await stop();
    await start();
    assertEquals(server.lists.length, 1);
    assertEquals(server.watches[1]!.query.resourceVersion, "23456");
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

test("a watch lasts, and pauses grow, as the options say", async () => {
  const seconds = async (watchSeconds?: { min: number; max: number }) => {
    const { server, start, stop } = reflectorBench({ watchSeconds });
    await start();
    await stop();
    return Number(server.watches[0]!.query.timeoutSeconds);
  };
  assertEquals(await seconds({ min: 30, max: 30 }), 30);
  const usual = await seconds();
  assertEquals(usual >= 240 && usual <= 290, true);
  const { server, start, stop, clock } = reflectorBench({ pauses: { min: 100, max: 200 } });
  server.list = () => statusOf(500, "InternalError", "etcd is away");
  await start();
  await clock.advance(10_000);
  assertEquals(server.lists.length > 45, true, `${server.lists.length} lists`);
  await stop();
});
