import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { HttpAnswer } from "../../src/http/message.ts";
import type { StreamSocket } from "../../src/platform/sockets.ts";
import { type Send, transportOf } from "../helpers/transport.ts";
import { type GatewayRig, startGatewayRig } from "./rig.ts";

const nodes = [
  { host: "10.0.0.1", port: 1 },
  { host: "10.0.0.2", port: 1 },
];

const routes = (more: object = {}): object[] => [{ id: "r", path: "/", nodes, balancer: "least_requests", ...more }];

/** Pods that answer one after the other; the last answer again and again. */
function pods(...answers: ((...given: Parameters<Send>) => HttpAnswer | Promise<HttpAnswer>)[]): Send {
  let turn = 0;
  return async (url, init) => answers[Math.min(turn++, answers.length - 1)]!(url, init);
}

const status =
  (code: number, body: BodyInit | null = null) =>
  () =>
    new Response(body, { status: code });

const refused = (): never => {
  throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
};

/** Answers when it is cancelled, as a fetch does. */
const never: Send = (_url, { controller }) =>
  new Promise((_resolve, reject) =>
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason)),
  );

describe("nothing of a request is left under way at its pod", () => {
  const cases: readonly [name: string, fetch: Send, init: RequestInit, route: object, wanted: number][] = [
    ["with a body", pods(status(200, "body")), {}, {}, 200],
    ["204", pods(status(204)), {}, {}, 204],
    ["304", pods(status(304)), {}, {}, 304],
    ["HEAD", pods(status(200)), { method: "HEAD" }, {}, 200],
    ["a refused connection, and another pod", pods(refused, status(200, "b")), {}, {}, 200],
    ["refused by all", pods(refused), {}, {}, 502],
    ["tried again for its status", pods(status(503, "no"), status(200, "b")), {}, { retries: { on: [503] } }, 200],
    ["an upload", pods(status(201, "made")), { method: "PUT", body: "up" }, {}, 201],
    ["an error of the pod's", pods(status(500, "oh")), {}, {}, 500],
  ];
  for (const [name, fetch, init, route, wanted] of cases) {
    test(`after an answer: ${name}`, async () => {
      await using rig = startGatewayRig({ routes: routes(route) }, fetch);
      for (let n = 0; n < 3; n++) assertEquals((await rig.ask("/", init)).status, wanted);
    });
  }

  test("a body that a retry leaves unread is cancelled", async () => {
    let cancelled = 0;
    const body = (): ReadableStream => new ReadableStream({ cancel: () => void cancelled++ });
    const fetch = pods(() => new Response(body(), { status: 503 }), status(200, "b"));
    await using rig = startGatewayRig({ routes: routes({ retries: { on: [503] } }) }, fetch);
    assertEquals((await rig.ask("/")).status, 200);
    assertEquals(cancelled, 1);
  });

  test("after a time-out, and of two at once the other goes on", async () => {
    const second = Promise.withResolvers<Response>();
    const fetch = pods(never, () => second.promise);
    await using rig = startGatewayRig(
      { routes: routes({ timeouts: { response: 1000 }, retries: { attempts: 1 } }) },
      fetch,
    );
    const slow = rig.ask("/");
    await rig.clock.advance(500);
    const other = rig.ask("/");
    await rig.clock.advance(700);
    assertEquals((await slow).status, 504);
    second.resolve(new Response("late"));
    assertEquals((await other).status, 200);
  });

  test("after a client that left in the middle of the answer", async () => {
    let cancelled = 0;
    const endless = (): Response =>
      new Response(
        new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(10)), cancel: () => void cancelled++ }),
      );
    await using rig = startGatewayRig({ server: { access_log: false }, routes: routes() }, pods(endless));
    const answer = await rig.gateway.fetch(new Request("http://a.test/"), "192.0.2.1", "http");
    const reader = answer.body!.getReader();
    await reader.read();
    await reader.cancel();
    await rig.clock.advance(1000);
    assertEquals(cancelled, 1);
  });
});

