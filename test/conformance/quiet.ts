import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { type RawClient, rawClient } from "../proxy/helpers.ts";
import { gatewayTo, portOf } from "./support.ts";

/** What is silent, for how long, under which limits of the server; undefined: the defaults. */
export interface QuietOptions {
  readonly silence: number;
  /** How long the pod takes to answer the long poll. @default silence */
  readonly poll?: number;
  readonly limits?: object;
  readonly ends: (() => unknown)[];
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const ACCEPT = createHash("sha1")
  .update(KEY + GUID)
  .digest("base64");

const ASKS = {
  events: "GET /events HTTP/1.1\r\nHost: a\r\n\r\n",
  poll: "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n",
  websocket: `GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  upload: "POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
} as const;
const OPENING = {
  events: "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
  poll: "",
  websocket: `HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
  upload: "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
} as const;
const SAYING = {
  events: "8\r\ndata: 2\n\r\n",
  poll: "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npolled",
  websocket: "\x81\x02hi",
  upload: "8\r\ndata: 2\n\r\n",
} as const;
const SAID = { events: "data: 2", poll: "polled", websocket: "\x81\x02hi", upload: "data: 2" } as const;

/**
 * An event stream without an event, the answer to an upload, a long poll and a WebSocket are silent for so long, all at once: each
 * has its head before the silence, lives through it, and goes on afterwards.
 */
export async function staysQuiet({ silence, poll = silence, limits, ends }: QuietOptions): Promise<void> {
  const pipes = new Map<string, Socket>();
  let got = "";
  const pod = createServer((socket) => {
    socket.on("error", () => {});
    let first = true;
    socket.on("data", (data) => {
      const text = data.toString("latin1");
      if (!first) {
        got += text;
        return;
      }
      first = false;
      const path = /^(POST|GET) \/(\w+)/.exec(text)!;
      const kind = (path[1] === "POST" ? "upload" : path[2]) as keyof typeof ASKS;
      pipes.set(kind, socket);
      socket.write(OPENING[kind]);
    });
  });
  pod.listen(0, "127.0.0.1");
  await once(pod, "listening");
  const gateway = await gatewayTo([(pod.address() as AddressInfo).port], {
    route: { timeouts: { response: 0 } },
    ...(limits === undefined ? {} : { server: { limits } }),
  });
  ends.push(
    () => gateway.stop(),
    () => pod.close(),
  );
  const kinds = Object.keys(ASKS) as (keyof typeof ASKS)[];
  const clients: Record<string, RawClient> = {};
  for (const kind of kinds) clients[kind] = await rawClient(portOf(gateway), ASKS[kind]);
  await until(() => pipes.size === kinds.length, "all of them to reach the pod");
  for (const kind of kinds) {
    if (kind === "poll") continue;
    await until(() => clients[kind]!.received().includes("\r\n\r\n"), {
      message: `the head of ${kind} before its silence`,
      timeout: 5000,
    });
  }
  const says = async (kind: keyof typeof ASKS): Promise<void> => {
    assert(!clients[kind]!.closed(), `${kind} was closed in its silence`);
    pipes.get(kind)!.write(Buffer.from(SAYING[kind], "latin1"));
    await until(
      () => clients[kind]!.received().endsWith(SAID[kind]) || clients[kind]!.received().includes(SAID[kind]),
      {
        message: `what ${kind} says after its silence`,
        timeout: 5000,
      },
    );
  };
  await Bun.sleep(Math.min(poll, silence));
  await says("poll");
  await Bun.sleep(Math.max(0, silence - poll));
  for (const kind of kinds) if (kind !== "poll") await says(kind);
  clients.websocket!.send("\x81\x82\0\0\0\0yo");
  await until(() => got.endsWith("yo"), "the client's own message after the silence");
  // The long poll has had its answer: its connection may have been without a request for too long since.
  assertEquals(
    kinds.filter((kind) => kind !== "poll" && clients[kind]!.closed()),
    [],
  );
  for (const kind of kinds) clients[kind]!.socket.destroy();
}
