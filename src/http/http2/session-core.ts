import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import type { Fields } from "../header-fields.ts";
import { mayTrail } from "../trailers.ts";
import { isSendable } from "./answer-fields.ts";
import { CALM, CalmBudget } from "./calm.ts";
import { H2_ERROR, Http2ConnectionError, Http2StreamError, http2ErrorName } from "./errors.ts";
import { FrameWriter } from "./frame-writer.ts";
import { DEFAULT_WINDOW } from "./frames.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { PastStreams } from "./past-streams.ts";
import type { Http2Stream } from "./stream.ts";
import { WINDOW_STEP } from "./stream-receiver.ts";
import type { StreamSender } from "./stream-sender.ts";

/** Written and not handed to the socket yet: more leaves at once. */
const FLUSH_BYTES = 65_536;

/**
 * What an HTTP/2 connection sends and how much each side may: its windows, its streams and their turns (RFC 9113 section 5). What
 * is written in one turn of the event loop leaves in one write.
 */
export abstract class SessionCore implements SocketEvents {
  readonly writer: FrameWriter = new FrameWriter();
  readonly encoder: HpackEncoder = new HpackEncoder();
  readonly streams = new Map<number, Http2Stream>();
  protected readonly past = new PastStreams();
  protected readonly calm = new CalmBudget();
  readonly socket: StreamSocket;
  /** How often all that waited for the other side was taken. */
  drains = 0;
  /** What a stream of ours begins with. */
  initialWindow = DEFAULT_WINDOW;
  /** What the other side takes on the connection. */
  sendWindow = DEFAULT_WINDOW;
  /** Bytes of bodies that came. */
  bodyBytes = 0;
  /** The last stream that the other side opened. */
  protected lastStream = 0;
  /** Ours were acknowledged. */
  protected settingsAcked = false;
  /** Nothing is read or written any more but what waits. */
  protected over = false;
  /** GOAWAY came, or was sent: no stream begins. */
  protected leaving = false;
  /** What the other side may still send on the connection. */
  protected receiveWindow = DEFAULT_WINDOW;
  #taken = 0;
  /** Bodies that could go on if the connection's window or its socket had room. */
  readonly #waiting = new Set<StreamSender>();
  /** The socket takes no more for now. */
  #clogged = false;
  /** What is written leaves at the end of this turn. */
  protected flushing = false;
  readonly #defer: (flush: () => void) => void;
  readonly #flush = (): void => this.flush();

  /** `defer` calls a function once at the end of a turn: what is written until then leaves together. */
  constructor(socket: StreamSocket, defer: (flush: () => void) => void) {
    this.socket = socket;
    this.#defer = defer;
  }

  /** The socket takes no more for now. */
  get clogged(): boolean {
    return this.#clogged;
  }

  /** No DATA can leave for now, on any stream. */
  get cannotSend(): boolean {
    return this.#clogged || this.sendWindow <= 0 || this.over;
  }

  /** Others wait for what the connection may send. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Bytes that are held for either side. */
  get heldBytes(): number {
    let bytes = this.heldInput + this.writer.size + this.socket.waiting;
    for (const stream of this.streams.values()) bytes += stream.sender.held + (stream.receiver?.held ?? 0);
    return bytes;
  }

  abstract data(bytes: Uint8Array): void;
  abstract ended(): void;
  abstract closed(cause: Error | undefined): void;
  /** Bytes that came and wait for more. */
  protected abstract readonly heldInput: number;

  drained(): void {
    this.drains++;
    this.#clogged = false;
    this.pump();
  }

  /** Something was written: it leaves at the end of this turn. */
  wrote(): void {
    if (this.writer.size >= FLUSH_BYTES) this.flush();
    else if (!this.flushing) {
      this.flushing = true;
      this.#defer(this.#flush);
    }
  }

  /** Hands to the socket what was written. */
  flush(): void {
    this.flushing = false;
    if (this.writer.size === 0) return;
    if (this.over) this.writer.take();
    else if (!this.socket.write(this.writer.take())) this.#clogged = true;
  }

  /** So many bytes of DATA were written. */
  sent(bytes: number): void {
    this.sendWindow -= bytes;
    this.calm.earn(CALM.perData);
    this.wrote();
  }

  /** A body waits for its turn. */
  wait(sender: StreamSender): void {
    this.#waiting.add(sender);
  }

  unwait(sender: StreamSender): void {
    this.#waiting.delete(sender);
  }

  /** So many bytes that came were taken: the connection's window opens again. */
  took(bytes: number): void {
    this.#taken += bytes;
    const taken = this.#taken;
    if (taken === 0 || (taken < WINDOW_STEP && taken < this.receiveWindow) || this.over) return;
    this.#taken = 0;
    this.receiveWindow += taken;
    this.writer.windowUpdate(0, taken);
    this.wrote();
  }

  /** The other side may send so much more on a stream. */
  openWindow(stream: number, bytes: number): void {
    this.writer.windowUpdate(stream, bytes);
    this.wrote();
  }

  /** Fields behind a body, which end the stream. What may not stand there, or cannot be sent, is left out. */
  writeTrailers(stream: number, trailers: Fields): void {
    const start = this.writer.beginBlock();
    this.encoder.begin(this.writer);
    trailers.forEach((value, name) => {
      if (isSendable(name, value) && mayTrail(name)) this.encoder.line(this.writer, name, value);
    });
    this.writer.endBlock(start, stream, true);
    this.wrote();
  }

  /** Resets a stream. What of it comes on is ignored. */
  resetStream(stream: Http2Stream, code: number, error: Error): void {
    if (stream.closed) return;
    this.writer.rstStream(stream.id, code);
    this.wrote();
    this.past.reset(stream.id);
    this.lose(stream, error);
  }

  /** A stream ended both ways. */
  finish(stream: Http2Stream): void {
    stream.closed = true;
    this.streams.delete(stream.id);
    stream.onClosed();
    this.onStreamClosed();
  }

  /** A stream has ended in whatever way. */
  protected abstract onStreamClosed(): void;

  /** What comes from now on is dropped. */
  protected abstract stopReading(): void;

  /** Ends the connection for what it did wrong; anything but an `Http2ConnectionError` is a fault of ours. */
  protected breakOff(error: unknown): void {
    if (this.over) return;
    const code = error instanceof Http2ConnectionError ? error.code : H2_ERROR.internal;
    const why = error instanceof Http2ConnectionError ? error.message : "";
    this.writer.goaway(this.lastStream, code, why);
    this.stopReading();
    this.flush();
    this.over = true;
    this.loseStreams(new Http2StreamError(code, `the connection broke off: ${why || http2ErrorName(code)}`));
    this.onBroken(code, why, error);
  }

  /** GOAWAY with an error was written. */
  protected abstract onBroken(code: number, why: string, error: unknown): void;

  /** The connection is gone, and all streams with it. */
  protected loseStreams(error: Error): void {
    for (const stream of [...this.streams.values()]) this.lose(stream, error);
    this.#waiting.clear();
  }

  protected lose(stream: Http2Stream, error: Error): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    stream.sender.abort(error);
    stream.onGone(error);
    this.onStreamClosed();
  }

  /** Lets bodies go on that wait for the connection, one frame each in turn. */
  protected pump(): void {
    while (!this.cannotSend) {
      const [sender] = this.#waiting;
      if (sender === undefined) return;
      this.#waiting.delete(sender);
      if (sender.turn()) this.#waiting.add(sender);
    }
  }
}
