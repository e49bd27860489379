import type { BodySink, BodySource } from "../body.ts";
import type { Fields } from "../header-fields.ts";
import { HeldBytes } from "../http1/held-bytes.ts";
import { H2_ERROR } from "./errors.ts";
import type { SessionCore } from "./session-core.ts";

/**
 * What the other side may send on a stream beyond what was taken, announced as SETTINGS_INITIAL_WINDOW_SIZE: half of a
 * connection's, so that one stream whose reader takes nothing does not hold up the others.
 */
export const STREAM_WINDOW = 32_768;
/** Window that is given back goes together, for this many bytes at least: a frame for each piece would cost more. */
export const WINDOW_STEP = 16_384;

/**
 * The body that comes on a stream. Its window opens only as its sink takes what came (RFC 9113 section 5.2), so no more than
 * `STREAM_WINDOW` bytes of it wait here.
 */
export class StreamReceiver implements BodySource {
  readonly length: number | undefined;
  readonly #session: SessionCore;
  readonly #stream: number;
  #sink: BodySink | undefined = undefined;
  #paused = false;
  #held: HeldBytes | undefined = undefined;
  #ended = false;
  #trailers: Fields | undefined = undefined;
  /** It is over for the sink: it had its end, or wants no more. */
  #over = false;
  #failure: unknown = undefined;
  #window = STREAM_WINDOW;
  /** Bytes taken whose window was not given back yet, of the stream and of the connection. */
  #taken = 0;
  #owed = 0;
  /** Bytes that came. */
  #came = 0;

  /** `length`: what `content-length` says; the body then has as many bytes, or it fails. */
  constructor(session: SessionCore, stream: number, length: number | undefined) {
    this.#session = session;
    this.#stream = stream;
    this.length = length;
  }

  /** Bytes that wait for the sink. */
  get held(): number {
    return this.#held?.size ?? 0;
  }

  /** It was handed over whole, or is not wanted any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Bytes that came so far. */
  get received(): number {
    return this.#came;
  }

  /** Whether it would take more at once: a body that does not come is then its sender's fault. */
  get ready(): boolean {
    return !(this.#paused || this.#ended || this.#over || this.#sink === undefined);
  }

  /** A DATA frame of `flow` bytes with its padding. Returns 0, or the error that ends its stream. */
  receive(bytes: Uint8Array, start: number, end: number, flow: number): number {
    const size = end - start;
    if (flow > this.#window) {
      this.#session.took(flow);
      return H2_ERROR.flowControl;
    }
    this.#window -= flow;
    this.#came += size;
    if (this.length !== undefined && this.#came > this.length) {
      this.#session.took(flow);
      return H2_ERROR.protocol;
    }
    if (this.#over) {
      this.#session.took(flow);
      return 0;
    }
    // Padding is taken as it comes.
    this.#taken += flow - size;
    this.#owed += flow - size;
    if (size === 0) {
      if (!this.#paused) this.#giveBack();
      return 0;
    }
    const piece = size === bytes.length ? bytes : bytes.subarray(start, end);
    if (this.#held !== undefined) this.#held.add(piece);
    else if (this.#paused || this.#sink === undefined) this.#held = new HeldBytes(piece);
    else this.#hand(piece);
    return 0;
  }

  /** END_STREAM came. Returns 0, or the error that ends its stream: `content-length` said something else. */
  finish(trailers: Fields | undefined): number {
    if (this.length !== undefined && this.#came !== this.length) return H2_ERROR.protocol;
    this.#ended = true;
    this.#trailers = trailers;
    this.#flow();
    return 0;
  }

  /** It breaks off: what waits is dropped. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#drop();
    this.#failure = error;
    this.#sink?.fail(error);
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    if (this.#failure !== undefined) sink.fail(this.#failure);
    else this.#flow();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow();
  }

  cancel(): void {
    if (!this.#over) this.#drop();
  }

  #drop(): void {
    this.#over = true;
    const size = this.held + this.#owed;
    this.#held = undefined;
    this.#owed = 0;
    if (size > 0) this.#session.took(size);
  }

  /** Hands over what is there, as long as the sink takes it. */
  #flow(): void {
    if (this.#over || this.#paused || this.#sink === undefined) return;
    const held = this.#held;
    if (held !== undefined) {
      this.#held = undefined;
      this.#hand(held.take());
    } else this.#giveBack();
    if (!this.#ended || this.#over || this.#paused) return;
    this.#over = true;
    this.#sink.end(this.#trailers);
  }

  #hand(piece: Uint8Array): void {
    this.#taken += piece.length;
    this.#owed += piece.length;
    this.#sink!.data(piece);
    // One that takes no more for now has it in its own hands: more would only wait there.
    if (!this.#paused) this.#giveBack();
  }

  #giveBack(): void {
    const owed = this.#owed;
    if (owed > 0) {
      this.#owed = 0;
      this.#session.took(owed);
    }
    const bytes = this.#taken;
    if (bytes === 0 || this.#ended || this.#over) return;
    if (bytes < WINDOW_STEP && bytes < this.#window) return;
    this.#taken = 0;
    this.#window += bytes;
    this.#session.openWindow(this.#stream, bytes);
  }
}
