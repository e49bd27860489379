import { inNextTurn } from "../../platform/defer.ts";
import type { StreamSocket } from "../../platform/sockets.ts";
import { Fields } from "../header-fields.ts";
import type { ConnectionPhase, ConnectionTimeout } from "../http1/connection-phase.ts";
import { CALM } from "./calm.ts";
import { H2_ERROR, Http2ConnectionError, Http2StreamError } from "./errors.ts";
import type { FieldLine } from "./field-line.ts";
import { MAX_WINDOW, SETTING } from "./frames.ts";
import { type Http2RequestHead, readRequestFields } from "./request-fields.ts";
import type { Http2ServerOptions } from "./server-options.ts";
import { ServerStream } from "./server-stream.ts";
import { Http2Session } from "./session.ts";
import type { Http2Stream } from "./stream.ts";
import { STREAM_WINDOW } from "./stream-receiver.ts";
import { webSocketFields } from "./websocket-fields.ts";

/** What a client sends first (RFC 9113 section 3.4). */
export const CLIENT_PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** A client that does not acknowledge our settings for so many milliseconds has had its time (section 6.5.3). */
const SETTINGS_MS = 10_000;
/** So long streams may still begin once it drains, where the client does not answer a PING. */
const DRAIN_MS = 1000;
/** What comes behind an error is read and dropped, that much of it: the client then gets to read why. */
const UNREAD_BYTES = 65_536;
const PING_OF_DRAIN = new TextEncoder().encode("draining");
const UNLIMITED = Number.POSITIVE_INFINITY;

/**
 * The connection of a client that speaks HTTP/2 (RFC 9113). It has no timers: who keeps it looks at `phase` and `since`, calls
 * `expire`, and `tick` about every second.
 */
export class Http2ServerConnection extends Http2Session {
  phase: ConnectionPhase = "head";
  /** Since when it is in this phase, in milliseconds since the epoch. */
  since: number;
  /** The address of its other end. */
  readonly peer: string;
  readonly options: Http2ServerOptions;
  /** Requests that came over it. */
  requests = 0;
  /** Requests whose handler has not answered yet, those given up included. */
  unanswered = 0;
  readonly #streamLimit: number;
  #preface = 0;
  readonly #opened: number;
  #ticked: number;
  /** Since when it has had no stream; 0: it has not been greeted. */
  #idleSince = 0;
  /** 0: it does not drain; else since when. */
  #draining = 0;
  #dropped = 0;
  /** Streams that are counted as under way. */
  #counted = 0;

  /** Takes over a socket, sends its settings, and begins to read. `first`: what was read of it already. */
  constructor(socket: StreamSocket, options: Http2ServerOptions, first?: Uint8Array) {
    const { limits, clock } = options;
    super(
      socket,
      {
        bytes: limits.header_bytes || UNLIMITED,
        lines: limits.headers === 0 ? UNLIMITED : LINES_PER_FIELD * limits.headers,
      },
      options.defer ?? inNextTurn,
    );
    this.options = options;
    this.peer = socket.peer.host;
    this.#streamLimit = limits.streams;
    this.#opened = this.#ticked = this.since = clock.now();
    socket.listen(this);
    this.writer.settings([
      [SETTING.maxConcurrentStreams, limits.streams],
      [SETTING.initialWindowSize, STREAM_WINDOW],
      [SETTING.enableConnectProtocol, 1],
      ...(limits.header_bytes > 0 ? [[SETTING.maxHeaderListSize, limits.header_bytes] as const] : []),
    ]);
    this.wrote();
    if (first !== undefined && first.length > 0) this.data(first);
    socket.resume();
  }

  /** Bytes that wait for the client to take them. */
  get waiting(): number {
    return this.socket.waiting;
  }

  /** It is the client's turn to send more of a body: that is asked for, and would be read. */
  get awaitsBody(): boolean {
    for (const stream of this.streams.values()) if ((stream as ServerStream).awaitsBody) return true;
    return false;
  }

