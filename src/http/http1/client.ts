import type { AbortListener, LazyAbortController } from "../../base/abort.ts";
import type { SocketAddress } from "../../base/addresses.ts";
import type { Clock, Random } from "../../base/clock.ts";
import type { Dial } from "../../platform/sockets.ts";
import { MESSAGE_BYTES } from "../../platform/websocket.ts";
import { isIdempotent } from "../idempotent.ts";
import type { Keepalive, OutgoingRequest, RequestedTunnel, Transport } from "../transport.ts";
import { classify, UpstreamError } from "../upstream-error.ts";
import { createClientSocket } from "../websocket/client.ts";
import { beginHandshake } from "../websocket/handshake.ts";
import type { Call, ConnectionOwner } from "./call.ts";
import { Connection } from "./connection.ts";
import { type Framing, writeHead } from "./request-head.ts";

export interface Http1ClientOptions {
  /** How connections are made for `http` URLs. */
  readonly dial: Dial;
  /** The same for `https`; left out: there are none. */
  readonly dialTls?: Dial | undefined;
  /** How they are made for streams; left out: not at all. */
  readonly dialStream?: Dial | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a client holds. */
export interface Http1Counts {
  /** Addresses of which something is kept. */
  readonly origins: number;
  /** Connections, and attempts to make one. */
  readonly open: number;
  /** Connections that wait for a request. */
  readonly idle: number;
}

/** A client, and what it holds. */
export interface Http1Client extends Transport {
  counts(): Http1Counts;
}

/**
 * How long a connection is kept without a request where its pod does not say, milliseconds: less than the servers of
 * the field wait (uvicorn and Node 5 s), so that a request does not meet a connection that its pod is just closing.
 */
const IDLE_MS = 4000;
/** The same, at most, where the pod does say; it is taken at its word but for a second. */
const LONGEST_IDLE_MS = 60_000;
const IDLE_MARGIN_MS = 1000;
/**
 * A request that cannot be sent again goes over a connection that has waited for less than this, or over a new one: the
 * servers of the field that close what is idle wait for longer.
 */
const CAREFUL_MS = 100;
/** A connection is given up this much earlier at most than it might be: those made together must not all go at once. */
const JITTER = 0.2;
/** Of requests that say nothing of it. */
const UNBOUNDED: Keepalive = { requests: 0, age: 0 };
/** Of a request for a tunnel that is refused: its connection is not used again. */
const ONCE: Keepalive = { requests: 1, age: 0 };
/** How often idle connections are looked at, milliseconds. */
const SWEEP_MS = 1000;

/** Connections to one address, and those of them that wait for a request. */
class Origin implements ConnectionOwner {
  /** Scheme and authority. */
  readonly key: string;
  readonly address: SocketAddress;
  readonly dial: Dial;
  /** As `Host` names it. */
  readonly authority: string;
  /** The one used last is used next, so that those too many become idle. */
  readonly idle: Connection[] = [];
  /** Connections there are, and attempts to make one. */
  open = 0;
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  readonly #onEmpty: () => void;

