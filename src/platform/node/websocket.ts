import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { systemClock } from "../../base/clock.ts";
import { type ByteStream, createClientSocket } from "../../http/websocket/client.ts";
import { type Handshake, MESSAGE_BYTES, type UpstreamConnect } from "../websocket.ts";
import { KEEP_ALIVE_MS } from "./streams.ts";

/** What completes a key (RFC 6455 section 1.3). */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Statuses whose answers have no body: a Response with one cannot be made. */
const BODILESS = new Set([204, 205, 304]);

/** What came is not an answer to a handshake. Named as Bun's fetch names what it cannot read. */
const invalid = (message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code: "InvalidHTTPResponse" });

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

/** The upstream agreed. Throws where what it said is no answer to this handshake. */
function accepted(message: IncomingMessage, socket: Socket, head: Uint8Array, key: string): Handshake {
  const headers = headersOf(message);
  const fault = faultOf(headers, key);
  if (fault !== undefined) throw new Error(fault);
  return {
    response: new Response(null, { status: 101, headers }),
    socket: createClientSocket(streamOf(socket, head), { clock: systemClock, maxBytes: MESSAGE_BYTES }),
  };
}

/**
 * WebSockets to upstreams by node:http: the runtimes' own WebSocket clients tell neither an upstream's refusal nor when
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
      signal: init.canceller.signal,
      ...(secure ? tls(host) : undefined),
    };
    return new Promise<Handshake>((resolve, reject) => {
      const request = secure ? httpsRequest(options) : httpRequest(options);
      request.on("error", reject);
      /** An answer that cannot even be told as one (its status, its fields) must not end the process. */
      const settle = (connection: Socket, make: () => Handshake): void => {
        try {
          resolve(make());
        } catch (error) {
          connection.destroy();
          reject(invalid((error as Error).message, error));
        }
      };
      request.on("response", (message) =>
        settle(message.socket, () => ({ response: refusalOf(message), socket: undefined })),
      );
      request.on("upgrade", (message, socket, head) =>
        settle(socket as Socket, () => accepted(message, socket as Socket, head, key)),
      );
      request.end();
    });
  };
}
