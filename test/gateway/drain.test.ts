import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { startPods } from "./pods.ts";
import { rawClient } from "./raw-client.ts";
import { serve } from "./support.ts";

/** A pod whose `/slow` answers when the test says so; a stream sends its first word at once. */
async function slowPod() {
  const arrived = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const encoder = new TextEncoder();
  const pods = await startPods(1, {
    async answer(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/slow") {
        arrived.resolve();
        await finish.promise;
      }
      if (pathname !== "/stream") return new Response("done");
      return new Response(
        new ReadableStream<Uint8Array>({
          async start(out) {
            out.enqueue(encoder.encode("first "));
            await finish.promise;
            out.enqueue(encoder.encode("last"));
            out.close();
          },
        }),
      );
    },
  });
  const config = (server: object): object => ({
    server: { listen: "127.0.0.1:0", access_log: false, ...server },
    admin: { listen: "127.0.0.1:0" },
    routes: [{ nodes: [{ host: pods.all[0]!.ip, port: pods.port }] }],
  });
  return { pods, arrived: arrived.promise, finish: finish.resolve, config };
}

const refused = async (url: string): Promise<boolean> => {
  const client = await rawClient(url).catch(() => undefined);
  client?.close();
  return client === undefined;
};

describe("SIGTERM", () => {
  test("fails /readyz and closes connections at once, refuses new ones after drain_delay, finishes the rest, exits 0", async () => {
    const { pods, arrived, finish, config } = await slowPod();
    await using _pods = pods;
    await using gateway = await startGateway({ config: config({ drain_delay: 400 }) });
    const readyz = async (): Promise<number> => (await gateway.admin("/readyz")).status;
    const kept = await rawClient(gateway.url);
    assertEquals((await kept.get("/")).headers.connection === "close", false);
    const slow = gateway.fetch("/slow");
    await arrived;
    assertEquals(await readyz(), 200);
    gateway.signal("SIGTERM");
    await until(async () => (await readyz()) === 503, { interval: 5, message: "/readyz is 503" });
    assertEquals((await (await gateway.admin("/readyz")).json()).draining, true);
    assertEquals((await gateway.admin("/healthz")).status, 200);
    const last = await kept.get("/");
    assertEquals([last.status, last.headers.connection, last.body], [200, "close", "done"]);
    await kept.closed;
    const late = await rawClient(gateway.url);
    assertEquals((await late.get("/")).headers.connection, "close");
    await until(() => refused(gateway.url), { message: "new connections are refused" });
    finish();
    assertEquals([(await slow).status, await (await slow).text()], [200, "done"]);
    assertEquals(await gateway.stop(), 0);
  });

  test("under load costs no client a request: all see Connection: close and go elsewhere in time", async () => {
    const { pods, config } = await slowPod();
    await using _pods = pods;
    await using gateway = await startGateway({ config: config({ drain_delay: 500 }) });
    let stopped = false;
    let answered = 0;
    const failures: string[] = [];
    /** Uses a connection until the gateway says close. A client that comes when it is going is given another gateway. */
    const client = async (): Promise<void> => {
      for (;;) {
        const connection = await rawClient(gateway.url);
        for (let open = true; open; ) {
          const answer = await connection.get("/");
          answered++;
          if (answer.status !== 200 || answer.body !== "done") failures.push(JSON.stringify(answer));
          open = answer.headers.connection !== "close";
        }
        connection.close();
        if (stopped) return;
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    await until(() => answered > 100, { message: "the load runs" });
    stopped = true;
    gateway.signal("SIGTERM");
    await clients;
    assertEquals(failures, []);
    assertEquals(await gateway.stop(), 0);
    assertEquals(pods.received.length, answered);
  });

  test("lets an answer that is being streamed end, and a client that idles costs no time", async () => {
    const { pods, finish, config } = await slowPod();
    await using _pods = pods;
    // Whoever waits for an idle connection waits for longer than a test may take.
    await using gateway = await serve(config({ drain: 120_000 }));
    const idle = await rawClient(gateway.url);
    assertEquals((await idle.get("/")).status, 200);
    const reader = (await gateway.fetch("/stream")).body!.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await reader.read()).value, "first ");
    gateway.signal("SIGTERM");
    await until(() => refused(gateway.url), { message: "new connections are refused" });
    finish();
    assertEquals((await reader.read()).value, "last");
    assertEquals((await reader.read()).done, true);
    assertEquals(await gateway.stop(), 0);
  });

  test("cuts what is still under way when drain is over, and exits 0 all the same", async () => {
    const { pods, arrived, finish, config } = await slowPod();
    await using _pods = pods;
    await using gateway = await serve(config({ drain: 200, access_log: "json" }));
    const reader = (await gateway.fetch("/stream")).body!.getReader();
    await reader.read();
    const slow = gateway.fetch("/slow");
    await arrived;
    assertEquals(await gateway.stop(), 0);
    await assertRejects(() => reader.read());
    finish();
    // The one without an answer gets one in words, and neither is taken for a client that left.
    const { status, headers } = await slow;
    assertEquals([status, headers.get("connection"), (await (await slow).json()).code], [503, "close", "draining"]);
    const lines = gateway.stdout.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    assertEquals(lines.map(({ path, status, error }) => [path, status, error]).sort(), [
      ["/slow", 503, "draining"],
      ["/stream", 200, "draining"],
    ]);
  });

  test.each([
    ["a pod's answer", []],
    ["one that went through middleware", [{ cors: {} }]],
  ])(
    "tells a client that waited before it came that its answer is the connection's last: %s",
    async (_what, middleware) => {
      const { pods, arrived, finish, config } = await slowPod();
      await using _pods = pods;
      await using gateway = await serve({ ...config({}), defaults: { middleware } });
      const client = await rawClient(gateway.url);
      const slow = client.get("/slow");
      await arrived;
      gateway.signal("SIGTERM");
      await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 503, {
        message: "/readyz is 503",
      });
      finish();
      const answer = await slow;
      assertEquals([answer.status, answer.headers.connection, answer.body], [200, "close", "done"]);
      assertEquals(await gateway.stop(), 0);
    },
  );

  test("tells a client that a middleware kept waiting the same", async () => {
    const { pods, config } = await slowPod();
    await using _pods = pods;
    const middleware = [{ throttle: { rate: 2, burst: 10 } }, { bearer_auth: { token: "secret" } }];
    await using gateway = await serve({ ...config({}), defaults: { middleware } });
    const client = await rawClient(gateway.url);
    assertEquals((await client.get("/")).headers.connection === "close", false);
    const waits = client.get("/");
    await fetch(`${gateway.adminUrl}/readyz`);
    gateway.signal("SIGTERM");
    const { status, headers } = await waits;
    assertEquals([status, headers.connection], [401, "close"]);
    assertEquals(await gateway.stop(), 0);
  });

  test("that comes again and again until the process is gone changes nothing: it exits 0", async () => {
    const { pods, config } = await slowPod();
    await using _pods = pods;
    await using gateway = await startGateway({ config: config({}) });
    assertEquals((await gateway.fetch("/")).status, 200);
    const timer = setInterval(() => gateway.signal("SIGTERM"), 3);
    try {
      assertEquals(await gateway.stop(), 0);
    } finally {
      clearInterval(timer);
    }
  });

  test("before the gateway was ready ends it too, and SIGINT is the same", async () => {
    const config = { discovery: { kubernetes: { service: { schema: "http", host: "127.0.0.1", port: 1 } } } };
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const gateway = await serve(config, { until: "listening" });
      gateway.signal(signal);
      assertEquals(await gateway.ended, 0);
      assertEquals(gateway.stdout, []);
    }
  });
});
