import { describe, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import type { FaultEffect } from "../helpers/apiserver-faults.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { serve } from "./support.ts";

const STATUS = "/v1/discovery/kubernetes/status";
const HUGE = 200 * 1024 * 1024;

const body = (value: unknown): FaultEffect => ({ kind: "status", code: 200, body: JSON.stringify(value) });
const listWith = (...items: object[]): FaultEffect =>
  body({
    kind: "EndpointSliceList",
    apiVersion: "discovery.k8s.io/v1",
    metadata: { resourceVersion: "999999" },
    items,
  });

/** What an apiserver may answer a list with instead, and the words of the status. The names are clusters' ids. */
const LISTS: Readonly<Record<string, { effect: FaultEffect; words: RegExp }>> = {
  "a-page-of-html": { effect: { kind: "html" }, words: /an HTML page/ },
  "half-a-json": { effect: { kind: "truncate" }, words: /not \(whole\) JSON/ },
  "another-kind": { effect: { kind: "wrongKind" }, words: /kind "PodList"/ },
  "objects-without-metadata": { effect: listWith({ endpoints: [] }), words: /metadata/ },
  "no-items": { effect: body({ kind: "EndpointSliceList", metadata: { resourceVersion: "9" } }), words: /no items/ },
  nothing: { effect: { kind: "status", code: 200, body: "" }, words: /holds nothing/ },
};

const event = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

/** What may come in a watch. */
const WATCHES: Readonly<Record<string, string | Uint8Array>> = {
  html: "<html><body>502 Bad Gateway</body></html>\n",
  "unknown-type": event("SURPRISE", { metadata: { name: "web-1", namespace: "default" } }),
  "no-utf-8": new Uint8Array([0x7b, 0xff, 0xfe, 0x22, 0x0a]),
};

/** A gateway that follows one embedded apiserver for each of these ids. */
async function followAll(ids: readonly string[], object: object, settings: object) {
  const apis = await Promise.all(ids.map(async (id) => ({ id, server: await serveEmbedded() })));
  for (const { server } of apis) server.api.apply(object);
  const gateway = await serve({
    discovery: { kubernetes: apis.map(({ id, server }) => ({ id, ...clusterBlock(server, settings) })) },
    routes: ids.map((id) => ({ path: `/${id}`, service: `${id}/default/web:http` })),
  });
  return {
    apis,
    gateway,
    nodes: async (id: string): Promise<object[]> =>
      (await gateway.admin(`/v1/discovery/kubernetes/nodes?service=${id}/default/web:http`)).nodes,
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
    status: async (): Promise<any[]> => (await gateway.admin(STATUS)).clusters,
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await Promise.all(apis.map(({ server }) => server.stop()));
    },
  };
}

describe("bad answers of an apiserver", () => {
  test("to a list are told of in words in status and log, and the last good nodes stay", async () => {
    await using pods = await startPods(1);
    const { ip: host, port } = pods.all[0]!;
    const settings = { mode: "poll", poll_interval: 100 };
    await using all = await followAll(Object.keys(LISTS), slice("web", [host], port), settings);
    const mends = all.apis.map(({ id, server }) =>
      server.api.faults.add({ match: { verb: "list" }, effect: LISTS[id]!.effect }),
    );
    const failed = await until(
      async () => {
        const clusters = await all.status();
        return clusters.every(({ lastError }) => lastError !== null) && clusters;
      },
      { message: "every status has an error" },
    );
    for (const { id, lastError, stale } of failed) {
      const { words } = LISTS[id]!;
      assertMatch(lastError, words);
      assertEquals(stale, true);
      assertEquals(await all.nodes(id), [{ host, port, weight: 50 }]);
      assertEquals((await all.gateway.fetch(`/${id}`)).status, 200);
      const lines = all.gateway.stderr.map((line) => JSON.parse(line)).filter(({ cluster }) => cluster === id);
      assert(
        lines.some(({ level, message }) => level === "WARN" && words.test(message)),
        JSON.stringify(lines),
      );
    }
    for (const mend of mends) mend();
    await until(async () => (await all.status()).every(({ lastError, stale }) => lastError === null && !stale), {
      message: "all recover",
    });
  });

  test("in a watch are logged, cost no node, and what changes afterwards arrives", async () => {
    await using all = await followAll(Object.keys(WATCHES), slice("web", ["10.0.0.1"], 80), {});
    await Promise.all(
      all.apis.map(async ({ id, server: { api } }) => {
        await until(() => api.openWatches.length === 1, { message: "the watch is open" });
        const [watch] = api.openWatches;
        watch!.write(WATCHES[id]!);
        await until(() => !api.openWatches.includes(watch!), { message: `the client drops the watch with ${id}` });
        assertEquals((await all.nodes(id)).length, 1);
        const lines = all.gateway.stderr.filter((line) => JSON.parse(line).cluster === id);
        assert(
          lines.some((line) => line.includes("cannot watch")),
          `${id}: ${lines.join("\n")}`,
        );
        api.apply(slice("web", ["10.0.0.1", "10.0.0.2"], 80));
        await until(async () => (await all.nodes(id)).length === 2, { message: "the change arrives" });
      }),
    );
  });
});

/** Resident memory of a process in bytes; undefined where the system does not tell in this way. */
async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

describe("a line of 200 MB", () => {
  test("in a watch and in a list is refused with memory bounded, and the last good nodes stay", async () => {
    await using watched = await serveEmbedded();
    await using polled = await serveEmbedded();
    for (const { api } of [watched, polled]) api.apply(slice("web", ["10.0.0.1"], 80));
    const kubernetes = [
      { id: "watch", ...clusterBlock(watched) },
      { id: "list", ...clusterBlock(polled, { mode: "poll", poll_interval: 100 }) },
    ];
    await using gateway = await startGateway({
      config: {
        server: { listen: "127.0.0.1:0" },
        admin: { listen: "127.0.0.1:0" },
        discovery: { kubernetes },
      },
    });
    const nodes = async (id: string): Promise<object[]> =>
      (await (await gateway.admin(`/v1/discovery/kubernetes/nodes?service=${id}/default/web:http`)).json()).nodes;
    const resident = await residentBytes(gateway.pid);
    let most = 0;
    const failing = async (verb: "list" | "watch", { api }: ServedApiserver, words: RegExp): Promise<void> => {
      const mend = api.faults.add({ match: { verb }, effect: { kind: "hugeLine", bytes: HUGE } });
      for (const watch of api.openWatches) watch.error();
      await until(
        async () => {
          most = Math.max(most, (await residentBytes(gateway.pid)) ?? 0);
          return gateway.stderr.some((line) => words.test(line));
        },
        { message: () => `a ${verb} fails; the log:\n${gateway.stderr.join("\n")}` },
      );
      mend();
      assertEquals(await nodes(verb), [{ host: "10.0.0.1", port: 80, weight: 50 }]);
    };
    await failing("watch", watched, /cannot watch.*a line of/);
    await failing("list", polled, /cannot list.*more than \d+ bytes/);
    if (resident !== undefined) {
      assertLess(most - resident, 100 * 1024 * 1024, `it grew by ${(most - resident) >> 20} MB`);
    }
    for (const { api } of [watched, polled]) api.apply(slice("web", ["10.0.0.1", "10.0.0.2"], 80));
    await until(async () => (await nodes("watch")).length + (await nodes("list")).length === 4, {
      message: "both recover",
    });
  });
});
