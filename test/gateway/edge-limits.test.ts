import { afterEach, describe, test } from "bun:test";
import { connect } from "node:net";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { type Client, client } from "../streams/support.ts";
import { type Pods, startPods } from "./pods.ts";
import { logged, type ServedGateway, serve } from "./support.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A pod that answers `/held` when the test says so, and `/endless` without end. */
async function pods(): Promise<{ pods: Pods; release(): void; held(): number }> {
  const gate = Promise.withResolvers<void>();
  let held = 0;
  const started = await startPods(1, {
    async answer(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/endless") {
        const piece = new Uint8Array(65_536);
        return new Response(new ReadableStream({ pull: (out) => out.enqueue(piece) }));
      }
      if (pathname !== "/held") return new Response("done");
      held++;
      await gate.promise;
      return new Response("let go");
    },
  });
  open.push(started);
  return { pods: started, release: gate.resolve, held: () => held };
}

async function serving(limits: object, { all, port }: Pick<Pods, "all" | "port">): Promise<ServedGateway> {
  const gateway = await serve({
    server: { access_log: "json", limits },
    routes: [{ nodes: [{ host: all[0]!.ip, port }] }],
  });
  open.push(gateway);
  return gateway;
}

const portOf = (gateway: ServedGateway): number => Number(new URL(gateway.url).port);
const isOver = (peer: Client): boolean => peer.ended || peer.closed !== undefined;
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** What the counter says of a reason. */
async function refused(gateway: ServedGateway, reason: string): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^podway_connections_refused_total\\{reason="${reason}"\\} (\\d+)`, "m").exec(text)?.[1]);
}

describe("the gateway's address", () => {
  test("gives half a head its time and no more: 408, counted and logged as what it was", async () => {
    const rig = await pods();
    const gateway = await serving({ head_timeout: 300 }, rig.pods);
    using half = await client(portOf(gateway));
    half.socket.write("GET /x HTTP/1.1\r\nHo");
    using other = await client(portOf(gateway));
    other.socket.write(GET("/"));
    await other.got("done");
    await until(() => isOver(half), "it is closed");
    assertMatch(half.text, /^HTTP\/1.1 408 .*\r\n[\s\S]*request_timeout/);
    assertEquals([other.ended, await refused(gateway, "head_timeout")], [false, 1]);
    await logged(gateway, /head_timeout/);
    await until(() => gateway.stdout.some((line) => line.includes('"error":"request_timeout"')), "its access-log line");
  });

  test("closes what says nothing, before a first request and between two, without a word", async () => {
    const rig = await pods();
    const gateway = await serving({ keep_alive: 300 }, rig.pods);
    using silent = await client(portOf(gateway));
    using kept = await client(portOf(gateway));
    kept.socket.write(GET("/"));
    using busy = await client(portOf(gateway));
    busy.socket.write(GET("/held"));
    await until(() => isOver(silent) && isOver(kept), "both are closed");
    assertEquals([silent.text, kept.text.match(/HTTP\/1.1/g)?.length, isOver(busy)], ["", 1, false]);
    rig.release();
    await busy.got("let go");
  });

  test("cuts off a client that takes nothing, and leaves one alone that reads", async () => {
    const rig = await pods();
    const gateway = await serving({ write_stall: 1000 }, rig.pods);
    using stalled = await client(portOf(gateway));
    stalled.socket.pause();
    stalled.socket.write(GET("/endless"));
    const reader = connect(portOf(gateway), "127.0.0.1");
    let over = false;
    // What it reads is not kept: there is no end to it.
    reader.on("data", () => {});
    reader.on("error", () => {});
    reader.on("close", () => {
      over = true;
    });
    reader.write(GET("/endless"));
    await until(async () => (await refused(gateway, "write_stall")) === 1, "it is cut off");
    assertEquals(over, false);
    reader.destroy();
    await logged(gateway, /write_stall/);
  });

  test("at its limit closes what is longest without a request for who is new, and refuses only where all are at work", async () => {
    const rig = await pods();
    const gateway = await serving({ connections: 3 }, rig.pods);
    using first = await client(portOf(gateway));
    using second = await client(portOf(gateway));
    second.socket.write("GET /half");
    using busy = await client(portOf(gateway));
    busy.socket.write(GET("/held"));
    await until(() => rig.held() === 1, "one request is under way");
    const more: Client[] = [];
    for (const [index, oldest] of [first, second].entries()) {
      const next = await client(portOf(gateway));
      next.socket.write(GET("/held"));
      await until(() => rig.held() === index + 2, "it is served");
      assert(isOver(oldest), `number ${index} is still there`);
      more.push(next);
    }
    assertEquals(isOver(busy), false);
    using last = await client(portOf(gateway));
    await until(() => isOver(last), "it is refused");
    assertEquals([await refused(gateway, "evicted"), await refused(gateway, "connections")], [2, 1]);
    // Probes come by another way in.
    assertEquals((await fetch(`${gateway.adminUrl}/healthz`)).status, 200);
    rig.release();
    await Promise.all([busy, ...more].map((one) => one.got("let go")));
    for (const one of more) one.socket.destroy();
  });

  test("takes so many connections of one address and no more", async () => {
    const rig = await pods();
    const gateway = await serving({ connections_per_client: 2 }, rig.pods);
    using first = await client(portOf(gateway));
    using second = await client(portOf(gateway));
    using third = await client(portOf(gateway));
    await until(() => isOver(third), "the third is refused");
    assertEquals([isOver(first), isOver(second), await refused(gateway, "connections_per_client")], [false, false, 1]);
    first.socket.destroy();
    const again = async () => {
      const next = await client(portOf(gateway));
      next.socket.write(GET("/"));
      await until(() => isOver(next) || next.text.includes("done"), "an answer or the end");
      next.socket.destroy();
      return next.text.includes("done");
    };
    await until(again, "its place is free again");
  });

  test("answers 503 where more requests are under way than may be, over HTTP/1.1 and HTTP/2 alike", async () => {
    const rig = await pods();
    const gateway = await serving({ requests: 1 }, rig.pods);
    const held = gateway.fetch("/held");
    await until(() => rig.held() === 1, "one request is under way");
    const answer = await gateway.fetch("/");
    assertEquals([answer.status, ((await answer.json()) as { code: string }).code], [503, "overloaded"]);
    rig.release();
    assertEquals(await (await held).text(), "let go");
    assertEquals((await gateway.fetch("/")).status, 200);
    assertEquals(await refused(gateway, "requests"), 1);
  });

  test("speaks HTTP/2 to who begins so, and HTTP/1.1 to who does not, however its bytes are cut", async () => {
    const rig = await pods();
    const gateway = await serving({}, rig.pods);
    const curl = Bun.spawn(["curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version}", `${gateway.url}/`]);
    assertEquals(await new Response(curl.stdout).text(), "done 2");
    using peer = await client(portOf(gateway));
    for (const letter of "PRI /x HTTP/1.1\r\nHost: a\r\n\r\n") {
      peer.socket.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A method that the pod does not know: that it was asked is enough.
    await peer.got("HTTP/1.1 502");
  });

  test("goes by changed limits without a restart", async () => {
    const rig = await pods();
    const gateway = await serving({}, rig.pods);
    using silent = await client(portOf(gateway));
    await gateway.writeConfig({
      server: { listen: "127.0.0.1:0", limits: { keep_alive: 200 } },
      routes: [{ nodes: [{ host: rig.pods.all[0]!.ip, port: rig.pods.port }] }],
    });
    await until(() => isOver(silent), "it is closed");
  });
});
