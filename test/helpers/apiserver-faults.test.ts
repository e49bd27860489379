import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { configMap, get, type StatusAnswer, watch } from "../demo/client.ts";
import type { FaultEffect } from "./apiserver-faults.ts";
import { embedded, serveEmbedded } from "./embedded.ts";
import { createFakeClock } from "./fake-clock.ts";
import { until } from "./wait.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

/** A server with three objects whose lists have that fault. */
const faulty = (effect: FaultEffect, options = {}) => {
  const api = embedded(options);
  api.apply(["a", "b", "c"].map((name) => configMap(name, { text: "x" })));
  const whole = api.fetch(MAPS).then((answer) => answer.text());
  api.faults.add({ match: { verb: "list" }, effect });
  return { api, whole };
};

/** The chunks of a body until its end or its error. */
async function chunksOf(answer: Response): Promise<{ chunks: Uint8Array[]; error: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer.body!) chunks.push(chunk);
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

const textOf = (chunks: readonly Uint8Array[]): string => new TextDecoder().decode(Buffer.concat(chunks));

describe("faults of an answer", () => {
  test("drop rejects as a lost connection does", async () => {
    await assertRejects(() => faulty({ kind: "drop" }).api.fetch(MAPS), TypeError);
  });

  test("stall never answers, until the client gives up", async () => {
    const { api } = faulty({ kind: "stall" });
    const gone = new AbortController();
    const answer = api.fetch(MAPS, { signal: gone.signal });
    gone.abort(new DOMException("no patience", "TimeoutError"));
    const error = await assertRejects(() => answer, DOMException);
    assertEquals(error.name, "TimeoutError");
  });

  test("stall after some bytes sends those and then nothing, without an end", async () => {
    const { api, whole } = faulty({ kind: "stall", after: 25 });
    const gone = new AbortController();
    const answer = await api.fetch(MAPS, { signal: gone.signal });
    const reader = answer.body!.getReader();
    const first = (await reader.read()).value!;
    assertEquals(textOf([first]), (await whole).slice(0, 25));
    const second = reader.read();
    gone.abort(new DOMException("no patience", "TimeoutError"));
    await assertRejects(() => second, DOMException);
  });

  test("delay waits by the server's clock", async () => {
    const clock = createFakeClock();
    const { api, whole } = faulty({ kind: "delay", ms: 5000 }, { clock });
    let answered = false;
    const answer = api.fetch(MAPS).then((response) => {
      answered = true;
      return response.text();
    });
    await clock.advance(4999);
    assert(!answered);
    await clock.advance(1);
    assertEquals(await answer, await whole);
  });

  test("cut loses the connection after that many bytes", async () => {
    const { api, whole } = faulty({ kind: "cut", after: 30 });
    const { chunks, error } = await chunksOf(await api.fetch(MAPS));
    assertEquals(textOf(chunks), (await whole).slice(0, 30));
    assert(error instanceof TypeError);
  });

  test("a clean cut looks like a complete body", async () => {
    const { api, whole } = faulty({ kind: "cut", after: 30, clean: true });
    const { chunks, error } = await chunksOf(await api.fetch(MAPS));
    assertEquals([textOf(chunks), error], [(await whole).slice(0, 30), undefined]);
  });

  test("garbage stands in the middle of the body, the rest follows", async () => {
    const { api, whole } = faulty({ kind: "garbage", after: 10, bytes: "<<!>>" });
    const text = await (await api.fetch(MAPS)).text();
    assertEquals(text, `${(await whole).slice(0, 10)}<<!>>${(await whole).slice(10)}`);
  });

  test("garbage that is not named is no UTF-8 and no JSON", async () => {
    const { api } = faulty({ kind: "garbage" });
    const bytes = await (await api.fetch(MAPS)).bytes();
    let decoded = true;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      decoded = false;
    }
    assert(!decoded);
  });

  test("status answers any code, with a Status and the headers given", async () => {
    const { api } = faulty({
      kind: "status",
      code: 429,
      reason: "TooManyRequests",
      message: "slow down",
      headers: { "retry-after": "7" },
    });
    const answer = await api.fetch(MAPS);
    assertEquals([answer.status, answer.headers.get("retry-after")], [429, "7"]);
    const status = (await answer.json()) as StatusAnswer;
    assertEquals(
      [status.kind, status.code, status.reason, status.message],
      ["Status", 429, "TooManyRequests", "slow down"],
    );
  });

  test("html is a page with status 200", async () => {
    const answer = await faulty({ kind: "html" }).api.fetch(MAPS);
    assertEquals([answer.status, answer.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    assertStringIncludes(await answer.text(), "<html>");
  });

  test("wrongKind is a list of something else", async () => {
    assertEquals((await get(faulty({ kind: "wrongKind", as: "SecretList" }).api, MAPS)).kind, "SecretList");
  });

  test("truncate ends half-way, cleanly", async () => {
    const { api, whole } = faulty({ kind: "truncate" });
    const text = await (await api.fetch(MAPS)).text();
    assertEquals(text, (await whole).slice(0, Math.floor((await whole).length / 2)));
  });

  test("rechunk sends the same bytes in chunks of that size", async () => {
    const { api, whole } = faulty({ kind: "rechunk", bytes: 7 });
    const { chunks } = await chunksOf(await api.fetch(MAPS));
    assertEquals(textOf(chunks), await whole);
    assert(chunks.length > 10 && chunks.every(({ length }) => length <= 7));
  });

  test("hugeLine sends as much as asked for, without holding it", async () => {
    const { api } = faulty({ kind: "hugeLine", bytes: 20_000_000 });
    const answer = await api.fetch(MAPS);
    let total = 0;
    let largest = 0;
    for await (const chunk of answer.body!) {
      assert(!chunk.includes(10));
      total += chunk.length;
      largest = Math.max(largest, chunk.length);
    }
    assertEquals(total, 20_000_000);
    assert(largest <= 65_536);
  });
});

describe("faults of a watch", () => {
  const watching = (effect: FaultEffect) => {
    const api = embedded();
    api.apply([configMap("a"), configMap("b"), configMap("c")]);
    api.faults.add({ match: { verb: "watch" }, effect });
    return { api, answer: api.fetch(`${MAPS}?watch=1`) };
  };

  test("cut after lines ends at a line's end, or in the middle of the next", async () => {
    const two = await chunksOf(await watching({ kind: "cut", lines: 2 }).answer);
    assertEquals(textOf(two.chunks).split("\n").length, 3);
    assert(textOf(two.chunks).endsWith("\n"));
    assert(two.error instanceof TypeError);
    const mid = await chunksOf(await watching({ kind: "cut", lines: 1, midLine: true, clean: true }).answer);
    const [first, half, ...more] = textOf(mid.chunks).split("\n");
    assertEquals([JSON.parse(first!).object.metadata.name, more.length, mid.error], ["a", 0, undefined]);
    assert(half!.startsWith('{"type":"ADDED"') && !half!.endsWith("}}"));
  });

  test("cut after chunks ends between two events", async () => {
    const { chunks, error } = await chunksOf(await watching({ kind: "cut", chunks: 1 }).answer);
    assertEquals(chunks.length, 1);
    assert(error instanceof TypeError);
  });

  test("a stalled watch opens and says nothing, and is given up with its client", async () => {
    const api = embedded();
    api.apply(configMap("a"));
    api.faults.add({ match: { verb: "watch" }, effect: { kind: "stall", after: 0 } });
    const events = await watch(api, MAPS);
    assertEquals([events.status, api.openWatches.length], [200, 1]);
    const next = events.next();
    events.stop();
    await assertRejects(() => next, DOMException);
    assertEquals(api.openWatches.length, 0);
  });

  test("errorEvent is a 200 whose only event is that Status", async () => {
    const api = embedded();
    api.faults.add({ match: { verb: "watch" }, effect: { kind: "errorEvent", status: { kind: "Status", code: 500 } } });
    const events = await watch(api, MAPS);
    const error = await events.next();
    assertEquals([error!.type, error!.object.code, await events.next()], ["ERROR", 500, undefined]);
  });

  test("rechunk cuts events inside multi-byte characters, and they arrive whole", async () => {
    const api = embedded();
    api.apply({ kind: "ConfigMap", metadata: { name: "a" }, data: { text: "héllo wörld ✓ 𝄞" } });
    api.faults.add({ match: { verb: "watch" }, effect: { kind: "rechunk", bytes: 1 } });
    const events = await watch(api, MAPS);
    assertEquals((await events.next())!.object.data, { text: "héllo wörld ✓ 𝄞" });
    events.stop();
  });
});

describe("which requests a fault is for", () => {
  test("a page of a list, and only so often", async () => {
    const api = embedded();
    api.apply(["a", "b", "c"].map((name) => configMap(name)));
    api.faults.add({
      match: { verb: "list", resource: "configmaps", page: 2 },
      times: 1,
      effect: { kind: "status", code: 410 },
    });
    const first = await get(api, MAPS, { limit: "1" });
    const query = { limit: "1", continue: first.metadata.continue! };
    assertEquals((await get<StatusAnswer>(api, MAPS, query)).code, 410);
    assertEquals((await get(api, MAPS, query)).items[0]!.metadata.name, "b");
  });

  test("a resource, a namespace, a function; until it is removed", async () => {
    const api = embedded();
    const effect = { kind: "status", code: 500 } as const;
    const status = async (path: string) => (await api.fetch(path)).status;
    const remove = api.faults.add({ match: { resource: "pods", namespace: "x" }, effect });
    assertEquals(
      [
        await status("/api/v1/namespaces/x/pods"),
        await status("/api/v1/pods"),
        await status("/api/v1/namespaces/x/services"),
      ],
      [500, 200, 200],
    );
    remove();
    assertEquals(await status("/api/v1/namespaces/x/pods"), 200);
    api.faults.add({ match: ({ path }) => path === "/version", effect });
    assertEquals([await status("/version"), await status("/api")], [500, 200]);
    api.faults.clear();
    assertEquals(await status("/version"), 200);
  });

  test("several act together", async () => {
    const clock = createFakeClock();
    const { api } = faulty({ kind: "truncate", bytes: 4 }, { clock });
    api.faults.add({ effect: { kind: "delay", ms: 100 } });
    const text = api.fetch(MAPS).then((answer) => answer.text());
    await clock.advance(100);
    assertEquals(await text, '{"ki');
  });

  test("requests are logged for counting", async () => {
    const api = embedded();
    await get(api, MAPS, { limit: "5" });
    await api.fetch("/version");
    const [list, version] = api.requests;
    assertEquals(
      [list!.verb, list!.resource, list!.namespace, list!.page, list!.query.get("limit")],
      ["list", "configmaps", "default", 1, "5"],
    );
    assertEquals([version!.verb, version!.path], [undefined, "/version"]);
  });
});

describe("over a real socket", () => {
  test("a dropped request and a cut body lose their connection; the next request is answered", async () => {
    await using served = await serveEmbedded();
    const { api, url } = served;
    api.faults.add({ times: 1, effect: { kind: "drop" } });
    await assertRejects(() => fetch(url + MAPS), TypeError);
    api.faults.add({ times: 1, effect: { kind: "cut", after: 10 } });
    await assertRejects(async () => (await fetch(url + MAPS)).text(), TypeError);
    assertEquals((await fetch(url + MAPS)).status, 200);
  });

  test("a watch streams, and is closed when its client leaves", async () => {
    await using served = await serveEmbedded();
    const { api, url } = served;
    const gone = new AbortController();
    const answer = await fetch(`${url}${MAPS}?watch=1`, { signal: gone.signal });
    api.apply(configMap("a"));
    const reader = answer.body!.getReader();
    const text = textOf([(await reader.read()).value!]);
    assertStringIncludes(text, '"name":"a"');
    assertEquals(api.openWatches.length, 1);
    gone.abort();
    await until(() => api.openWatches.length === 0, { message: "the watch is closed" });
  });
});
