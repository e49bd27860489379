import { afterAll, describe, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import type { BodySource } from "../../../src/http/body.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import { ServerConnection } from "../../../src/http/http1/server-connection.ts";
import type { ClientRequest, HttpHandler } from "../../../src/http/message.ts";
import { listenBunStream } from "../../../src/platform/bun/streams.ts";
import { listenStream } from "../../../src/platform/node/streams.ts";
import { PushedBody } from "../../helpers/body.ts";
import { until } from "../../helpers/wait.ts";
import { answerOf, pending, recorded } from "./server-rig.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const closing: { close(): void }[] = [];
afterAll(() => {
  for (const listener of closing) listener.close();
});

/** A client, and what it has read. */
function clientOf(port: number) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const client = { socket, text: "", size: 0, ended: false, closed: false, failed: "" };
  socket.on("data", (bytes: Buffer) => {
    client.size += bytes.length;
    if (client.text.length < 1000) client.text += bytes.toString("latin1");
  });
  socket.on("end", () => {
    client.ended = true;
  });
  socket.on("error", (error: Error & { code?: string }) => {
    client.failed = error.code ?? error.message;
  });
  socket.on("close", () => {
    client.closed = true;
  });
  return client;
}

/** Bytes at which each place can be told. */
function patterned(size: number, from: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) bytes[at] = ((from + at) * 31 + ((from + at) >> 8)) & 255;
  return bytes;
}

/** A source of so many bytes, which are made when they are wanted. */
function patternedBody(size: number): PushedBody {
  const body = new PushedBody(size);
  let at = 0;
  let flowing = false;
  body.onFlow = () => {
    if (flowing) return;
    flowing = true;
    while (!body.paused && at < size && body.cancelled.length === 0) {
      const piece = patterned(Math.min(50_000, size - at), at);
      at += piece.length;
      body.push(piece);
    }
    flowing = false;
    if (at === size && !body.paused) body.sink!.end(undefined);
  };
  return body;
}

