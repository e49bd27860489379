import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import table from "../fixtures/cases/k8s-watch-cases.json";
import { listOf, type ObjectSketch, slices, statusOf } from "../helpers/scripted-apiserver.ts";
import { reflectorBench } from "./harness.ts";

/** A step of a case's watch: an event with its object, or `CLOSE` with how. */
type Step = [type: string, object: Record<string, unknown>];
interface Case {
  id: string;
  // The table is a format of its own: each runner below knows the fields of its case.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  input: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  expect: any;
}

const sketch = (object: Record<string, unknown>): ObjectSketch => ({ namespace: "default", ...object }) as ObjectSketch;

/** `resume-rv` and the three `expired` cases begin alike: a list, one event, then a stop and a start. */
async function restarted(input: { list_rv?: string; watch?: Step[] }) {
  const bench = reflectorBench();
  const { list_rv: version = "12345", watch = [["ADDED", { name: "name3", resourceVersion: "23456" }]] } = input;
  bench.server.list = (_, index) => listOf(index === 0 ? version : "34567", []);
  await bench.start();
  for (const [type, object] of watch) bench.server.streams[0]!.put(type as "ADDED", sketch(object));
  await bench.clock.settle();
  await bench.stop();
  return bench;
}

/** After a restart the version has expired in one of three forms: one more list, a third watch, no error. */
async function expired(input: Case["input"], expire: "event" | "http", status: object): Promise<number[]> {
  const { server, start, stop, clock, source } = await restarted(input);
  server.watch = (request, index) => {
    if (index !== 1) return server.stream(request);
    if (expire === "http") return Response.json(status, { status: 410 });
    const answer = server.stream(request);
    server.streams.at(-1)!.event("ERROR", status);
    server.streams.at(-1)!.end();
    return answer;
  };
  await start();
  await clock.settle();
  assertEquals(source.status.lastError, undefined);
  assertEquals(source.status.state, "watching");
  const counts = [server.lists.length, server.watches.length];
  await stop();
  return counts;
}

/** The gaps between a case's watch requests, when each stream is closed at once after what `events` says. */
async function gaps(events: boolean[]): Promise<number[]> {
  const { server, start, stop, clock } = reflectorBench({ random: () => 0.999 });
  const times: number[] = [];
  server.watch = (request, index) => {
    times.push(clock.now());
    const answer = server.stream(request);
    const stream = server.streams.at(-1)!;
    if (events[index]) stream.put("ADDED", { name: `n${index}`, resourceVersion: String(100 + index) });
    if (index < events.length) stream.end();
    return answer;
  };
  await start();
  await clock.advance(60_000);
  await stop();
  return times.slice(1).map((time, i) => time - times[i]!);
}

/** A single watch that gets these lines, then ends somehow. */
async function watched(input: { lines?: string[] }, end: "end" | "fail") {
  const bench = reflectorBench();
  bench.server.list = () => listOf("1", []);
  await bench.start();
  const stream = bench.server.streams[0]!;
  const taken: string[] = [];
  for (const line of input.lines ?? []) {
    if (line.startsWith("{")) stream.bytes(line);
    else stream.put(line as "ADDED", { name: "name1", resourceVersion: String(10 + taken.push(line)) });
  }
  await bench.clock.settle();
  stream[end]();
  await bench.clock.settle();
  return bench;
}