describe("what a config had and the next one has not", () => {
  const withLog = (access_log: string | false): object => ({ server: { access_log }, routes: routes() });

  test("the lines of an access log are written at a change of its format, each in its own", async () => {
    await using rig = startGatewayRig(withLog("json"), pods(status(200, "b")));
    await rig.ask("/one");
    assertEquals(rig.lines, []);
    rig.apply(withLog("combined"));
    assertEquals(rig.lines.length, 1);
    await rig.ask("/two");
    rig.apply({ ...withLog("combined"), routes: routes({ priority: 1 }) });
    assertEquals(rig.lines.length, 1, "the same log goes on");
    await rig.ask("/three");
    await rig.clock.advance(100);
    assertEquals(
      rig.lines.map((line) => line.startsWith("{")),
      [true, false, false],
    );
  });

  test("the lines of an access log are written when it is turned off, and none after that", async () => {
    await using rig = startGatewayRig(withLog("json"), pods(status(200, "b")));
    await rig.ask("/");
    rig.apply(withLog(false));
    assertEquals(rig.lines.length, 1);
    const unseen = await rig.gateway.fetch(new Request("http://a.test/"), "192.0.2.1", "http");
    await unseen.text();
    await rig.clock.advance(100);
    assertEquals(rig.lines.length, 1);
  });

  test("the lines of an access log are written at the end", async () => {
    const rig = startGatewayRig(withLog("json"), pods(status(200, "b")));
    await rig.ask("/");
    assertEquals(rig.lines, []);
    await rig.gateway.stop();
    assertEquals(rig.lines.length, 1);
  });

  test("an exporter whose settings changed, or that is there no more, is stopped; one that stayed the same goes on", async () => {
    const traced = (sample?: number): object => ({
      routes: routes({ path: `/${sample}` }),
      ...(sample !== undefined && { tracing: { otlp_endpoint: "http://127.0.0.1:4318", sample } }),
    });
    await using rig = startGatewayRig(traced(1), pods(status(200)));
    const state = (): [number, number][] => rig.tracings.map(({ config, stopped }) => [config.sample, stopped]);
    rig.apply({ ...traced(1), routes: routes() });
    assertEquals(state(), [[1, 0]]);
    rig.apply(traced(0.5));
    assertEquals(state(), [
      [1, 1],
      [0.5, 0],
    ]);
    rig.apply(traced());
    assertEquals(state(), [
      [1, 1],
      [0.5, 1],
    ]);
    // Stopped with the gateway, as the rig asserts of all of them.
    rig.apply(traced(0.25));
    assertEquals(rig.tracings.length, 3);
  });

  test("the connections of a stream that is taken out are closed before they are served", async () => {
    const stream = (id: string): object => ({ id, listen: "127.0.0.1:7001", nodes });
    const quiet = { server: { access_log: false } };
    const dialled: string[] = [];
    const dial = async ({ host }: { host: string }): Promise<never> => {
      dialled.push(host);
      throw new Error("refused");
    };
    await using rig = startGatewayRig({ ...quiet, routes: [], streams: [stream("a")] }, never, {
      transportFor: () => ({ ...transportOf(never), dial }),
    });
    const ended: string[] = [];
    const at = { host: "192.0.2.1", port: 1 };
    const client = new Proxy({ peer: at, local: at } as unknown as StreamSocket, {
      get: (target, name) => target[name as keyof StreamSocket] ?? (() => void ended.push(String(name))),
    });
    rig.gateway.connection("a", client);
    await rig.clock.settle();
    assertEquals([dialled.length, ended.at(-1)], [2, "reset"], "a stream that is there tries its nodes");
    rig.apply({ ...quiet, routes: [], streams: [stream("b")] });
    ended.length = 0;
    rig.gateway.connection("a", client);
    rig.gateway.handshakeFailed("a", new Error("no certificate"));
    await rig.clock.settle();
    assertEquals([dialled.length, ended], [2, ["destroy"]]);
    assertEquals([...rig.gateway.streamCounters.all().keys()], ["b"]);
  });

  test("the errors of a refused config are shown until a good one comes", async () => {
    await using rig = startGatewayRig({ routes: routes() }, never);
    const kinds = (): string[] => rig.gateway.events(10).map(({ kind }) => kind);
    rig.gateway.refuse(["gateway.yaml:1:1: nonsense is not a known key"]);
    assertEquals(rig.gateway.refusedConfig().length, 1);
    rig.gateway.refuse([]);
    assertEquals(rig.gateway.refusedConfig(), [], "the file is again as it was");
    rig.gateway.refuse(["again"]);
    rig.apply({ routes: routes({ priority: 2 }) });
    assertEquals([rig.gateway.refusedConfig(), kinds()], [[], ["config", "refused", "refused"]]);
  });

  test("health checks end with their route, and with the gateway", async () => {
    let probes = 0;
    const fetch = pods(() => {
      probes++;
      return new Response("ok");
    });
    const checked = { health: { active: { path: "/", interval: 1000 } } };
    const rig: GatewayRig = startGatewayRig({ routes: routes(checked) }, fetch);
    await rig.clock.advance(3000);
    assert(probes >= 4);
    rig.apply({ routes: routes() });
    const before = probes;
    await rig.clock.advance(5000);
    assertEquals(probes, before);
    rig.apply({ routes: routes(checked) });
    await rig.clock.advance(3000);
    assert(probes > before);
    await rig[Symbol.asyncDispose]();
  });
});

test("requests that come while the gateway drains are counted and answered, and close their connections", async () => {
  await using rig = startGatewayRig({ routes: routes() }, pods(status(200, "b")));
  assertEquals([(await rig.ask("/")).headers.get("connection"), rig.gateway.drained()], [null, 0]);
  rig.gateway.drain();
  assertEquals([(await rig.ask("/")).headers.get("connection"), rig.gateway.drained()], ["close", 1]);
  assertEquals(rig.gateway.readiness().draining, true);
});