for (const [name, listen] of [
  ["node:net", listenStream],
  ["Bun.listen", listenBunStream],
] as const) {
  describe(`a connection over ${name}`, () => {
    async function serving(handler: HttpHandler) {
      const requests: ClientRequest[] = [];
      const rig = recorded((request, peer) => {
        requests.push(request);
        return handler(request, peer);
      });
      const connections: ServerConnection[] = [];
      const connection = (socket: ConstructorParameters<typeof ServerConnection>[0]): void => {
        connections.push(new ServerConnection(socket, rig.context));
      };
      const handlers = { connection, admits: () => true, refused() {} };
      const listener = await listen({ host: "127.0.0.1", port: 0 }, handlers);
      closing.push(listener);
      return { ...rig, requests, connections, client: () => clientOf(listener.port) };
    }

    test("answers requests one by one and pipelined, to each its own, and knows who asks", async () => {
      const { client, closed } = await serving(({ url }, peer) => answerOf(`${url} for ${peer};`));
      const asking = client();
      for (let i = 0; i < 20; i++) {
        const [a, b] = [`/${i}a`, `/${i}b`];
        asking.text = "";
        asking.socket.write(`GET ${a} HTTP/1.1\r\nHost: x\r\n\r\nGET ${b} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await until(() => asking.text.includes(`${b} for 127.0.0.1;`), "both answers");
        assert(asking.text.indexOf(`${a} for`) < asking.text.indexOf(`${b} for`));
      }
      asking.socket.end();
      await until(() => asking.closed, "the end");
      assertEquals([closed.length, asking.failed], [1, ""]);
    });

    test("carries 20 MB each way at the pace of the slower end, byte for byte", async () => {
      const size = 20_000_000;
      const source = patternedBody(size);
      const { client, requests, connections } = await serving((request) =>
        answerOf(request.method === "GET" ? source : request.body, [`Content-Length: ${size}`]),
      );
      const reading = client();
      reading.socket.pause();
      reading.socket.write(GET);
      await until(() => source.paused, "the answer to wait");
      assert(connections[0]!.waiting > 0);
      reading.socket.resume();
      await until(() => reading.size >= size, "the answer");

      const echoed = client();
      let wrong = -1;
      let at = 0;
      let begun = false;
      echoed.socket.on("data", (bytes: Buffer) => {
        const body = begun ? bytes : bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
        begun = true;
        if (wrong === -1 && Buffer.compare(body, patterned(body.length, at)) !== 0) wrong = at;
        at += body.length;
      });
      echoed.socket.pause();
      echoed.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
      await until(() => requests.length === 2, "the request");
      const upload = (async () => {
        for (let sent = 0; sent < size; sent += 100_000) {
          if (echoed.socket.write(patterned(100_000, sent))) continue;
          await new Promise((resolve) => echoed.socket.once("drain", resolve));
        }
      })();
      await until(() => connections[1]!.waiting > 0, "the echo to wait");
      assertEquals(at, 0);
      echoed.socket.resume();
      await upload;
      await until(() => at >= size, "the echo");
      assertEquals([at, wrong], [size, -1]);
      for (const { socket } of [reading, echoed]) socket.destroy();
    });

    test("notices a client that sends no more, or breaks off, before its answer", async () => {
      for (const leave of ["end", "resetAndDestroy"] as const) {
        const { handler } = pending();
        const { client, requests, closed } = await serving(handler);
        const leaving = client();
        leaving.socket.write(GET);
        await until(() => requests.length === 1, "the request");
        leaving.socket[leave]();
        await until(() => requests[0]!.signal.aborted, "the signal");
        await until(() => leaving.closed && closed.length === 1, "the end");
        assertEquals(leaving.text, "");
      }
    });

    test("closes quietly when a client ends between requests, which has read its answer", async () => {
      const { client } = await serving(() => answerOf("whole"));
      const quiet = client();
      quiet.socket.write(GET);
      await until(() => quiet.text.endsWith("whole"), "the answer");
      quiet.socket.end();
      await until(() => quiet.closed, "the end");
      assertEquals(quiet.failed, "");
    });

    test("lets a client that uploads more than is wanted read its answer", async () => {
      const { client, connections } = await serving(() => answerOf("too large", [], 413));
      const big = client();
      big.socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
      big.socket.write(new Uint8Array(5_000_000));
      await until(() => big.text.endsWith("too large") && big.ended, "the answer, and the end behind it");
      assertEquals([big.failed, connections[0]!.phase], ["", "lingering"]);
      connections[0]!.expire("linger");
      await until(() => big.closed, "the end");
    });

    test("refuses what is no request, and the client reads why", async () => {
      const { client, connections } = await serving(() => answerOf());
      const wrong = client();
      wrong.socket.write(`GET /\r\n\r\n${GET}`);
      await until(() => wrong.ended, "the end");
      assert(wrong.text.startsWith("HTTP/1.1 400 ") && wrong.text.split("HTTP/1.1").length === 2);
      wrong.socket.end();
      await until(() => wrong.closed && connections[0]!.phase === "over", "the end");
    });

    test("becomes a tunnel, both ways, with what came behind the request", async () => {
      const { client, closed } = await serving(() => ({
        status: 101,
        statusText: "",
        headers: Fields.from([["Upgrade", "echo"]]),
        body: null,
        tunnel(socket, rest) {
          socket.listen({
            data: (bytes) => void socket.write(bytes),
            ended: () => socket.end(),
            drained() {},
            closed() {},
          });
          socket.write(rest);
          socket.resume();
        },
      }));
      const echo = client();
      echo.socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst,");
      await until(() => echo.text.endsWith("\r\n\r\nfirst,"), "the echo of what came first");
      echo.socket.write("second,");
      await until(() => echo.text.endsWith("first,second,"), "the echo");
      echo.socket.end("third");
      await until(() => echo.closed && closed.length === 1, "the end");
      assert(echo.text.endsWith("first,second,third"));
    });

    test("resets a client that takes nothing, and its answer is let go of", async () => {
      const source = patternedBody(50_000_000);
      const { client, connections } = await serving(() => answerOf(source));
      const stuck = client();
      stuck.socket.pause();
      stuck.socket.write(GET);
      await until(() => source.paused, "the answer to wait");
      connections[0]!.expire("write");
      await until(() => source.cancelled.length === 1, "the answer to be let go of");
      stuck.socket.resume();
      await until(() => stuck.closed, "the end");
    });

    test("gives the answer of a slow handler on a connection that drains, and ends with it", async () => {
      const { handler, answer } = pending();
      const { client, requests, connections } = await serving(handler);
      const last = client();
      last.socket.write(GET);
      await until(() => requests.length === 1, "the request");
      connections[0]!.drain();
      await answer(answerOf(requests[0]!.body as BodySource | null));
      await until(() => last.ended, "the end");
      assert(last.text.includes("Connection: close\r\n"));
      (last.socket as Socket).destroy();
    });
  });
}
