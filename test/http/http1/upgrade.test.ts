import { describe, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../../src/http/header-fields.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import type { RequestedUpgrade } from "../../../src/http/transport.ts";
import { listenStream } from "../../../src/platform/node/streams.ts";
import type { StreamSocket } from "../../../src/platform/sockets.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until } from "../../helpers/wait.ts";
import { answerWith } from "../../proxy/helpers.ts";
import { DIALS, failing, pod, sender, stopsPods } from "./client-pods.ts";

stopsPods();

/** A key and what answers it, from RFC 6455 section 1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const websocket = (): Fields => Fields.from([["Sec-WebSocket-Key", KEY]]);
const switching = (...lines: string[]): string =>
  ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", ...lines, "", ""].join("\r\n");

/** A client's connection: the end that the gateway has, and the other. */
async function clientSocket(): Promise<{ near: StreamSocket; far: Socket; received(): string; ended(): boolean }> {
  const taken = Promise.withResolvers<StreamSocket>();
  const listener = await listenStream(
    { host: "127.0.0.1", port: 0 },
    { connection: taken.resolve, admits: () => true, refused: () => {} },
  );
  const far = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  let over = false;
  far.on("data", (data) => {
    text += data.toString("latin1");
  });
  far.on("end", () => {
    over = true;
  });
  far.on("error", () => {});
  const near = await taken.promise;
  listener.close();
  return { near, far, received: () => text, ended: () => over };
}

/** One whose methods need what they belong to. */
class Wanted implements RequestedUpgrade {
  readonly protocols: string;
  readonly idle: number;
  readonly #ends: unknown[][];
  constructor(protocols: string, idle: number, ends: unknown[][]) {
    this.protocols = protocols;
    this.idle = idle;
    this.#ends = ends;
  }
  onEnd(...how: Parameters<RequestedUpgrade["onEnd"]>): void {
    this.#ends.push(how);
  }
}

describe.each([...DIALS])("an upgrade over %s", (_name, dial) => {
  const clock = createFakeClock();
  const client = createHttp1Client({ dial, clock, random: Math.random });
  const send = sender(client);
  const ends: unknown[][] = [];
  const wanted = (protocols: string, idle = 0): RequestedUpgrade => new Wanted(protocols, idle, ends);

  /** A tunnel to a pod that takes the upgrade; `behind`: what it sends with its 101. */
  async function tunnel(behind = "", early = "", idle = 0) {
    ends.length = 0;
    const taken = Promise.withResolvers<Socket>();
    const { port, open } = await pod((socket) => {
      socket.removeAllListeners("data");
      socket.allowHalfOpen = true;
      taken.resolve(socket);
      socket.write(switching("Upgrade: x/1") + behind);
    });
    const answer = await send(port, { upgrade: wanted("x/1", idle) });
    const upstream = await taken.promise;
    let text = "";
    upstream.on("data", (data) => {
      text += data.toString("latin1");
    });
    const ended = new Promise<void>((resolve) => upstream.on("end", resolve));
    const side = await clientSocket();
    answer.tunnel!(side.near, Buffer.from(early, "latin1"));
    return { upstream, open, answer, ...side, upstreamReceived: () => text, upstreamEnded: ended };
  }

  test("asks for what it was given, and its 101 passes with the token that was chosen", async () => {
    const { port, requests } = await pod((socket) => socket.write(switching("UPGRADE: Foo/2", "X-A: 1")));
    const headers = Fields.from([["Upgrade", "h2c"]]);
    const answer = await send(port, { headers, upgrade: wanted("bar, foo/2") });
    assertEquals(requests[0]!.split("\r\n").slice(2), ["connection: Upgrade", "upgrade: bar, foo/2", "", ""]);
    assertEquals([answer.status, answer.headers.get("upgrade"), answer.headers.get("x-a")], [101, "Foo/2", "1"]);
    assertEquals([answer.headers.get("connection"), answer.body, typeof answer.tunnel], [null, null, "function"]);
    assertEquals(client.counts().open, 0);
  });

  test("passes bytes both ways, first those that came with the heads", async () => {
    const { far, upstream, received, upstreamReceived } = await tunnel("pod first ", "client first ");
    await until(() => received() === "pod first " && upstreamReceived() === "client first ", "the first bytes");
    far.write(Buffer.from("\u0000\u00ff\u0080", "latin1"));
    upstream.write(Buffer.from("\u0081\r\n", "latin1"));
    await until(() => received() === "pod first \u0081\r\n", "what the pod said");
    await until(() => upstreamReceived() === "client first \u0000\u00ff\u0080", "what the client said");
    far.end();
    upstream.end();
    await until(() => ends.length === 1, "its end");
    assertEquals(ends, [[undefined, 16, 13]]);
  });

  test("passes on that one side ends, while the other goes on", async () => {
    const { far, upstream, received, ended, upstreamEnded } = await tunnel();
    far.end("last");
    await upstreamEnded;
    assert(!ended());
    upstream.end("more");
    await until(ended, "the end of the other direction");
    assertEquals(received(), "more");
    await until(() => ends.length === 1, "its end");
    assertEquals(ends, [[undefined, 4, 4]]);
  });

  test("breaks on one side where the other broke", async () => {
    const one = await tunnel();
    one.far.resetAndDestroy();
    await until(() => one.open() === 0 && ends.length === 1, "the pod's connection to close");
    assertEquals(ends, [["client_reset", 0, 0]]);
    const other = await tunnel();
    other.upstream.resetAndDestroy();
    await until(() => other.far.destroyed && ends.length === 1, "the client's connection to close");
    assertEquals(ends, [["upstream_reset", 0, 0]]);
  });

  test("ends where its client was gone before it began, or the gateway closes the client's connection", async () => {
    const { near, open } = await tunnel();
    near.destroy();
    await until(() => open() === 0 && ends.length === 1, "the pod's connection to close");
    assertEquals(ends, [["client_reset", 0, 0]]);
  });

  test("ends where its pod left before the client's end was there", async () => {
    ends.length = 0;
    const { port, open } = await pod((socket) =>
      socket.write(switching("Upgrade: x/1"), () => socket.resetAndDestroy()),
    );
    const answer = await send(port, { upgrade: wanted("x/1") });
    await until(() => open() === 0, "the pod to be gone");
    const { near, far } = await clientSocket();
    answer.tunnel!(near, new Uint8Array());
    await until(() => far.destroyed && ends.length === 1, "the client's connection to close");
    assertEquals(ends, [["upstream_reset", 0, 0]]);
  });

  test("ends after the idle time, and not while bytes pass", async () => {
    const { far, ended, upstreamReceived, upstreamEnded } = await tunnel("", "", 1000);
    await clock.advance(900);
    far.write("x");
    await until(() => upstreamReceived() === "x", "the byte");
    await clock.advance(900);
    assertEquals(ends, []);
    await clock.advance(200);
    await upstreamEnded;
    await until(() => ended() && ends.length === 1, "its end");
    assertEquals(ends, [["idle_timeout", 1, 0]]);
  });

  test("that is refused is an answer, and the last on its connection", async () => {
    const { port, open } = await pod((socket) => socket.write(answerWith("no")));
    const answer = await send(port, { headers: websocket(), upgrade: wanted("websocket") });
    assertEquals([answer.status, answer.tunnel], [200, undefined]);
    await until(() => open() === 0, "the connection to close");
  });

  test.each([
    [["Upgrade: websocket", `Sec-WebSocket-Accept: ${ACCEPT}`]],
    [["upgrade: WebSocket", `SEC-WEBSOCKET-ACCEPT: ${ACCEPT}`, "Sec-WebSocket-Extensions: permessage-deflate"]],
  ])("to a WebSocket is answered by its key: %j", async (lines) => {
    const { port } = await pod((socket) => socket.write(switching(...lines)));
    const answer = await send(port, { headers: websocket(), upgrade: wanted("websocket") });
    assertEquals([answer.status, answer.headers.get("sec-websocket-accept")], [101, ACCEPT]);
  });

  test.each([
    ["websocket", ["Upgrade: websocket"], "Accept"],
    ["websocket", ["Upgrade: websocket", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="], "Accept"],
    ["websocket", [`Sec-WebSocket-Accept: ${ACCEPT}`], "something else"],
    ["websocket", ["Upgrade: x/1", `Sec-WebSocket-Accept: ${ACCEPT}`], "something else"],
    ["x/1, websocket", ["Upgrade: x/1, h2c"], "something else"],
    ["x/1", ["Upgrade: websocket"], "something else"],
    ["x/1", ["Upgrade: ,"], "something else"],
  ])("to %j is not answered by %j", async (protocols, lines, words) => {
    const { port, open } = await pod((socket) => socket.write(switching(...lines)));
    await failing(send(port, { headers: websocket(), upgrade: wanted(protocols) }), "invalid", words);
    await until(() => open() === 0, "the connection to close");
  });

  test("to a WebSocket without a key is never taken", async () => {
    const { port } = await pod((socket) =>
      socket.write(switching("Upgrade: websocket", `Sec-WebSocket-Accept: ${ACCEPT}`)),
    );
    await failing(send(port, { upgrade: wanted("websocket") }), "invalid", "Accept");
  });
});
