import type { BodySink, BodySource } from "../body.ts";
import type { RequestBodyError } from "../request-body-error.ts";
import { allowedTrailers } from "../trailers.ts";
import type { Chunks } from "./chunks.ts";
import { HeldBytes } from "./held-bytes.ts";

/** So much of what is not wanted yet, or never will be, is read. */
export const UNWANTED_BYTES = 65_536;

/** The connection that a body comes on. */
export interface BodyOwner {
  /** Whether the body takes what comes may have changed. */
  flow(): void;
}

/** The body of a request, from the connection that it comes on to the sink that it flows into. */
export class RequestBody implements BodySource {
  readonly length: number | undefined;
  /** Bytes of it that came. */
  received = 0;
  /** All of it came; it may not have been handed over. */
  whole = false;
  /** The client sends it: false while it waits for an interim answer (RFC 9110 section 10.1.1). */
  expected: boolean;
  /** Bytes that came when they were not wanted any more. */
  unwanted = 0;
  readonly #owner: BodyOwner;
  readonly #chunks: Chunks | undefined;
  #sink: BodySink | undefined = undefined;
  #held: HeldBytes | undefined = undefined;
  #paused = false;
  /** Nothing more is handed over. */
  #over = false;
  #error: RequestBodyError | undefined = undefined;

  constructor(framing: number | Chunks, owner: BodyOwner, expected: boolean) {
    this.length = typeof framing === "number" ? framing : undefined;
    this.#chunks = typeof framing === "number" ? undefined : framing;
    this.#owner = owner;
    this.expected = expected;
  }

  /** Who asked for it still waits for more of it. */
  get wanted(): boolean {
    return this.#sink !== undefined && !this.#over;
  }

  /** No more of it may be read for now. */
  get full(): boolean {
    if (this.#over) return this.unwanted >= UNWANTED_BYTES;
    return this.#paused || (this.#held !== undefined && this.#held.size >= UNWANTED_BYTES);
  }

  /** It is the client's turn to send more of it. */
  get awaited(): boolean {
    return this.expected && !this.whole && !this.full;
  }

  /** The rest, if any, will have been read soon, and the next request is found behind it. */
  get skippable(): boolean {
    if (this.whole) return true;
    if (!this.expected) return false;
    if (this.wanted) return true;
    return this.length !== undefined && this.length - this.received <= UNWANTED_BYTES - this.unwanted;
  }

  get heldBytes(): number {
    return this.#held === undefined ? 0 : this.#held.size;
  }

  /** Takes what came: gives back how many bytes of it belong to the body. Throws `RequestBodyError`. */
  take(bytes: Uint8Array): number {
    this.expected = true;
    if (this.#chunks === undefined) {
      const taken = Math.min(bytes.length, this.length! - this.received);
      this.received += taken;
      this.whole = this.received === this.length;
      this.#give(taken === bytes.length ? bytes : bytes.subarray(0, taken));
      return taken;
    }
    const taken = this.#chunks.take(bytes);
    const { body } = this.#chunks;
    this.whole = this.#chunks.over;
    if (body === undefined) this.#flush();
    else {
      this.received += body.length;
      this.#give(body);
    }
    return taken;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    if (this.#error !== undefined) sink.fail(this.#error);
    this.#flush();
    this.#owner.flow();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#owner.flow();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flush();
    this.#owner.flow();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.unwanted = this.heldBytes;
    this.#held = undefined;
    this.#owner.flow();
  }

  /** It breaks off, unless it was handed over whole. */
  fail(error: RequestBodyError): void {
    if (this.#over) return;
    this.#over = true;
    this.#held = undefined;
    this.#error = error;
    this.#sink?.fail(error);
  }

  #give(bytes: Uint8Array): void {
    if (this.#over) {
      this.unwanted += bytes.length;
      return;
    }
    if (this.#held !== undefined) this.#held.add(bytes);
    else if (this.#sink === undefined || this.#paused) this.#held = new HeldBytes(bytes);
    else this.#sink.data(bytes);
    this.#flush();
  }

  /** Hands over what is there, as far as the sink takes it. */
  #flush(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#paused || this.#over) return;
    const held = this.#held;
    if (held !== undefined) {
      this.#held = undefined;
      sink.data(held.take());
      // The sink may have paused or left meanwhile.
      if (this.#paused || this.#over || this.#held !== undefined) return;
    }
    if (!this.whole) return;
    this.#over = true;
    sink.end(allowedTrailers(this.#chunks?.trailers));
  }
}