const runners: Record<string, (given: Case) => Promise<void>> = {
  async "cache-basic"({ input, expect }) {
    const { server, store, start, stop, clock } = reflectorBench();
    const { list, watch } = input as { list: { rv: string; items: ObjectSketch[] }[]; watch: Step[] };
    server.list = (_, index) => listOf(list[index]!.rv, list[index]!.items);
    await start();
    const sizes = [store.names().length];
    for (const [type, object] of watch) {
      if (type === "CLOSE") server.streams[0]!.event("ERROR", { code: object.error_status });
      else server.streams[0]!.put(type as "ADDED", sketch(object));
      await clock.settle();
      sizes.push(store.names().length);
    }
    assertEquals(sizes, expect.size_after_step);
    const inNamespace = (name: string): number => store.names().filter((key) => key.startsWith(`${name}/`)).length;
    assertEquals(inNamespace("default"), expect.namespace_default_size_at_end);
    assertEquals(inNamespace("other"), expect.namespace_other_size_at_end);
    await stop();
  },
  async "events-change"({ input, expect }) {
    const { server, store, start, stop, clock } = reflectorBench();
    await start();
    for (const [type, object] of input.watch as Step[]) server.streams[0]!.put(type as "ADDED", sketch(object));
    await clock.settle();
    assertEquals(store.changes.filter(({ kind }) => kind !== "replace").length, expect.change_notifications);
    await stop();
  },
  async "informer-initial"() {
    const { server, store, start, stop } = reflectorBench();
    server.list = () => listOf("1", [{ name: "a" }, { name: "b" }]);
    await start();
    assertEquals(
      store.changes.map((change) => (change.kind === "replace" ? change.items.length : 0)),
      [2],
    );
    await stop();
  },
  async "informer-delete-after"() {
    const { server, store, start, stop, clock } = reflectorBench();
    server.list = (_, index) => listOf(`${index + 1}`, index === 0 ? [{ name: "a" }, { name: "b" }] : []);
    await start();
    server.streams[0]!.event("ERROR", { code: 410 });
    await clock.settle();
    assertEquals(store.names(), []);
    await stop();
  },
  async "watch-unknown"({ input, expect }) {
    const { server, source, start, stop, clock } = reflectorBench();
    await start();
    const [[type, object]] = input.watch;
    server.streams[0]!.event(type, object);
    await clock.settle();
    assertStringIncludes(source.status.lastError!, expect.error);
    await stop();
  },
  async "stop-start"({ expect }) {
    const { server, start, stop, clock } = reflectorBench();
    const counts: number[] = [];
    await start();
    counts.push(server.watches.length);
    await stop();
    counts.push(server.watches.length);
    server.streams[0]!.end();
    await clock.advance(60_000);
    counts.push(server.watches.length);
    await start();
    counts.push(server.watches.length);
    assertEquals(counts, expect.watch_requests);
    await stop();
  },
  // client-node leaves the restart to its caller; a gateway starts again by itself, after a pause.
  async "error-no-restart"({ expect }) {
    const { server, source, start, stop, clock } = reflectorBench();
    await start();
    server.streams[0]!.fail(new Error("any other error"));
    await clock.settle();
    assertEquals(server.watches.length, expect.watch_requests);
    assertStringIncludes(source.status.lastError!, "any other error");
    await clock.advance(1000);
    assertEquals(server.watches.length, expect.watch_requests + 1);
    await stop();
  },
  async "resume-rv"({ input, expect }) {
    const { server, start, stop } = await restarted(input);
    await start();
    assertEquals(server.lists.length, expect.list_requests);
    assertEquals(server.watches[1]!.query.resourceVersion, expect.watch_resumes_from);
    await stop();
  },
  async "expired-event-410"({ input, expect }) {
    const counts = await expired(input, "event", { kind: "Status", code: 410, reason: "Expired" });
    assertEquals(counts, [expect.list_requests, expect.watch_requests]);
  },
  async "expired-http-410"({ input, expect }) {
    const counts = await expired(input, "http", { kind: "Status", code: 410, reason: "Expired" });
    assertEquals(counts, [expect.list_requests, expect.watch_requests]);
  },
  async "expired-event-bare"({ input, expect }) {
    const [lists] = await expired(input, "event", { code: 410 });
    assertEquals(lists, expect.list_requests_after_restart);
  },
  async "label-selector"({ input, expect }) {
    const { server, start, stop } = reflectorBench({
      collections: [{ ...slices, labelSelector: input.label_selector }],
    });
    await start();
    for (const { query } of server.requests) {
      assertEquals(query.labelSelector, expect.list_and_watch_query.labelSelector);
    }
    await stop();
  },
  // Here: a clean end sooner than 5 s without an event is a failure, so pauses begin with the first and grow.
  async backoff() {
    const [first, second, third] = await gaps([false, false, false, false]);
    assert(first! >= 500 && second! > first! && third! > second!, `${first} ${second} ${third}`);
  },
  async "backoff-reset"() {
    const [first, second, afterEvent, next] = await gaps([false, false, true, false, false]);
    assert(second! > first!);
    assertEquals(afterEvent, 0, "a stream that delivered an event resumes at once");
    assertEquals(next, first, "and the next failure is the first again");
  },
  async "timeout-reconnect"({ expect }) {
    const { server, source, start, stop, clock } = reflectorBench();
    await start();
    await clock.advance(75_000);
    assertEquals(server.watches.length, expect.watch_requests);
    assertEquals(source.status.lastError, undefined);
    await stop();
  },
  async "connect-notified"() {
    let told = 0;
    const { source, start, stop } = reflectorBench({
      onStatus: () => {
        told++;
      },
    });
    await start();
    assertEquals(source.status.state, "watching");
    assertGreaterOrEqual(told, 1);
    await stop();
  },
  async "list-fails"({ expect }) {
    const { server, source, start, stop } = reflectorBench();
    server.list = () => statusOf(500, "InternalError", "away");
    await start();
    assert(source.status.lastError !== undefined);
    assertEquals(server.watches.length, expect.watch_requests);
    await stop();
  },
  async "w-http-500"({ input, expect }) {
    const { server, source, start, stop } = reflectorBench();
    server.watch = () => statusOf(input.http_status, "InternalError", expect.error);
    await start();
    assertStringIncludes(source.status.lastError!, expect.error);
    await stop();
  },
  async "w-two-then-reset"({ input, expect }) {
    const { source, store, stop, streams } = await watched(input, "fail");
    assertEquals(source.status.events, expect.events.length);
    assertEquals(store.changes.length, 1 + expect.events.length);
    assertStringIncludes(source.status.lastError!, "connection lost");
    assertEquals(streams.length, expect.done_called);
    await stop();
  },
  async "w-head-then-reset"({ input, expect }) {
    const { streams, source, stop } = await watched(input, "fail");
    assertEquals(streams.length, expect.done_called);
    assertEquals(source.status.state, "unreachable");
    await stop();
  },
  async "w-server-error"({ input, expect }) {
    const { source, streams, stop } = await watched(input, "fail");
    assertEquals(source.status.events, expect.events.length);
    assertEquals(streams.length, expect.done_called);
    assertStringIncludes(source.status.lastError!, "connection lost");
    await stop();
  },
  async "w-normal-end"({ input, expect }) {
    const { source, streams, stop } = await watched(input, "end");
    assertEquals(source.status.events, expect.events.length);
    assertEquals(streams.length, expect.done_called);
    assertEquals(source.status.lastError, undefined);
    await stop();
  },
  async "w-bad-json"({ input, expect }) {
    const { source, streams, stop } = await watched(input, "end");
    assertEquals(source.status.events, expect.events.length);
    assertEquals(streams.length, expect.done_called);
    await stop();
  },
  async "w-no-answer"() {
    const { server, source, start, stop, clock } = reflectorBench();
    server.watch = () => new Promise<Response>(() => {});
    await start();
    await clock.advance(30_000);
    assertStringIncludes(source.status.lastError!, "no answer within 30 s");
    await stop();
  },
};

describe("what users of @kubernetes/client-node rely on", () => {
  for (const given of table.cases as unknown as Case[]) {
    test(`holds: ${given.id}`, async () => {
      const runner = runners[given.id];
      assert(runner !== undefined, `no runner for ${given.id}`);
      await runner(given);
    });
  }
});
