import type { Clock, Random } from "../../base/clock.ts";
import type { Dial } from "../../platform/sockets.ts";
import { isIdempotent } from "../idempotent.ts";
import type { HttpAnswer } from "../message.ts";
import type { Keepalive, OutgoingRequest, Transport } from "../transport.ts";
import type { Call, Upgrader } from "./call.ts";
import { PodConnections, type PodConnectionsOwner } from "./pod-connections.ts";
import { type Framing, writeHead } from "./request-head.ts";
import { createUpgrader } from "./upgrade.ts";

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

/** Of requests that say nothing of it. */
const UNBOUNDED: Keepalive = { requests: 0, age: 0 };
/** Of a request for a tunnel that is refused: its connection is not used again. */
const ONCE: Keepalive = { requests: 1, age: 0 };
/** How often idle connections are looked at, milliseconds. */
const SWEEP_MS = 1000;

/** Methods whose requests have a length of 0 when they have no body (RFC 9110 section 8.6). */
const ZERO_LENGTH_METHODS = new Set(["POST", "PUT", "PATCH"]);
const DIGITS = /^[0-9]{1,15}$/;

function framingOf({ method, body, headers }: OutgoingRequest): Framing {
  const length = headers.get("content-length");
  if (body === undefined) return ZERO_LENGTH_METHODS.has(method) || length === "0" ? 0 : undefined;
  if (length !== null && DIGITS.test(length)) return Number(length);
  return ("getReader" in body ? undefined : body.length) ?? "chunked";
}

/** A request and who asked for it. */
class ClientCall implements Call {
  readonly request: OutgoingRequest;
  readonly head: string;
  readonly framing: Framing;
  readonly keepalive: Keepalive;
  readonly upgrader: Upgrader | undefined;
  /** It can do no harm twice, and was not sent a second time yet. */
  repeatable: boolean;
  readonly resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #origin: PodConnections;

  constructor(
    origin: PodConnections,
    path: string,
    request: OutgoingRequest,
    upgrader: Upgrader | undefined,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    const { method, headers, expectsContinue } = request;
    const framing = framingOf(request);
    const upgrade = request.upgrade?.protocols;
    this.request = request;
    this.framing = framing;
    this.head = writeHead(method, path, headers, { authority: origin.authority, framing, upgrade, expectsContinue });
    this.keepalive = upgrader === undefined ? (request.keepalive ?? UNBOUNDED) : ONCE;
    this.upgrader = upgrader;
    this.repeatable = request.body === undefined && isIdempotent(method);
    this.resolve = resolve;
    this.#reject = reject;
    this.#origin = origin;
  }

  start(): void {
    const connection = this.upgrader === undefined ? this.#origin.take(!this.repeatable) : undefined;
    if (connection === undefined) this.#connect();
    else connection.send(this);
  }

  fail(error: unknown, untouched: boolean): void {
    if (untouched && this.repeatable) {
      this.repeatable = false;
      this.#connect();
    } else this.#reject(error);
  }

  #connect(): void {
    void this.#origin.connect(this, this.request.connectTimeout ?? 0);
  }
}

/**
 * A client for HTTP/1.1 (RFC 9112) with connections kept alive. In place of the runtime's fetch, which takes half as
 * much time again (Bun) or twice the time (Deno), decodes bodies, and goes by a forward proxy of the environment that
 * knows nothing of pods. Requests leave byte for byte as they are given, answers come as they were sent, and a
 * connection that cannot be made differs from an answer that does not come. Rejects with `UpstreamError`, or with the
 * reason of the request's controller. A request that meets a connection which its pod was closing is sent again on a
 * new one if that cannot do harm (RFC 9112 section 9.3.1).
 */
export function createHttp1Client(options: Http1ClientOptions): Http1Client {
  const { clock } = options;
  /** Each is kept from its first connection to its last: pods come and go. */
  const origins = new Map<string, PodConnections>();
  let sweeping = false;

  function sweep(): void {
    sweeping = false;
    for (const origin of [...origins.values()]) {
      origin.sweep();
      if (origin.waiting.length > 0) sweepLater();
    }
  }

  function sweepLater(): void {
    if (sweeping) return;
    sweeping = true;
    clock.after(SWEEP_MS, sweep);
  }

  const owner: PodConnectionsOwner = {
    begun: (origin) => void origins.set(origin.key, origin),
    idle: sweepLater,
    empty: (origin) => void origins.delete(origin.key),
  };

  /** `upgrader`: an upgrade is asked for, over a connection of its own, and takes that over. */
  const send = (url: string, request: OutgoingRequest, upgrader?: Upgrader): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const { controller } = request;
      if (controller.aborted) return reject(controller.reason);
      const slash = url.indexOf("/", 8);
      const key = url.slice(0, slash);
      const origin = origins.get(key) ?? new PodConnections(key, options, owner);
      new ClientCall(origin, url.slice(slash), request, upgrader, resolve, reject).start();
    });

  async function sendUpgrade(url: string, request: OutgoingRequest): Promise<HttpAnswer> {
    const upgrader = await createUpgrader(request.upgrade!, request.headers, clock);
    return await send(url, request, upgrader);
  }

  const counts = (): Http1Counts => {
    let [open, idle] = [0, 0];
    for (const origin of origins.values()) {
      open += origin.open;
      idle += origin.waiting.length;
    }
    return { origins: origins.size, open, idle };
  };
  return {
    send(url, request) {
      if (request.upgrade !== undefined) return sendUpgrade(url, request);
      return send(url, request);
    },
    dial: options.dialStream,
    stripsHopByHop: true,
    counts,
  };
}
