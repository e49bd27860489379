import { describe, test } from "bun:test";
import { connect } from "node:net";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { startClients } from "./clients.ts";
import { startPod } from "./pod.ts";

const DRAIN_MS = 1500;
/** What a busy machine may add. */
const LATE_MS = 2500;

/** An event stream over a socket: what came, and when its end came. */
function follow(port: number) {
  const stream = { text: "", ended: undefined as number | undefined };
  const socket = connect(port, "127.0.0.1", () => socket.write("GET /events HTTP/1.1\r\nhost: gateway.test\r\n\r\n"));
  socket.on("data", (chunk) => {
    stream.text += chunk.toString();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    stream.ended = performance.now();
  });
  return stream;
}

/** A WebSocket that says something now and then: how it was closed. */
function converse(port: number) {
  const conversation = { heard: 0, code: undefined as number | undefined, ended: 0 };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`);
  socket.onopen = () => socket.send("hello");
  socket.onmessage = () => {
    conversation.heard++;
    setTimeout(() => socket.readyState === WebSocket.OPEN && socket.send("hello"), 20);
  };
  socket.onclose = ({ code }) => {
    conversation.code = code;
    conversation.ended = performance.now();
  };
  return conversation;
}

describe("SIGTERM under load", () => {
  for (const workers of [1, 2]) {
    for (const drain_delay of [0, 400]) {
      test(`fails no request and exits 0 in time, event streams and WebSockets closed politely at the end: ${workers} worker${workers === 1 ? "" : "s"}, drain_delay ${drain_delay}`, async () => {
        await using pod = startPod();
        await using gateway = await startGateway({
          config: {
            server: { listen: "127.0.0.1:0", workers, access_log: false, drain_delay, drain: DRAIN_MS },
            admin: { listen: "127.0.0.1:0" },
            routes: [{ nodes: [pod.node] }],
          },
        });
        const port = Number(new URL(gateway.url).port);
        // Several, so that every worker has some.
        const streams = Array.from({ length: 8 }, () => follow(port));
        const sockets = Array.from({ length: 8 }, () => converse(port));
        const clients = startClients({ port, keepAlive: 16, fresh: 8 });
        await until(() => clients.answered > 2000, { message: "the load runs" });
        await until(() => streams.every(({ text }) => text.includes("more")), { message: "events come" });
        await until(() => sockets.every(({ heard }) => heard > 2), { message: "messages come" });

        const told = performance.now();
        gateway.signal("SIGTERM");
        await clients.leave();
        assertEquals(Object.fromEntries(clients.failures), {});
        assertEquals((await gateway.admin("/readyz")).status, 503);
        assertEquals(await gateway.stop(), 0);
        const took = performance.now() - told;
        assertGreater(drain_delay + DRAIN_MS + LATE_MS, took);

        await until(() => sockets.every(({ code }) => code !== undefined), { message: "WebSockets are closed" });
        await until(() => streams.every(({ ended }) => ended !== undefined), { message: "event streams are closed" });
        // Tunnels of bytes end without a close frame.
        assertEquals(new Set(sockets.map(({ code }) => code)), new Set([1006]));
        for (const { text, ended } of streams) {
          assert(text.endsWith("data: more\n\n\r\n0\r\n\r\n"), `not a whole body: ${JSON.stringify(text.slice(-60))}`);
          assertGreater(ended! - told, drain_delay + DRAIN_MS - 100);
        }
        for (const { ended } of sockets) assertGreater(ended - told, drain_delay + DRAIN_MS - 100);
      });
    }
  }
});
