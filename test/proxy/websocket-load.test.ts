import { describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { assertEquals, assertLess } from "@std/assert";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { frame, rawSocket, rawSocketPod } from "./websocket-raw.ts";

const MEGA = 1 << 20;

const gatewayTo = (port: number): Promise<GatewayProcess> =>
  startGateway({
    config: {
      server: { listen: "127.0.0.1:0", access_log: false, drain: 50 },
      admin: { listen: "127.0.0.1:0" },
      routes: [{ nodes: [{ host: "127.0.0.1", port }] }],
    },
  });

/** Resident memory of a process, in bytes. */
const memoryOf = ({ pid }: GatewayProcess): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;

describe("back-pressure", () => {
  const piece = Buffer.alloc(64 * 1024, "podway");
  const TOTAL = 96 * MEGA;

  for (const [from, to] of [
    ["client", "upstream"],
    ["upstream", "client"],
  ] as const) {
    test(`of a slow ${to} stops a fast ${from}: 96 MB on their way are not held in memory, and all arrive`, async () => {
      using pod = await rawSocketPod();
      await using gateway = await gatewayTo(pod.port);
      const client = await rawSocket(gateway.url);
      const upstream = await pod.socket();
      const [sender, receiver] = from === "client" ? [client, upstream] : [upstream, client];
      const before = memoryOf(gateway);

      receiver.socket.removeAllListeners("data");
      receiver.socket.pause();
      const bytes = frame(2, piece, { masked: from === "client" });
      let sent = 0;
      let written = 0;
      const pump = (): void => {
        while (written < TOTAL) {
          written += piece.length;
          if (!sender.socket.write(bytes, () => (sent += piece.length))) return;
        }
      };
      sender.socket.on("drain", pump);
      pump();

      let last = -1;
      await until(
        () => {
          const stands = sent === last && sent > 0;
          last = sent;
          return stands;
        },
        { interval: 300, message: "the sender is never made to wait" },
      );
      assertLess(sent, TOTAL / 2);
      assertLess(memoryOf(gateway) - before, 40 * MEGA);

      let got = 0;
      receiver.socket.on("data", (data: Buffer) => (got += data.length));
      receiver.socket.resume();
      await until(() => got >= TOTAL, { message: () => `${got} of ${TOTAL} bytes came` });
      assertLess(memoryOf(gateway) - before, 80 * MEGA);
    });
  }
});

test("a thousand WebSockets are open at once, each gets its own messages, and all are gone when their clients go", async () => {
  const COUNT = 1000;
  let open = 0;
  await using pod = Bun.serve<{ path: string }>({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, server) =>
      server.upgrade(request, { data: { path: new URL(request.url).pathname } })
        ? undefined
        : new Response("no", { status: 400 }),
    websocket: {
      open: () => void open++,
      close: () => void open--,
      message: (socket, message) => void socket.send(`${socket.data.path} ${message}`),
    },
  });
  await using gateway = await gatewayTo(pod.port!);
  const before = memoryOf(gateway);
  const url = gateway.url.replace("http", "ws");
  const sockets = Array.from({ length: COUNT }, (_, i) => new WebSocket(`${url}/${i}`));
  const got: string[] = [];
  for (const [i, socket] of sockets.entries()) {
    socket.onmessage = ({ data }) => {
      got[i] = data;
    };
  }
  await until(() => open === COUNT && sockets.every(({ readyState }) => readyState === WebSocket.OPEN), {
    message: () => `${open} of ${COUNT} are open`,
  });
  for (const socket of sockets) socket.send("hello");
  await until(() => Object.keys(got).length === COUNT, { message: () => `${Object.keys(got).length} echoes` });
  assertEquals(
    got,
    sockets.map((_, i) => `/${i} hello`),
  );
  assertLess(memoryOf(gateway) - before, 100 * MEGA);
  for (const socket of sockets) socket.close();
  await until(() => open === 0, { message: () => `${open} are still open at the pod` });
});
