import type { BodySink, BodySource } from "../body.ts";
import type { Fields } from "../header-fields.ts";
import { FRAME_BYTES } from "./frames.ts";
import type { SessionCore } from "./session-core.ts";
import type { Http2Stream } from "./stream.ts";

/** Room that is made at once for a body, and for the heads of its frames. */
const ROOM_BYTES = 4 * FRAME_BYTES;
const HEADS_BYTES = 64;

/**
 * The body that goes out on a stream: as much at once as both windows and the socket allow (RFC 9113 section 5.2). While
 * any of it waits, its source is paused.
 */
export class StreamSender implements BodySink {
  readonly #session: SessionCore;
  readonly #stream: Http2Stream;
  /** What the other side takes on this stream. */
  window: number;
  sentBytes = 0;
  #source: BodySource | undefined = undefined;
  #paused = false;
  #queue: Uint8Array[] | undefined = undefined;
  #queued = 0;
  #ended = false;
  #trailers: Fields | undefined = undefined;
  #over = false;
  /** Bytes that are missing, of a body whose length was said. */
  #missing = Number.POSITIVE_INFINITY;
  /** The last DATA frame. */
  #mark = -1;

  constructor(session: SessionCore, stream: Http2Stream) {
    this.#session = session;
    this.#stream = stream;
    this.window = session.initialWindow;
  }

  /** Bytes that wait for a window or the socket. */
  get held(): number {
    return this.#queued;
  }

  /** Whether the source is made to wait by the other side. */
  get stalled(): boolean {
    return this.#paused || this.#queued > 0;
  }

  /**
   * Sends a body; the stream ends with it. Where nothing of it could leave, it does not begin to flow. `length`: of the body,
   * as was said: one of another never ends well.
   */
  send(source: BodySource, length: number | undefined): void {
    this.#source = source;
    if (length !== undefined) this.#missing = length;
    if (this.window <= 0 || this.#session.cannotSend) this.#stall();
    source.pipe(this);
  }

  data(bytes: Uint8Array): void {
    if (this.#over || this.#ended) return;
    this.#missing -= bytes.length;
    if (this.#missing < 0) {
      this.#stream.sourceFailed();
      return;
    }
    if (this.#queue !== undefined) {
      this.#queue.push(bytes);
      this.#queued += bytes.length;
      return;
    }
    // Others that wait for the same window have their turn first.
    const sent = this.#session.hasWaiting ? 0 : this.#write(bytes, bytes.length);
    if (sent === bytes.length) return;
    this.#queue = [sent === 0 ? bytes : bytes.subarray(sent)];
    this.#queued = bytes.length - sent;
    this.#stall();
  }

  end(trailers: Fields | undefined): void {
    if (this.#over || this.#ended) return;
    if (this.#missing > 0 && this.#missing !== Number.POSITIVE_INFINITY) {
      this.#stream.sourceFailed();
      return;
    }
    this.#ended = true;
    this.#trailers = trailers;
    this.#source = undefined;
    if (this.#queue === undefined) this.#finish();
  }

  fail(_error: unknown): void {
    if (this.#over || this.#ended) return;
    this.#source = undefined;
    this.#stream.sourceFailed();
  }

  /** The stream is gone: what waits is dropped, and its source is not wanted any more. */
  abort(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = undefined;
    this.#queued = 0;
    this.#session.unwait(this);
    const source = this.#source;
    this.#source = undefined;
    source?.cancel(reason);
  }

  /** The other side takes so much more. False: more than a window can be (RFC 9113 section 6.9.1). */
  open(bytes: number): boolean {
    this.window += bytes;
    if (this.window > 0x7fff_ffff) return false;
    if (this.window > 0 && this.stalled) this.#session.wait(this);
    return true;
  }

  /** Its turn: sends one frame at most. Returns whether more of it could leave if the connection had room. */
  turn(): boolean {
    if (this.window <= 0) return false;
    const queue = this.#queue;
    if (queue !== undefined) {
      const first = queue[0]!;
      const sent = this.#write(first, FRAME_BYTES);
      if (sent === 0) return true;
      this.#queued -= sent;
      if (sent < first.length) queue[0] = first.subarray(sent);
      else queue.shift();
      if (queue.length > 0) return this.window > 0;
      this.#queue = undefined;
      if (this.#ended) {
        this.#finish();
        return false;
      }
    }
    if (this.#paused) {
      this.#paused = false;
      this.#source?.resume();
      this.#stream.drained();
    }
    return this.#queue !== undefined && this.window > 0;
  }

  /** Writes at most so many of the bytes. Returns how many could leave. */
  #write(bytes: Uint8Array, most: number): number {
    const session = this.#session;
    let at = 0;
    // Room for all that leaves in one write: growing bit by bit would copy it several times.
    session.writer.reserve(Math.min(bytes.length, most, this.window, session.sendWindow, ROOM_BYTES) + HEADS_BYTES);
    while (at < bytes.length && at < most && !session.cannotSend) {
      const size = Math.min(bytes.length - at, FRAME_BYTES, this.window, session.sendWindow);
      if (size <= 0) break;
      this.#mark = session.writer.data(this.#stream.id, bytes, at, at + size, false);
      this.window -= size;
      this.sentBytes += size;
      session.sent(size);
      at += size;
    }
    return at;
  }

  #finish(): void {
    this.#over = true;
    const session = this.#session;
    if (this.#trailers !== undefined && this.#trailers.size > 0) session.writeTrailers(this.#stream.id, this.#trailers);
    else session.writer.endData(this.#stream.id, this.#mark);
    session.wrote();
    this.#stream.sentAll();
  }

  /** Waits, for its own window or its turn on the connection. */
  #stall(): void {
    if (this.window > 0) this.#session.wait(this);
    if (this.#paused) return;
    this.#paused = true;
    this.#source?.pause();
  }
}
