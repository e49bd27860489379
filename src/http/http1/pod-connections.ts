import type { AbortListener, LazyAbortController } from "../../base/abort.ts";
import type { SocketAddress } from "../../base/addresses.ts";
import type { Clock, Random } from "../../base/clock.ts";
import type { Dial } from "../../platform/sockets.ts";
import type { Keepalive } from "../transport.ts";
import { classify, UpstreamError } from "../upstream-error.ts";
import type { Call, ConnectionOwner } from "./call.ts";
import { Connection } from "./connection.ts";

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

/** What the connections of a client share. */
export interface PodConnectionsOptions {
  readonly dial: Dial;
  readonly dialTls?: Dial | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who keeps the connections of each address. */
export interface PodConnectionsOwner {
  /** There is a connection or an attempt to make one: it is to be kept. */
  begun(origin: PodConnections): void;
  /** One of its connections waits for a request. */
  idle(): void;
  /** Nothing is left of it. */
  empty(origin: PodConnections): void;
}

const noTls: Dial = () => Promise.reject(new UpstreamError("refused", "There is no TLS to pods here"));

/** Connections to one address, and those of them that wait for a request. */
export class PodConnections implements ConnectionOwner {
  /** Scheme and authority. */
  readonly key: string;
  readonly address: SocketAddress;
  /** As `Host` names it. */
  readonly authority: string;
  /** The one used last is used next, so that those too many become idle. */
  readonly waiting: Connection[] = [];
  /** Connections there are, and attempts to make one. */
  open = 0;
  readonly #dial: Dial;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #owner: PodConnectionsOwner;

  constructor(key: string, { clock, random, dial, dialTls }: PodConnectionsOptions, owner: PodConnectionsOwner) {
    const { hostname, port, protocol, host } = new URL(key);
    this.key = key;
    this.#dial = protocol === "https:" ? (dialTls ?? noTls) : dial;
    const plain = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
    this.address = { host: plain, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
    this.authority = host;
    this.#clock = clock;
    this.#random = random;
    this.#owner = owner;
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
    this.waiting.push(connection);
    this.#owner.idle();
  }

  gone(connection: Connection): void {
    const at = this.waiting.lastIndexOf(connection);
    if (at !== -1) this.waiting.splice(at, 1);
    this.#less();
  }

  /** One connection less, or one attempt. */
  #less(): void {
    if (--this.open === 0) this.#owner.empty(this);
  }

  /** A connection that waits and is still good; `careful`: one that its pod cannot well be closing just now. */
  take(careful: boolean): Connection | undefined {
    const now = this.#clock.now();
    for (;;) {
      const connection = this.waiting.at(-1);
      if (connection === undefined) return undefined;
      if (connection.expires <= now) connection.close();
      // Those below have waited longer still.
      else if (careful && now - connection.since >= CAREFUL_MS) return undefined;
      else return this.waiting.pop();
    }
  }

  /** Closes those that have waited too long. */
  sweep(): void {
    const now = this.#clock.now();
    for (const connection of this.waiting.filter(({ expires }) => expires <= now)) connection.close();
  }

  /** Sends a call over a connection of its own. `limit`: milliseconds to make it; 0: as long as it takes. */
  async connect(call: Call, limit: number): Promise<void> {
    const { controller } = call.request;
    const dialing = new AbortController();
    const target: AbortListener = { onAbort: () => dialing.abort(controller.reason) };
    controller.target = target;
    const late = (): void =>
      dialing.abort(new UpstreamError("connect", `The connection was not made within ${limit} ms`));
    const cancel = limit === 0 ? () => {} : this.#clock.after(limit, late);
    this.#owner.begun(this);
    this.open++;
    try {
      // A tunnel outlives its request, and keeps the program from ending as a client's connection does.
      const background = call.upgrader === undefined;
      const socket = await this.#dial(this.address, { signal: dialing.signal, background });
      if (controller.aborted) {
        socket.destroy();
        throw controller.reason;
      }
      const connection = new Connection(socket, this);
      connection.made = this.#clock.now();
      connection.span = 1 - this.#random() * JITTER;
      connection.send(call);
    } catch (error) {
      this.#less();
      if (controller.target === target) controller.target = undefined;
      call.fail(refusal(error, controller), false);
    } finally {
      cancel();
    }
  }
}

/** Why no connection was made. */
function refusal(error: unknown, { aborted }: LazyAbortController): unknown {
  if (aborted || error instanceof UpstreamError) return error;
  const { message } = error as Error;
  return new UpstreamError(classify(error) === "tls" ? "tls" : "connect", message, { cause: error });
}
