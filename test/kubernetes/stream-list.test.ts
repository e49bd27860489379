import { describe, test } from "bun:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { EmbeddedApiserver } from "../../src/demo/apiserver.ts";
import { at, follow, slice } from "../discovery/support.ts";
import type { FaultEffect } from "../helpers/apiserver-faults.ts";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const streams = (api: EmbeddedApiserver) =>
  api.requests.filter(({ query }) => query.get("sendInitialEvents") === "true");
const pages = (api: EmbeddedApiserver) => api.requests.filter(({ verb }) => verb === "list");

const isStream = ({ query }: { query: URLSearchParams }): boolean => query.has("sendInitialEvents");

/** A cluster whose watch was open and whose version is gone: it has to list again. */
async function afterExpiry(settings: Parameters<typeof embedded>[0] = {}, effect?: FaultEffect) {
  const clock = createFakeClock();
  const api = embedded({ clock, ...settings });
  const followed = await follow(
    [slice("web-a", [at("10.0.0.1")]), slice("web-b", [at("10.0.0.2")])],
    {},
    { api, clock },
  );
  await clock.advance(6000);
  const upstream = followed.discovery.upstream({ service: "web" });
  const before = upstream.endpoints();
  if (effect !== undefined) api.faults.add({ match: isStream, effect });
  const expire = async (): Promise<void> => {
    api.compact();
    for (const watch of [...api.openWatches]) watch.error();
    await clock.settle();
  };
  return { clock, api, followed, upstream, before, expire };
}

describe("a list that is made again", () => {
  test("comes as a stream where the server's version offers it; the first one comes by pages", async () => {
    const { api, followed, upstream, before, expire, clock } = await afterExpiry();
    await using _ = followed;
    assertEquals([pages(api).length, streams(api).length], [1, 0]);
    api.remove("EndpointSlice", "default", "web-a");
    await clock.settle();
    await expire();
    assertEquals([pages(api).length, streams(api).length], [1, 1]);
    assertEquals(Object.fromEntries(streams(api)[0]!.query).resourceVersionMatch, "NotOlderThan");
    assertEquals(followed.cluster.status().state, "watching");
    assertEquals(followed.addresses("web"), ["10.0.0.2:8080"]);
    assert(upstream.endpoints() !== before);
    await expire();
    await clock.advance(5000);
    assertEquals([pages(api).length, streams(api).length], [1, 2]);
    assertEquals(api.requests.filter(({ path }) => path === "/version").length, 1);
    // The stream of the list was closed: one watch is open, not two.
    assertEquals(api.openWatches.length, 1);
  });

  const without: readonly (readonly [string, Parameters<typeof afterExpiry>])[] = [
    ["a server that refuses it", [{ sendInitialEvents: "refused" }]],
    ["a server that does not know it and sends no end", [{ sendInitialEvents: "ignored" }]],
    ["a proxy that holds streams back", [{}, { kind: "stall", after: 0 }]],
    ["a proxy that never answers one", [{}, { kind: "stall" }]],
    ["a stream that ends before the list does", [{}, { kind: "cut", lines: 1, clean: true }]],
    ["a stream with half a line", [{}, { kind: "cut", lines: 1, midLine: true, clean: true }]],
    ["a stream of HTML", [{}, { kind: "html" }]],
    ["a stream of garbage", [{}, { kind: "garbage", after: 10 }]],
    ["a role that may not watch this way", [{}, { kind: "status", code: 403, reason: "Forbidden" }]],
  ];
  const lasting = without.map(([what]) => what).filter((what) => !/^a stream /.test(what));
  for (const [what, setting] of without) {
    test(`comes by pages after ${what}, and is never half applied`, async () => {
      const { api, followed, upstream, before, expire, clock } = await afterExpiry(...setting);
      await using _ = followed;
      await expire();
      assertStrictEquals(upstream.endpoints(), before);
      await clock.advance(3000);
      assertEquals(followed.cluster.status().state, "watching");
      assertStrictEquals(upstream.endpoints(), before);
      assertEquals(streams(api).length, 1);
      assertEquals(pages(api).length, 2);
      await expire();
      await clock.advance(60_000);
      assertEquals(streams(api).length, lasting.includes(what) ? 1 : 2, "what will not change is remembered");
      assertEquals(pages(api).length, 3);
    });
  }

  test("gives an apiserver in trouble its pause, then comes by pages", async () => {
    const { api, followed, upstream, before, expire, clock } = await afterExpiry(
      {},
      {
        kind: "status",
        code: 429,
        headers: { "retry-after": "20" },
      },
    );
    await using _ = followed;
    await expire();
    assertEquals([streams(api).length, pages(api).length], [1, 1]);
    await clock.advance(19_000);
    assertEquals([streams(api).length, pages(api).length], [1, 1]);
    await clock.advance(4000);
    assertEquals([streams(api).length, pages(api).length], [1, 2]);
    assertEquals(followed.cluster.status().state, "watching");
    assertStrictEquals(upstream.endpoints(), before);
  });
});