  /** No stream begins from soon on, and it closes when the last one has ended (RFC 9113 section 6.8). */
  drain(): void {
    if (this.#draining !== 0 || this.over) return;
    this.#draining = this.options.clock.now();
    // Requests that are on their way are still taken: the client answers a PING once it knows.
    this.writer.goaway(MAX_WINDOW, H2_ERROR.noError);
    this.writer.ping(PING_OF_DRAIN, 0, false);
    this.wrote();
    if (this.streams.size === 0 && this.lastStream === 0) this.#lastGoaway();
  }

  /** Closes it at once, whatever is under way. Harmless when it is over. */
  close(): void {
    if (!this.over) {
      this.writer.goaway(this.lastStream, H2_ERROR.noError);
      this.flush();
    }
    this.#end(undefined, false);
  }

  /** Its time is up: it does what is due then, if it still is. */
  expire(timeout: ConnectionTimeout): void {
    const { phase } = this;
    if (timeout === "head" && phase === "head") this.close();
    else if (timeout === "keep_alive" && phase === "idle") this.close();
    else if (timeout === "body" && phase === "request") {
      for (const stream of [...this.streams.values()] as ServerStream[]) if (stream.awaitsBody) stream.stall();
    } else if (timeout === "write") this.#end(undefined, true);
    else if (timeout === "linger" && phase === "lingering") this.#end(undefined, false);
  }

  /** To be called about every second: ends what waits for too long within it. */
  tick(now: number): void {
    if (this.over) return;
    this.calm.rest((now - this.#ticked) / 1000);
    this.#ticked = now;
    if (!this.settingsAcked && now - this.#opened >= SETTINGS_MS) {
      this.breakOff(new Http2ConnectionError(H2_ERROR.settingsTimeout, "the settings were not acknowledged"));
      return;
    }
    if (this.#draining !== 0 && !this.leaving && now - this.#draining >= DRAIN_MS) this.#lastGoaway();
    for (const stream of this.streams.values()) (stream as ServerStream).look(now);
  }

  data(bytes: Uint8Array): void {
    if (this.over) {
      this.#dropped += bytes.length;
      if (this.#dropped > UNREAD_BYTES) this.#end(undefined, false);
      return;
    }
    let at = 0;
    while (this.#preface < CLIENT_PREFACE.length && at < bytes.length) {
      if (bytes[at++] === CLIENT_PREFACE[this.#preface]) this.#preface++;
      else {
        this.breakOff(new Http2ConnectionError(H2_ERROR.protocol, "the connection does not begin with its preface"));
        return;
      }
    }
    if (at < bytes.length) this.receive(at === 0 ? bytes : bytes.subarray(at));
    if (this.streams.size === 0 && !this.over) this.#rest();
  }

  /** A client that sends no more is gone, but may still read what was its last answer. */
  ended(): void {
    if (this.socket.waiting > 0) {
      if (this.phase === "idle") this.#leave();
      if (this.phase === "lingering") return;
    }
    this.#end(undefined, false);
  }

  closed(cause: Error | undefined): void {
    this.#end(cause, false);
  }

  /** A stream's request or its body is malformed (RFC 9113 section 8.1.1). */
  malformed(stream: ServerStream, what: string): void {
    this.calm.spend(CALM.perReset);
    this.resetStream(stream, H2_ERROR.protocol, new Http2StreamError(H2_ERROR.protocol, what));
  }

  /** A request was answered. */
  countAnswer(): void {
    this.calm.earn(CALM.perAnswer);
  }

  protected isIdle(id: number): boolean {
    return id % 2 === 0 || id > this.lastStream;
  }

  protected onNewStream(id: number, lines: readonly FieldLine[], complete: boolean, endStream: boolean): void {
    if (id % 2 === 0)
      throw new Http2ConnectionError(H2_ERROR.protocol, "a client opened a stream of a server's number");
    if (id <= this.lastStream) {
      if (this.past.wasPassedOver(id)) {
        throw new Http2ConnectionError(H2_ERROR.protocol, "a stream's number is lower than one that was opened");
      }
      throw new Http2ConnectionError(H2_ERROR.streamClosed, "HEADERS came on a stream that has ended");
    }
    if (id > this.lastStream + 2) this.past.passedOver(this.lastStream + 2, id - 2);
    this.lastStream = id;
    if (this.leaving || this.streams.size >= this.#streamLimit || this.unanswered >= 2 * this.#streamLimit) {
      this.calm.spend(CALM.perReset);
      this.#refuseStream(id, H2_ERROR.refusedStream);
      return;
    }
    const head = readRequestFields(lines, complete, endStream, this.options.limits);
    if (head === undefined) {
      this.calm.spend(CALM.perReset);
      this.#refuseStream(id, H2_ERROR.protocol);
      return;
    }
    this.requests++;
    if (head.problem !== undefined) {
      const stream = new ServerStream(this, id, NO_REQUEST, endStream);
      this.#add(stream);
      stream.answerRefused(head);
      return;
    }
    if (head.webSocket) webSocketFields(head.fields, this.options.random);
    const stream = new ServerStream(this, id, head, endStream);
    this.#add(stream);
    stream.begin();
  }

  protected onStreamClosed(): void {
    this.#count(this.streams.size);
    if (this.streams.size > 0 || this.over) return;
    if (this.leaving) this.#leave();
    else {
      this.#idleSince = this.options.clock.now();
      this.#rest();
    }
  }

  protected onPong(): void {
    if (this.#draining !== 0 && !this.leaving) this.#lastGoaway();
  }

  protected onGoaway(): void {
    // The client opens no more streams, and waits for those that are open.
    this.leaving = true;
    if (this.streams.size === 0) this.#leave();
  }

  protected onBroken(code: number, why: string, error: unknown): void {
    this.options.broken?.(this, code, why);
    if (!(error instanceof Http2ConnectionError)) this.options.failed(error, undefined);
    this.#linger();
  }

  /** There is no stream: it is idle, or in the middle of what may begin one. */
  #rest(): void {
    if (!this.begun || this.midway) {
      if (this.phase !== "head") this.#enter("head");
      return;
    }
    if (this.phase === "idle") return;
    this.#idleSince ||= this.options.clock.now();
    this.phase = "idle";
    // Frames that begin no stream do not keep a connection.
    this.since = this.#idleSince;
  }

  #add(stream: Http2Stream): void {
    this.streams.set(stream.id, stream);
    this.#count(this.streams.size);
    if (this.phase !== "request") this.#enter("request");
  }

  #refuseStream(id: number, code: number): void {
    this.writer.rstStream(id, code);
    this.past.reset(id);
    this.wrote();
  }

  /** From now on no stream begins. */
  #lastGoaway(): void {
    this.leaving = true;
    this.writer.goaway(this.lastStream, H2_ERROR.noError);
    this.wrote();
    if (this.streams.size === 0) this.#leave();
  }

  /** The last stream has ended. */
  #leave(): void {
    this.flush();
    this.over = true;
    this.#linger();
  }

  /** No more is sent. */
  #linger(): void {
    if (this.phase === "over") return;
    this.#enter("lingering");
    this.socket.end();
  }

  #end(cause: Error | undefined, resets: boolean): void {
    if (this.phase === "over") return;
    this.over = true;
    this.#enter("over");
    if (resets) this.socket.reset();
    else this.socket.destroy();
    this.loseStreams(cause ?? new Http2StreamError(H2_ERROR.cancel, "the connection is gone"));
    this.#count(0);
    this.options.closed(this);
  }

  #count(streams: number): void {
    const { load } = this.options;
    if (load !== undefined) load.requests += streams - this.#counted;
    this.#counted = streams;
  }

  #enter(phase: ConnectionPhase): void {
    this.phase = phase;
    this.since = this.options.clock.now();
  }
}

/** Lines are kept beyond the limit of fields: pseudo-fields are none of those, and crumbs of a cookie become one. */
const LINES_PER_FIELD = 4;
/** What is known of a request that is refused. */
const NO_REQUEST: Http2RequestHead = {
  method: "",
  path: "",
  authority: undefined,
  fields: new Fields(),
  kinds: 0,
  length: undefined,
  expectsContinue: false,
  webSocket: false,
  problem: undefined,
};
