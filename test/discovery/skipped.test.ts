import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import type { Fetch } from "../../src/platform/fetch.ts";
import { until } from "../helpers/wait.ts";
import { at, connectionOver, endpoints, follow, slice } from "./support.ts";

type Manifest = Record<string, unknown> & { metadata: Record<string, unknown> };

const bad = slice("bad-1", [at("10.0.0.9")], { service: "bad", namespace: "team-b" }) as Manifest;
const badEndpoints = endpoints("bad", [[["10.0.0.9"], "http", 80]], "team-b") as Manifest;
const port = (number: unknown): object => ({ ports: [{ name: "http", port: number, protocol: "TCP" }] });
const deep = JSON.parse(`${"[".repeat(1000)}${"]".repeat(1000)}`) as unknown;

/** What an apiserver might send of one tenant. */
const ODD: readonly [what: string, slices: boolean, object: unknown][] = [
  ["port 0", true, { ...bad, ...port(0) }],
  ["port 70000", true, { ...bad, ...port(70_000) }],
  ["a port that is a text", true, { ...bad, ...port("80") }],
  ["ports that are no list", true, { ...bad, ports: "http" }],
  ["endpoints that are no list", true, { ...bad, endpoints: 7 }],
  ["no metadata", true, { ...bad, metadata: undefined }],
  ["no namespace", true, { ...bad, metadata: { ...bad.metadata, namespace: undefined } }],
  ["another kind", true, { ...bad, kind: "Pod" }],
  ["a thousand lists in each other", true, { ...bad, extra: deep }],
  ["nothing", true, null],
  ["port 0 in a subset", false, { ...badEndpoints, subsets: [{ addresses: [{ ip: "10.0.0.9" }], ...port(0) }] }],
  ["subsets that are no list", false, { ...badEndpoints, subsets: {} }],
  ["a thousand lists in each other in Endpoints", false, { ...badEndpoints, extra: deep }],
];

/** An apiserver that checks nothing: one list, then whatever the test writes into its watches. */
function scripted(listKind: string, items: readonly unknown[]) {
  const encoder = new TextEncoder();
  const watches: ReadableStreamDefaultController<Uint8Array>[] = [];
  const state = { items, lists: 0, version: 10 };
  const fetch: Fetch = async (input) => {
    if (!input.includes("watch=true")) {
      state.lists++;
      return Response.json({
        kind: listKind,
        metadata: { resourceVersion: String(state.version) },
        items: state.items,
      });
    }
    return new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          watches.push(controller);
        },
      }),
    );
  };
  const send = (type: string, object: unknown): void => {
    const { metadata } = (object ?? {}) as { metadata?: object };
    const versioned =
      metadata === undefined
        ? object
        : { ...(object as object), metadata: { ...metadata, resourceVersion: String(++state.version) } };
    watches.at(-1)!.enqueue(encoder.encode(`${JSON.stringify({ type, object: versioned })}\n`));
  };
  return { state, fetch, send, watching: () => watches.length > 0 };
}

const goodOf = (slices: boolean, name: string, address: string): object =>
  slices
    ? slice(`${name}-1`, [at(address)], { service: name, namespace: "team-a" })
    : endpoints(name, [[[address], "http", 8080]], "team-a");

describe("one tenant's object", () => {
  for (const [what, slices, object] of ODD) {
    const kind = slices ? "EndpointSliceList" : "EndpointsList";
    const settings = (mode: ClusterOptions["mode"]) => ({ watch_endpoint_slices: slices, mode });

    for (const mode of ["watch", "poll"] as const) {
      test(`with ${what} keeps no other from being listed (mode ${mode})`, async () => {
        const server = scripted(kind, [
          goodOf(slices, "first", "10.0.0.1"),
          object,
          goodOf(slices, "last", "10.0.0.2"),
        ]);
        const connect = async () => connectionOver(server.fetch);
        await using followed = await follow([], settings(mode), { connect });
        assertEquals(followed.addresses("team-a/first:http"), ["10.0.0.1:8080"]);
        assertEquals(followed.addresses("team-a/last:http"), ["10.0.0.2:8080"]);
        const { skipped, partial, lastError } = followed.cluster.status();
        assertEquals([(skipped?.count ?? 0) + (partial ?? 0), lastError], [1, null]);
        const counted = Object.values(followed.cluster.counters().skipped);
        assert(counted.reduce((sum, count) => sum + count, 0) >= 1);
        assertEquals(followed.log.filter(({ message }) => message.includes("left out")).length, 1);
      });
    }

    test(`with ${what} keeps no other from being watched, and changes behind it arrive`, async () => {
      const server = scripted(kind, [goodOf(slices, "first", "10.0.0.1")]);
      const connect = async () => connectionOver(server.fetch);
      await using followed = await follow([], settings("watch"), { connect });
      await until(server.watching, { message: "it watches" });
      for (const type of ["ADDED", "MODIFIED", "ADDED"]) server.send(type, object);
      server.send("ADDED", goodOf(slices, "last", "10.0.0.2"));
      server.send("DELETED", goodOf(slices, "first", "10.0.0.1"));
      await until(() => followed.addresses("team-a/last:http").length === 1, { message: "the new one is there" });
      await until(() => followed.addresses("team-a/first:http").length === 0, { message: "the deleted one is gone" });
      assertEquals([server.state.lists, followed.cluster.status().state], [1, "watching"]);
    });
  }

  test("that was readable before keeps its last nodes, is shown with its reason, and heals", async () => {
    const server = scripted("EndpointSliceList", [bad]);
    await using followed = await follow([], {}, { connect: async () => connectionOver(server.fetch) });
    await until(server.watching, { message: "it watches" });
    server.send("MODIFIED", { ...bad, endpoints: "none" });
    server.send("ADDED", goodOf(true, "last", "10.0.0.2"));
    await until(() => followed.addresses("team-a/last").length === 1, { message: "what is behind it is there" });
    assertEquals(followed.addresses("team-b/bad"), ["10.0.0.9:8080"]);
    const shown = { namespace: "team-b", name: "bad-1", reason: "field", why: "endpoints is not a list" } as const;
    assertEquals(followed.cluster.status().skipped, { count: 1, objects: [shown] });
    const { notes } = followed.discovery.query("team-b/bad", { verbose: true });
    assertStringIncludes(notes!.join(), "bad-1 of this namespace is left out: endpoints is not a list");
    server.send("MODIFIED", { ...bad, endpoints: [at("10.0.0.8")] });
    await until(() => followed.addresses("team-b/bad")[0] === "10.0.0.8:8080", { message: "it is read again" });
    assertEquals(followed.cluster.status().skipped, undefined);
  });

  test("keeps no other slice of a service from being used in mode request", async () => {
    const server = scripted("EndpointSliceList", [
      { ...bad, endpoints: 7 },
      slice("bad-2", [at("10.0.0.7")], { service: "bad", namespace: "team-b" }),
    ]);
    await using followed = await follow([], { mode: "request" }, { connect: async () => connectionOver(server.fetch) });
    await followed.discovery.upstream({ service: "team-b/bad" }).refresh();
    assertEquals(followed.addresses("team-b/bad"), ["10.0.0.7:8080"]);
  });
});