  constructor(key: string, { clock, dial, dialTls }: Http1ClientOptions, onIdle: () => void, onEmpty: () => void) {
    const { hostname, port, protocol, host } = new URL(key);
    this.key = key;
    this.dial = protocol === "https:" ? (dialTls ?? noTls) : dial;
    const plain = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
    this.address = { host: plain, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
    this.authority = host;
    this.#clock = clock;
    this.#onIdle = onIdle;
    this.#onEmpty = onEmpty;
  }

  free(connection: Connection, idleSeconds: number | undefined, keepalive: Keepalive): void {
    const now = this.#clock.now();
    const { requests, age, idle } = keepalive;
    const allowed = idleSeconds === undefined ? (idle ?? IDLE_MS) : idleSeconds * 1000 - IDLE_MARGIN_MS;
    connection.since = now;
    connection.expires = now + Math.min(allowed, idle ?? LONGEST_IDLE_MS);
    if (age !== 0) connection.expires = Math.min(connection.expires, connection.made + age * connection.span);
    if (connection.expires <= now || (requests !== 0 && connection.carried >= requests * connection.span)) {
      connection.close();
      return;
    }
    this.idle.push(connection);
    this.#onIdle();
  }

  gone(connection: Connection): void {
    const at = this.idle.lastIndexOf(connection);
    if (at !== -1) this.idle.splice(at, 1);
    this.less();
  }

  /** One connection less, or one attempt. */
  less(): void {
    if (--this.open === 0) this.#onEmpty();
  }

  /** A connection that waits and is still good; `careful`: one that its pod cannot well be closing just now. */
  take(careful: boolean): Connection | undefined {
    const now = this.#clock.now();
    for (;;) {
      const connection = this.idle.at(-1);
      if (connection === undefined) return undefined;
      if (connection.expires <= now) connection.close();
      // Those below have waited longer still.
      else if (careful && now - connection.since >= CAREFUL_MS) return undefined;
      else return this.idle.pop();
    }
  }

  /** Closes those that have waited too long. */
  sweep(): void {
    const now = this.#clock.now();
    for (const connection of this.idle.filter(({ expires }) => expires <= now)) connection.close();
  }
}

const noTls: Dial = () => Promise.reject(new UpstreamError("refused", "There is no TLS to pods here"));

function framingOf({ body, headers }: OutgoingRequest): Framing {
  if (body === undefined) return undefined;
  const length = headers.get("content-length");
  return length === null || !/^[0-9]{1,15}$/.test(length) ? "chunked" : Number(length);
}

/** Methods whose requests have a length of 0 when they have no body (RFC 9110 section 8.6). */
const ZERO_LENGTH_METHODS = new Set(["POST", "PUT", "PATCH"]);

/**
 * A client for HTTP/1.1 (RFC 9112) with connections kept alive. In place of the runtime's fetch, which takes half as
 * much time again (Bun) or twice the time (Deno), decodes bodies, and goes by a forward proxy of the environment that
 * knows nothing of pods. Requests leave byte for byte as they are given, answers come as they were sent, and a
 * connection that cannot be made differs from an answer that does not come. Rejects with `UpstreamError`, or with the
 * reason of the request's controller. A request that meets a connection which its pod was closing is sent again on a
 * new one if that cannot do harm (RFC 9112 section 9.3.1).
 */
export function createHttp1Client(options: Http1ClientOptions): Http1Client {
  const { clock, random } = options;
  const origins = new Map<string, Origin>();
  let sweeping = false;

  function sweep(): void {
    sweeping = false;
    for (const origin of [...origins.values()]) {
      origin.sweep();
      if (origin.idle.length > 0) sweepLater();
    }
  }

  function sweepLater(): void {
    if (sweeping) return;
    sweeping = true;
    clock.after(SWEEP_MS, sweep);
  }

  /** It is kept from its first connection to its last: pods come and go. */
  const originOf = (key: string): Origin =>
    origins.get(key) ?? new Origin(key, options, sweepLater, () => origins.delete(key));

  async function connect(origin: Origin, call: Call, limit: number): Promise<void> {
    const { controller } = call.request;
    const dialing = new AbortController();
    const target: AbortListener = { onAbort: () => dialing.abort(controller.reason) };
    controller.target = target;
    const late = (): void =>
      dialing.abort(new UpstreamError("connect", `The connection was not made within ${limit} ms`));
    const cancel = limit === 0 ? () => {} : clock.after(limit, late);
    origins.set(origin.key, origin);
    origin.open++;
    try {
      // A tunnel outlives its request, and keeps the program from ending as a client's connection does.
      const background = call.switched === undefined;
      const socket = await origin.dial(origin.address, { signal: dialing.signal, background });
      if (controller.aborted) {
        socket.destroy();
        throw controller.reason;
      }
      const connection = new Connection(socket, origin);
      connection.made = clock.now();
      connection.span = 1 - random() * JITTER;
      connection.send(call);
    } catch (error) {
      origin.less();
      if (controller.target === target) controller.target = undefined;
      call.reject(refusal(error, controller), false);
    } finally {
      cancel();
    }
  }

  /** `switched`: an upgrade is asked for, over a connection of its own, and takes that over. */
  const send = (url: string, request: OutgoingRequest, switched?: Call["switched"]): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { method, headers, controller, connectTimeout = 0 } = request;
      if (controller.aborted) return reject(controller.reason);
      const slash = url.indexOf("/", 8);
      const origin = originOf(url.slice(0, slash));
      const framing = framingOf(request) ?? (ZERO_LENGTH_METHODS.has(method) ? 0 : undefined);
      const again = request.body === undefined && isIdempotent(method);
      const upgrades = switched !== undefined;
      const call: Call = {
        request,
        head: writeHead(method, url.slice(slash), origin.authority, headers, framing, upgrades),
        framing,
        keepalive: upgrades ? ONCE : (request.keepalive ?? UNBOUNDED),
        switched,
        resolve,
        reject(error, untouched) {
          if (untouched && again) void connect(origin, { ...call, reject }, connectTimeout);
          else reject(error);
        },
      };
      const connection = upgrades ? undefined : origin.take(!again);
      if (connection === undefined) void connect(origin, call, connectTimeout);
      else connection.send(call);
    });

  /** Asks for a WebSocket. */
  async function open(url: string, request: OutgoingRequest, tunnel: RequestedTunnel): Promise<Response> {
    const check = await beginHandshake(request.headers);
    return await send(url, request, (head, socket, rest) => {
      check(head);
      tunnel.socket = createClientSocket(socket, { clock, maxBytes: MESSAGE_BYTES, rest });
    });
  }

  const counts = (): Http1Counts => {
    let [open, idle] = [0, 0];
    for (const origin of origins.values()) {
      open += origin.open;
      idle += origin.idle.length;
    }
    return { origins: origins.size, open, idle };
  };
  return {
    send: (url, request) => (request.tunnel === undefined ? send(url, request) : open(url, request, request.tunnel)),
    dial: options.dialStream,
    stripsHopByHop: true,
    metersBodies: true,
    carriesTunnels: true,
    counts,
  };
}

/** Why no connection was made. */
function refusal(error: unknown, { aborted }: LazyAbortController): unknown {
  if (aborted || error instanceof UpstreamError) return error;
  const { message } = error as Error;
  return new UpstreamError(classify(error) === "tls" ? "tls" : "connect", message, { cause: error });
}
