import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { createEchoPod } from "../../src/demo/echo-pod.ts";
import { bunHost } from "../../src/platform/bun/host.ts";
import { listenFetch } from "../../src/server/fetch-listener.ts";
import { serve } from "../gateway/support.ts";
import { until } from "../helpers/wait.ts";

/** A pod of the demo on a port of its own, listening as the demo's do. */
async function startPod() {
  const listener = await listenFetch(
    { host: "127.0.0.1", port: 0 },
    createEchoPod({ pod: "echo-1", clock: systemClock }),
    { host: bunHost, clock: systemClock, logger: { log: () => {} } },
  );
  return { port: listener.port, [Symbol.asyncDispose]: () => listener.stop(0) };
}

describe("the echo pod's /ws", () => {
  test("sends messages back through the gateway, in the first subprotocol offered", async () => {
    await using pod = await startPod();
    await using gateway = await serve({ routes: [{ nodes: [{ host: "127.0.0.1", port: pod.port }] }] });
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/ws`, ["one", "two"]);
    socket.binaryType = "arraybuffer";
    const got: unknown[] = [];
    socket.onmessage = ({ data }) => void got.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    assertEquals(socket.protocol, "one");
    socket.send("hello");
    socket.send(Uint8Array.of(1, 2, 255));
    await until(() => got.length === 2, { message: "two echoes" });
    assertEquals(got, ["hello", [1, 2, 255]]);
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    socket.close(4001, "enough");
    assertEquals((await closed).code, 4001);
  });

  test("takes what is sent faster than it is read, in order", async () => {
    await using pod = await startPod();
    const socket = new WebSocket(`ws://127.0.0.1:${pod.port}/ws`);
    let next = 0;
    socket.onmessage = ({ data }) => {
      if (Number(data.slice(0, 6)) === next) next++;
    };
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    for (let i = 0; i < 500; i++) socket.send(`${i}`.padStart(6, "0") + "x".repeat(20_000));
    await until(() => next === 500, { message: () => `${next} of 500 came back` });
    socket.close();
  });

  test("tells a plain request that it wants a WebSocket", async () => {
    await using pod = await startPod();
    await using gateway = await serve({ routes: [{ nodes: [{ host: "127.0.0.1", port: pod.port }] }] });
    for (const url of [`http://127.0.0.1:${pod.port}`, gateway.url]) {
      const answer = await fetch(`${url}/ws`);
      assertEquals([answer.status, answer.headers.get("upgrade")], [426, "websocket"]);
      assertEquals(await answer.json(), { error: "/ws: this is a WebSocket", pod: "echo-1" });
    }
  });
});
