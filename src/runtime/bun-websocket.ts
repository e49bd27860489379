import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { systemClock } from "../clock.ts";
import { type ByteStream, createClientSocket } from "../proxy/websocket-client.ts";
import {
  type Handshake,
  MESSAGE_BYTES,
  type MessageSocket,
  type SocketEvents,
  type Upgrade,
  type UpstreamConnect,
} from "../proxy/websocket-types.ts";

/** What completes a key (RFC 6455 section 1.3). */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Bytes waiting to be written over which the other side is paused. */
const HIGH_WATER = 256 * 1024;

/** A quiet connection is probed after this many milliseconds: a pod that vanished sends no goodbye. */
const KEEP_ALIVE_MS = 30_000;

/** A client silent for this many seconds, answering no ping either, is gone. */
const CLIENT_SILENCE_S = 120;

/** Statuses whose answers have no body: a Response with one cannot be made. */
const BODILESS = new Set([204, 205, 304]);

/** What came is not an answer to a handshake. Named as Bun's fetch names what it cannot read. */
const invalid = (message: string): Error => Object.assign(new Error(message), { code: "InvalidHTTPResponse" });

function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  const { rawHeaders } = message;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  return headers;
}

/** A refusal, as the answer it is. */
function refusalOf(message: IncomingMessage): Response {
  const status = message.statusCode!;
  const init = { status, statusText: message.statusMessage ?? "", headers: headersOf(message) };
  if (BODILESS.has(status)) {
    message.resume();
    return new Response(null, init);
  }
  return new Response(Readable.toWeb(message) as unknown as ReadableStream<Uint8Array>, init);
}

/** Why a 101 is none for us (RFC 6455 section 4.1); undefined: it is right. */
function faultOf(headers: Headers, key: string): string | undefined {
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return "the upstream switched to something else";
  const accept = createHash("sha1")
    .update(key + KEY_SUFFIX)
    .digest("base64");
  if (headers.get("sec-websocket-accept") !== accept) return "the upstream's Sec-WebSocket-Accept is wrong";
  // None was offered.
  return headers.has("sec-websocket-extensions") ? "the upstream chose an extension that was not offered" : undefined;
}

/** A connection after its handshake; `head` is what came with that. */
function streamOf(socket: Socket, head: Uint8Array): ByteStream {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // Told by `close`, which follows.
  socket.on("error", () => {});
  return {
    listen(events) {
      socket.on("close", events.ended);
      socket.on("end", () => socket.destroy());
      socket.on("drain", events.drained);
      if (head.byteLength > 0) events.data(head);
      socket.on("data", events.data);
      if (socket.destroyed) events.ended();
    },
    write: (bytes) => socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}

/**
 * WebSockets to upstreams on Bun, by node:http: Bun's own WebSocket client tells neither an upstream's refusal nor when
 * what was sent has left. Each has a connection of its own; no extension is offered. `tls` is what a TLS connection is
 * made with.
 */
export function upstreamConnect(tls: (host: string) => RequestOptions): UpstreamConnect {
  return (url, init) => {
    const { protocol, hostname, port, pathname, search } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, "");
    const key = randomBytes(16).toString("base64");
    const headers = {
      ...Object.fromEntries(init.headers),
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
    };
    const secure = protocol === "https:";
    const options: RequestOptions = {
      host,
      port: port === "" ? (secure ? 443 : 80) : port,
      path: pathname + search,
      headers,
      agent: false,
      signal: init.signal,
      ...(secure ? tls(host) : undefined),
    };
    return new Promise<Handshake>((resolve, reject) => {
      const request = secure ? httpsRequest(options) : httpRequest(options);
      request.on("error", reject);
      request.on("response", (message) => resolve({ response: refusalOf(message), socket: undefined }));
      request.on("upgrade", (message, socket, head) => {
        const answered = headersOf(message);
        const fault = faultOf(answered, key);
        if (fault !== undefined) {
          socket.destroy();
          reject(invalid(fault));
          return;
        }
        const stream = streamOf(socket as Socket, head);
        resolve({
          response: new Response(null, { status: 101, headers: answered }),
          socket: createClientSocket(stream, { clock: systemClock, maxBytes: MESSAGE_BYTES }),
        });
      });
      request.end();
    });
  };
}

/** What Bun's server keeps with each WebSocket. */
export interface ServerSocketData {
  socket: Bun.ServerWebSocket<ServerSocketData> | undefined;
  events: SocketEvents | undefined;
  /** It takes no more for now. */
  full: boolean;
}

/** A server's WebSockets: what `Bun.serve` is to be given, and what it does for the gateway. */
export interface ServerSockets {
  readonly handlers: Bun.WebSocketHandler<ServerSocketData>;
  /** The upgrade of that server. */
  upgradeOn(server: () => Bun.Server<ServerSocketData>): Upgrade;
  /** Closes all that are open, as going away (RFC 6455 section 7.4.1). */
  closeAll(): void;
}

/** The client's end, as Bun's server has it. */
function messageSocket(data: ServerSocketData): MessageSocket {
  const socket = data.socket!;
  return {
    listen(events) {
      data.events = events;
    },
    send(message) {
      if (typeof message === "string") socket.sendText(message);
      else socket.sendBinary(message);
      data.full = socket.getBufferedAmount() > HIGH_WATER;
      return !data.full;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close(code, reason) {
      data.events = undefined;
      socket.close(code, reason);
    },
    terminate() {
      data.events = undefined;
      socket.terminate();
    },
  };
}

/** Makes the WebSocket side of one server. */
export function createServerSockets(): ServerSockets {
  const open = new Set<Bun.ServerWebSocket<ServerSocketData>>();
  return {
    handlers: {
      maxPayloadLength: MESSAGE_BYTES,
      // Nothing is dropped: a client that does not keep up makes its upstream wait.
      backpressureLimit: 0,
      idleTimeout: CLIENT_SILENCE_S,
      perMessageDeflate: false,
      open(socket) {
        socket.data.socket = socket;
        open.add(socket);
      },
      message(socket, message) {
        const size = typeof message === "string" ? Buffer.byteLength(message) : message.byteLength;
        socket.data.events?.message(message, size);
      },
      ping: (socket) => socket.data.events?.pinged(),
      drain(socket) {
        const { data } = socket;
        if (!data.full || socket.getBufferedAmount() > 0) return;
        data.full = false;
        data.events?.drained();
      },
      close(socket, code, reason) {
        open.delete(socket);
        const { events } = socket.data;
        socket.data.events = undefined;
        events?.closed(code, reason);
      },
    },
    upgradeOn: (server) => (request, headers) => {
      // Without one of its own Bun would choose the first that the client offers.
      if (!headers.has("sec-websocket-protocol")) headers.set("sec-websocket-protocol", "");
      const data: ServerSocketData = { socket: undefined, events: undefined, full: false };
      if (!server().upgrade(request, { headers, data }) || data.socket === undefined) return undefined;
      return { response: new Response(null, { status: 101 }), socket: messageSocket(data) };
    },
    closeAll() {
      for (const socket of open) socket.close(1001, "The gateway is stopping");
    },
  };
}
