import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { assert, assertEquals, assertLess } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { rawClient, rawPod } from "../proxy/helpers.ts";
import { gatewayTo, portOf } from "./support.ts";

/** Called when a test is over. */
type Ends = (() => unknown)[];

/** An event stream that says nothing for `silence` ms between two events. */
export async function silentThen({ silence, ends }: { silence: number; ends: Ends }): Promise<void> {
  let pipe: Socket | undefined;
  const pod = await rawPod((socket) => {
    pipe = socket;
    const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write(`${head}9\r\ndata: 1\n\n\r\n`);
  });
  const gateway = await gatewayTo([pod.port]);
  ends.push(() => gateway.stop(), pod.stop);
  const client = await rawClient(portOf(gateway), "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => client.received().includes("data: 1"), { message: "the first event" });
  await new Promise((resolve) => setTimeout(resolve, silence));
  assert(!client.closed(), "the client's connection was closed");
  pipe!.write("9\r\ndata: 2\n\n\r\n");
  await until(() => client.received().includes("data: 2"), { message: "the event after the silence" });
  client.socket.destroy();
  await until(() => pod.open() === 0, { timeout: 1000, message: "the pod's connection to end" });
}

/** Downloads without an end, each left after its first bytes: none leaves a connection to the pod behind. */
export async function abortedDownloads(options: { count: number; atOnce: number; ends: Ends }): Promise<void> {
  const { count, atOnce, ends } = options;
  const pod = await rawPod((socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    const piece = `4000\r\n${"x".repeat(16_384)}\r\n`;
    const write = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", write);
    write();
  });
  const gateway = await gatewayTo([pod.port]);
  ends.push(() => gateway.stop(), pod.stop);
  let started = 0;
  const one = async (): Promise<void> => {
    while (started < count) {
      started++;
      const client = connect(portOf(gateway), "127.0.0.1");
      client.on("error", () => {});
      client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await once(client, "data");
      client.destroy();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  await until(() => pod.open() === 0, {
    timeout: 5000,
    message: () => `${pod.open()} connections to the pod are open`,
  });
  assertEquals(pod.requests.length, count);
}

/** As many requests at once as `count` to a pod that answers none before it has them all. */
export async function manyInFlight({ count, ends }: { count: number; ends: Ends }): Promise<void> {
  const waiting: Socket[] = [];
  const pod = await rawPod((socket) => {
    waiting.push(socket);
    if (waiting.length < count) return;
    for (const each of waiting) each.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  const gateway = await gatewayTo([pod.port]);
  ends.push(() => gateway.stop(), pod.stop);
  const clients: Socket[] = [];
  let answered = 0;
  for (let i = 0; i < count; i++) {
    const client = connect(portOf(gateway), "127.0.0.1");
    client.on("error", () => {});
    client.once("data", () => answered++);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    clients.push(client);
  }
  const message = (): string => `the pod has ${waiting.length} of ${count} requests, ${answered} are answered`;
  await until(() => answered === count, { timeout: 20_000, message });
  for (const client of clients) client.destroy();
}

/** Listens on loopback. */
async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/**
 * A pod that closes a connection after `idle` ms without a request, asked once every `idle` ms, give or take little:
 * request and close meet on their way. Returns the answers that are not 200.
 */
export async function idleClosingPod(options: { idle: number; rounds: number; ends: Ends }): Promise<string[]> {
  const { idle, rounds, ends } = options;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let timer: ReturnType<typeof setTimeout> | undefined;
    socket.on("error", () => {});
    socket.on("close", () => clearTimeout(timer));
    socket.on("data", () => {
      clearTimeout(timer);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      timer = setTimeout(() => socket.destroy(), idle);
    });
  });
  const gateway = await gatewayTo([await listening(server)]);
  ends.push(
    () => gateway.stop(),
    () => server.close(),
  );
  const failed: string[] = [];
  for (let i = 0; i < rounds; i++) {
    const answer = await gateway.fetch("/");
    const text = await answer.text();
    if (answer.status !== 200) failed.push(`${answer.status} ${text}`);
    await new Promise((resolve) => setTimeout(resolve, idle + (i % 7) - 3));
  }
  assertLess(1, connections, "the pod never closed a connection");
  return failed;
}
