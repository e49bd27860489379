import type { Fields } from "./header-fields.ts";

/** Takes a body, piece by piece. None of its functions throws. */
export interface BodySink {
  /** A piece, never empty: the sink's to keep. One that takes no more for now pauses the source. */
  data(bytes: Uint8Array): void;
  /** The body is whole. `trailers`: the fields behind it (RFC 9110 section 6.5); undefined: there are none. */
  end(trailers: Fields | undefined): void;
  /** It broke off: nothing follows. */
  fail(error: unknown): void;
}

/**
 * A body on its way from a connection, which flows into one sink. Between `pipe` and the end the sink gets what is there at once, be
 * it within `pipe` itself; a source that is paused hands over nothing and lets its sender wait (TCP, HTTP/2 flow control).
 */
export interface BodySource {
  /** Bytes, where that is known before it came. */
  readonly length: number | undefined;
  /** Begins to flow. Once; what came before waits with the source. */
  pipe(sink: BodySink): void;
  pause(): void;
  resume(): void;
  /** The rest is not wanted: nothing more is handed over. Harmless once it is over. */
  cancel(reason?: unknown): void;
}

/** A body: none, bytes that are there, one on its way, or one that the fetch standard gave. A text is in UTF-8. */
export type Body = null | Uint8Array | string | BodySource | ReadableStream<Uint8Array>;
