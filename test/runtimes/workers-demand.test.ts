import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { createStage, type Stage, stageConfig } from "./stage.ts";
import { type Deployment, type RunningWorker, startWorker } from "./workerd.ts";

/** Requests that all find a cold isolate. */
const CROWD = 50;
/** As many as a small deployment has in one place. */
const ISOLATES = 4;

const slices = { verb: "list", resource: "endpointslices" } as const;

describe("a Worker's snapshot", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await createStage();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A Worker of its own: cold. What the test before did to the apiserver is undone. */
  const cold = (settings: object, more: Partial<Deployment> = {}): Promise<RunningWorker> => {
    stage.api.api.faults.clear();
    stage.setPods(stage.pods.addresses);
    return startWorker({ config: stageConfig(stage, settings, {}, "workers"), ...more });
  };
  const get = (worker: RunningWorker, path = "/v1/x", init?: RequestInit): Promise<Response> =>
    fetch(worker.url + path, init);
  const podOf = async (worker: RunningWorker): Promise<string> =>
    ((await (await get(worker)).json()) as { pod: string }).pod;

  for (const holder of [true, false]) {
    const how = holder ? "with the Durable Object" : "without it, one list for each isolate";
    test(`${CROWD} cold requests at once are all answered from one list ${how}`, async () => {
      await using worker = await cold({}, { holder });
      const before = stage.lists();
      stage.api.api.faults.add({ match: slices, times: 1, effect: { kind: "delay", ms: 200 } });
      const answers = await Promise.all(Array.from({ length: CROWD }, () => get(worker)));
      assertEquals(
        answers.map(({ status }) => status),
        Array(CROWD).fill(200),
      );
      assertEquals(stage.lists() - before, 1);
    });
  }

  for (const [holder, most] of [
    [true, 1],
    [false, ISOLATES],
  ] as const) {
    const how = holder ? "with the Durable Object one" : "without it one for each isolate";
    test(`${CROWD} cold requests at once to ${ISOLATES} isolates are all answered, lists in all: ${how}`, async () => {
      await using worker = await cold({}, { holder, isolates: ISOLATES });
      const before = stage.lists();
      stage.api.api.faults.add({ match: slices, effect: { kind: "delay", ms: 200 } });
      const answers = await Promise.all(
        Array.from({ length: CROWD }, (_, index) => fetch(`${worker.urls[index % ISOLATES]}/v1/x`)),
      );
      assertEquals(
        answers.map(({ status }) => status),
        Array(CROWD).fill(200),
      );
      assertEquals(stage.lists() - before, most);
    });
  }

  test("a client that leaves while the first list is under way takes it from nobody", async () => {
    await using worker = await cold({});
    stage.api.api.faults.add({ match: slices, times: 1, effect: { kind: "delay", ms: 300 } });
    const before = stage.lists();
    const leaving = new AbortController();
    const left = get(worker, "/v1/x", { signal: leaving.signal }).catch(() => "gone");
    await until(() => stage.lists() > before, { message: "the first list" });
    const stays = get(worker);
    leaving.abort();
    assertEquals(await left, "gone");
    assertEquals((await stays).status, 200);
  });

  for (const holder of [true, false]) {
    test(`an old snapshot serves while it is refreshed ${holder ? "with" : "without"} the Durable Object`, async () => {
      await using worker = await cold({ poll_interval: 200 }, { holder });
      await podOf(worker);
      stage.setPods([stage.pods.addresses[1]!]);
      stage.api.api.faults.add({ match: slices, effect: { kind: "delay", ms: 500 } });
      // As soon as it is old enough to be refreshed, requests go on to be answered at once.
      const before = stage.lists();
      let slowest = 0;
      await until(
        async () => {
          const started = performance.now();
          assertEquals((await get(worker)).status, 200);
          slowest = Math.max(slowest, performance.now() - started);
          return stage.lists() > before;
        },
        { message: "a refresh" },
      );
      assert(slowest < 400, `a request took ${slowest} ms`);
      const news = async () => (await podOf(worker)) === "pod-2" && (await podOf(worker)) === "pod-2";
      await until(news, { message: "the change" });
    });

    test(`a failed poll keeps the last good snapshot ${holder ? "with" : "without"} the Durable Object`, async () => {
      await using worker = await cold({ poll_interval: 100 }, { holder });
      await podOf(worker);
      const before = stage.lists();
      const mend = stage.api.api.faults.add({ match: slices, effect: { kind: "status", code: 500 } });
      const tried = async () => {
        assertEquals((await get(worker)).status, 200);
        return stage.lists() > before + 1;
      };
      await until(tried, { message: "two polls that fail" });
      mend();
      stage.setPods([stage.pods.addresses[1]!]);
      const news = async () => (await podOf(worker)) === "pod-2" && (await podOf(worker)) === "pod-2";
      await until(news, { timeout: 15_000, message: "the change" });
    });

    test(`past max_stale a request waits, and is refused when it is in vain ${holder ? "with" : "without"} the Durable Object`, async () => {
      await using worker = await cold({ poll_interval: 100, max_stale: 500 }, { holder });
      await podOf(worker);
      const mend = stage.api.api.faults.add({ match: slices, effect: { kind: "status", code: 500 } });
      const refused = async () => (await get(worker)).status === 503;
      await until(refused, { message: "a refusal" });
      assertEquals(((await (await get(worker)).json()) as { code: string }).code, "not_synced");
      mend();
      await until(async () => (await get(worker)).status === 200, { timeout: 15_000, message: "recovery" });
    });
  }

  test("the cron trigger refreshes it without a request", async () => {
    await using worker = await cold({}, { holder: true });
    const before = stage.lists();
    await worker.cron();
    assertEquals(stage.lists() - before, 1);
    assertEquals((await get(worker)).status, 200);
    assertEquals(stage.lists() - before, 1);
  });

  test("keys that need files, and watching, are refused by name with the reason", async () => {
    await using worker = await cold({
      mode: "watch",
      client: { token_file: "/t", cert_file: "/c", key_file: "/k" },
      snapshot_file: "/s",
    });
    assertEquals((await get(worker)).status, 500);
    const log = await until(() => worker.log().includes("snapshot_file") && worker.log(), { message: "the log" });
    for (const key of ["token_file", "cert_file", "key_file", "snapshot_file"]) {
      assertStringIncludes(log, `${key} names a file, and Workers has none`);
    }
    assertStringIncludes(log, "mode must be poll on Workers (or left out): watch needs a stream");
  });

  test("variables and secrets of the Worker fill the config", async () => {
    const vars = { TOKEN: "secret-of-the-worker" };
    await using worker = await cold({ client: { token: "${TOKEN}" } }, { vars });
    assertEquals((await get(worker)).status, 200);
    assertEquals(stage.api.api.requests.at(-1)?.headers.get("authorization"), "Bearer secret-of-the-worker");
  });

  test("bindings carry the apiserver's and the pods' requests", async () => {
    const through = (name: string) => `export default {
      fetch: async (request) => {
        const answer = await fetch(request);
        const changed = new Response(answer.body, answer);
        changed.headers.set("x-through", ${JSON.stringify(name)});
        return changed;
      },
    };`;
    const nothing = `export default { fetch: () => new Response("no such service", { status: 404 }) };`;
    await using worker = await cold({}, { bound: { UPSTREAM: through("upstream"), APISERVER: through("apiserver") } });
    const answer = await get(worker);
    assertEquals([answer.status, answer.headers.get("x-through")], [200, "upstream"]);
    await using lost = await cold({}, { bound: { APISERVER: nothing } });
    assertEquals((await get(lost)).status, 503);
  });

  test("a fetch of a bare address that Cloudflare refuses is explained, not passed on as error 1003", async () => {
    await using edge = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("error code: 1003", { status: 403, headers: { server: "cloudflare" } }),
    });
    const nodes = [{ host: "127.0.0.1", port: edge.port }];
    await using worker = await startWorker({ config: { routes: [{ path: "/", nodes }] } });
    const answer = await get(worker);
    assertEquals([answer.status, ((await answer.json()) as { code: string }).code], [502, "upstream_connect"]);
    const log = await until(() => worker.log().includes("1003") && worker.log(), { message: "the explanation" });
    assertStringIncludes(log, "bind a fetcher that reaches the pods as UPSTREAM (Workers VPC, or another Worker)");
  });
});
