import { afterEach, describe, test } from "bun:test";
import { connect } from "node:net";
import { assertEquals, assertMatch } from "@std/assert";
import { oneCluster, slice } from "../gateway/objects.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until, untilStill } from "../helpers/wait.ts";
import { answerWith, rawClient, rawPod } from "../proxy/helpers.ts";
import { abortedDownloads, idleClosingPod, manyInFlight, silentThen } from "./streams.ts";
import { gatewayTo, portOf } from "./support.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const behind = async (
  answer: Parameters<typeof rawPod>[0],
  options?: Parameters<typeof gatewayTo>[1],
): Promise<{ pod: Awaited<ReturnType<typeof rawPod>>; gateway: GatewayProcess }> => {
  const pod = await rawPod(answer);
  const gateway = await gatewayTo([pod.port], options);
  ends.push(() => gateway.stop(), pod.stop);
  return { pod, gateway };
};
const CHUNKED_OK = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe("a stream", () => {
  test("an answer given early reaches the client while it still uploads", async () => {
    const { gateway } = await behind((socket) => {
      socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
    });
    const client = await rawClient(portOf(gateway), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\nx");
    const upload = setInterval(() => client.closed() || client.send("x".repeat(10_000)), 5);
    ends.push(() => clearInterval(upload));
    await until(() => client.received().endsWith("big"), { message: () => `the answer, got ${client.received()}` });
    assertMatch(client.received(), /^HTTP\/1.1 413 /);
    client.socket.destroy();
  });

  test("flows both ways at once: each piece is echoed before the next is sent", async () => {
    const { gateway } = await behind((socket, request) => {
      socket.removeAllListeners("data");
      socket.write(CHUNKED_OK + request.slice(request.indexOf("\r\n\r\n") + 4));
      socket.on("data", (data) => void socket.write(data));
    });
    const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const client = await rawClient(portOf(gateway), `${head}${chunk("one")}`);
    for (const piece of ["two", "three"]) {
      await until(() => client.received().includes(piece === "two" ? "one" : "two"), {
        message: () => `an echo before ${piece}, got ${client.received()}`,
      });
      client.send(chunk(piece));
    }
    await until(() => client.received().includes("three"), { message: "the last echo" });
    client.send("0\r\n\r\n");
    await until(() => client.received().endsWith("0\r\n\r\n"), { message: "the end" });
    client.socket.destroy();
  });

  test("of events that is silent goes on afterwards", async () => {
    await silentThen({ silence: 800, ends });
  });

  test("whose first byte takes its time arrives where the route sets no time-out", async () => {
    const { gateway } = await behind((socket) => void setTimeout(() => socket.write("HTTP/1.1 204 N\r\n\r\n"), 800), {
      route: { timeouts: { response: 0 } },
    });
    assertEquals((await gateway.fetch("/")).status, 204);
  });

  for (const [name, paused] of [
    ["its client reads it", false],
    ["its client has stopped reading", true],
  ] as const) {
    test(`ends at the pod with its client's end while ${name}`, async () => {
      const piece = Buffer.alloc(65_536);
      const { pod, gateway } = await behind((socket) => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        const write = (): void => {
          while (!socket.destroyed) {
            socket.write("10000\r\n");
            socket.write(piece);
            if (!socket.write("\r\n")) return;
          }
        };
        socket.on("drain", write);
        write();
      });
      const client = connect(portOf(gateway), "127.0.0.1");
      client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      let size = 0;
      client.on("data", (data) => {
        size += data.length;
      });
      await until(() => size > 500_000, { message: "some of the stream" });
      if (paused) {
        client.pause();
        await until(() => pod.requests.length > 0, "the pod to be asked");
        await untilStill(() => size);
      }
      client.destroy();
      await until(() => pod.open() === 0, { interval: 5, message: "the connection to the pod to end" });
    });
  }

  test("that 300 clients leave half way leaves no connection to a pod", async () => {
    await abortedDownloads({ count: 300, atOnce: 50, ends });
  });
});

describe("many requests at once", () => {
  test("300 open event streams keep neither a request nor the watch from starting", async () => {
    await using api = await serveEmbedded();
    const pod = await rawPod((socket, request) => {
      if (request.startsWith("GET /events ")) socket.write(CHUNKED_OK + chunk("data: 1\n\n"));
      else socket.write(answerWith("ok"));
    });
    api.api.apply(slice("web", ["127.0.0.1"], pod.port));
    await using gateway = await startGateway({
      config: {
        server: { listen: "127.0.0.1:0", access_log: false },
        admin: false,
        ...oneCluster(api, [{ path: "/", service: "web" }]),
      },
    });
    ends.push(pod.stop);
    const clients = await Promise.all(
      Array.from({ length: 300 }, () => rawClient(portOf(gateway), "GET /events HTTP/1.1\r\nHost: a\r\n\r\n")),
    );
    await until(() => clients.every((client) => client.received().includes("data: 1")), { message: "300 streams" });

    assertEquals((await gateway.fetch("/")).status, 200);

    // A watch that had delivered an event is taken up again at once.
    api.api.apply(slice("web", ["127.0.0.1"], pod.port, { metadata: { annotations: { touched: "1" } } }));
    const [before] = api.api.openWatches;
    before!.break();
    await until(() => api.api.openWatches.some((watch) => watch !== before), {
      interval: 5,
      message: "the watch to be opened again",
    });
    for (const client of clients) client.socket.destroy();
    await until(() => pod.open() <= 1, { message: () => `${pod.open()} connections to the pod are open` });
  });

  test("2,000 to slow pods do not wait for each other", async () => {
    await manyInFlight({ count: 2000, ends });
  });
});

describe("a pod that closes idle connections after a while", () => {
  test("costs no GET when requests come just then", async () => {
    const failed = await idleClosingPod({ idle: 100, rounds: 15, ends });
    assertEquals(failed, []);
  });
});
