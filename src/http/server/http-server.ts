import type { Clock, Random } from "../../base/clock.ts";
import type { StreamHandlers } from "../../platform/listen.ts";
import type { StreamSocket } from "../../platform/sockets.ts";
import type { HeadLimits } from "../http1/read-request.ts";
import { ServerConnection } from "../http1/server-connection.ts";
import { type Refusal, ServerContext, type ServerLoad } from "../http1/server-context.ts";
import { Http2ServerConnection } from "../http2/server-connection.ts";
import type { Http2Limits, Http2ServerOptions } from "../http2/server-options.ts";
import type { ClientRequest, HttpAnswer, HttpHandler } from "../message.ts";
import { ConnectionTable } from "./connection-table.ts";
import { type Chosen, FirstBytes } from "./first-bytes.ts";
import type { KeptConnection } from "./kept-connection.ts";
import type { ServerLimits } from "./limits.ts";
import type { RefusalReason } from "./refusal-counts.ts";

/** How long what `farewell` ends has to leave, in milliseconds. */
const GOODBYE_MS = 250;

/** All limits of a server and its connections. */
export type HttpLimits = ServerLimits & HeadLimits & Pick<Http2Limits, "streams">;

export interface HttpServerOptions {
  readonly handler: HttpHandler;
  readonly limits: HttpLimits;
  /** Whether HTTP/2 is spoken beside HTTP/1. */
  readonly http2: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** The answer to a request that is refused. */
  refuse(refusal: Refusal): HttpAnswer;
  /** The handler threw, or its answer cannot be written: the answer in its stead. */
  failed(error: unknown, request: ClientRequest | undefined): HttpAnswer;
  /** Something was refused, or ended before its time. `why`: more about it, for the log. */
  onRefused(reason: RefusalReason, why?: string): void;
}

/** What a listener of sockets and its owner have of a server. */
export interface HttpServer {
  /** For a listener, with TLS or without. */
  readonly handlers: StreamHandlers;
  /** Connections that there are. */
  readonly connections: number;
  /** Bytes that are held for slow ends, when it was last looked. */
  readonly heldBytes: number;
  setLimits(limits: HttpLimits): void;
  /**
   * Closes connections without a request, makes every answer its connection's last, and resolves when the last one has
   * left; or after `timeout` milliseconds: then `farewell` is called, what it ends of the answers has a moment to leave, and
   * what is left is cut off. Its listener has to be closed before.
   */
  stop(timeout: number, farewell?: () => void): Promise<void>;
}

/** The protocols that a listener with TLS agrees on with its clients, the best first. */
export const alpnProtocols = (http2: boolean): readonly string[] => (http2 ? ["h2", "http/1.1"] : ["http/1.1"]);

class SocketServer implements HttpServer, StreamHandlers, Chosen {
  readonly handlers: StreamHandlers = this;
  #limits: HttpLimits;
  readonly #table: ConnectionTable;
  readonly #options: HttpServerOptions;
  readonly #load: ServerLoad = { requests: 0 };
  readonly #context: ServerContext;
  readonly #http2: Http2ServerOptions;

  constructor(options: HttpServerOptions) {
    const { handler, clock, random, onRefused, limits } = options;
    this.#options = options;
    this.#limits = limits;
    this.#table = new ConnectionTable(options);
    const ownLimits = (): HttpLimits => this.#limits;
    const shared = {
      handler: ((request, peer) => this.#overload(request, peer) ?? handler(request, peer)) satisfies HttpHandler,
      clock,
      load: this.#load,
      refuse: options.refuse,
      failed: options.failed,
      closed: (connection: KeptConnection): void => this.closed(connection),
    };
    this.#context = new ServerContext({
      ...shared,
      get limits() {
        return ownLimits();
      },
    });
    this.#http2 = {
      ...shared,
      get limits() {
        return ownLimits();
      },
      random,
      broken: (_connection, _code, why) => onRefused("protocol", why),
    };
  }

  get connections(): number {
    return this.#table.size;
  }

  get heldBytes(): number {
    return this.#table.heldBytes;
  }

  setLimits(limits: HttpLimits): void {
    this.#limits = limits;
    this.#table.setLimits(limits);
  }

  admits(pending: number): boolean {
    return this.#table.makeRoom(pending);
  }

  refused(error: Error): void {
    this.#options.onRefused("handshake", error.message);
  }

  connection(socket: StreamSocket): void {
    const peer = socket.peer.host;
    if (!this.#table.makeRoom(0) || !this.#table.allows(peer)) {
      socket.destroy();
      return;
    }
    const { protocol } = socket;
    if (!this.#options.http2 || protocol === "http/1.1") {
      this.#table.add(new ServerConnection(socket, this.#context), peer);
    } else if (protocol === "h2") this.#table.add(new Http2ServerConnection(socket, this.#http2), peer);
    else this.#table.add(new FirstBytes(socket, this, this.#options.clock.now), peer);
  }

  chosen(connection: FirstBytes, protocol: "http1" | "http2", first: Uint8Array): void {
    const { socket } = connection;
    const next =
      protocol === "http1"
        ? new ServerConnection(socket, this.#context)
        : new Http2ServerConnection(socket, this.#http2);
    this.#table.replace(connection, next);
    next.data(first);
  }

  closed(connection: KeptConnection): void {
    this.#table.remove(connection);
  }

  async stop(timeout: number, farewell?: () => void): Promise<void> {
    this.#table.drain();
    if (!(await this.#quietWithin(timeout)) && farewell !== undefined) {
      farewell();
      await this.#quietWithin(GOODBYE_MS);
    }
    this.#table.closeAll();
  }

  /** The answer to a request that is one too many; undefined: it is not. */
  #overload(request: ClientRequest, peer: string): HttpAnswer | undefined {
    const { requests } = this.#limits;
    const reason = this.#table.overloaded
      ? "buffer_bytes"
      : requests > 0 && this.#load.requests > requests
        ? "requests"
        : undefined;
    if (reason === undefined) return undefined;
    this.#options.onRefused(reason);
    const detail = "The gateway has too much to do";
    const { method, url } = request;
    return this.#options.refuse({
      ...{ problem: "overloaded", status: undefined, detail, peer },
      ...{ method, target: url, request: undefined },
    });
  }

  async #quietWithin(ms: number): Promise<boolean> {
    let cancel = (): void => {};
    const late = new Promise<boolean>((resolve) => {
      cancel = this.#options.clock.after(ms, () => resolve(false));
    });
    const quiet = await Promise.race([this.#table.quiet().then(() => true), late]);
    cancel();
    return quiet;
  }
}

/** Serves the connections that a listener hands over, within limits. */
export const createHttpServer = (options: HttpServerOptions): HttpServer => new SocketServer(options);
