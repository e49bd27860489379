import type { BodySink, BodySource } from "../body.ts";

const encoder = new TextEncoder();

/** A piece of a stream as bytes: what middleware streams may be texts. Throws a `TypeError` for anything else. */
function pieceOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError("A piece of the body is neither bytes nor a text");
}

/** A stream of the fetch standard as a source: nothing is read from it before it is piped, or while it is paused. */
class StreamSource implements BodySource {
  readonly length: number | undefined;
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #sink: BodySink | undefined;
  #paused = false;
  #reading = false;
  #over = false;
  /** What came just after it was paused. */
  #held: { readonly done: boolean; readonly value?: unknown } | undefined;

  constructor(stream: ReadableStream<Uint8Array>, length: number | undefined) {
    this.#stream = stream;
    this.length = length;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    if (this.#over) return;
    try {
      this.#reader = this.#stream.getReader();
    } catch (error) {
      this.#over = true;
      sink.fail(error);
      return;
    }
    if (!this.#paused) void this.#read();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#reader !== undefined && !this.#reading && !this.#over) void this.#read();
  }

  cancel(reason?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#held = undefined;
    (this.#reader ?? this.#stream).cancel(reason).catch(() => {});
  }

  async #read(): Promise<void> {
    this.#reading = true;
    const sink = this.#sink!;
    const reader = this.#reader!;
    try {
      while (!this.#paused && !this.#over) {
        const next = this.#held ?? (await reader.read());
        this.#held = undefined;
        if (this.#over) break;
        if (this.#paused) {
          this.#held = next;
          break;
        }
        if (next.done) {
          this.#over = true;
          sink.end(undefined);
          break;
        }
        const bytes = pieceOf(next.value);
        if (bytes.length > 0) sink.data(bytes);
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      reader.cancel(error).catch(() => {});
      sink.fail(error);
    } finally {
      this.#reading = false;
    }
  }
}

/** A body of the fetch standard as a source. `length`: its bytes, where that is known. */
export const sourceOf = (stream: ReadableStream<Uint8Array>, length?: number): BodySource =>
  new StreamSource(stream, length);

/** A body that is on its way, whoever gave it, as a stream. */
export const streamFrom = (body: BodySource | ReadableStream<Uint8Array>): ReadableStream<Uint8Array> =>
  "getReader" in body ? body : streamOfSource(body);

/** What a source flows into: the side of a stream that its reader does not see. */
class StreamSink implements BodySink, UnderlyingDefaultSource<Uint8Array> {
  readonly #source: BodySource;
  readonly #onRead: (() => void) | undefined;
  #output: ReadableStreamDefaultController<Uint8Array> | undefined;
  #paused = false;
  #over = false;

  constructor(source: BodySource, onRead: (() => void) | undefined) {
    this.#source = source;
    this.#onRead = onRead;
  }

  /** With nothing queued ahead, this is called exactly when a reader waits for a piece. */
  pull(output: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#output === undefined) {
      this.#output = output;
      this.#onRead?.();
      this.#source.pipe(this);
    } else if (this.#paused) {
      this.#paused = false;
      this.#source.resume();
    }
  }

  cancel(reason: unknown): void {
    this.#over = true;
    this.#source.cancel(reason);
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#output!.enqueue(bytes);
    if (this.#paused || this.#output!.desiredSize! >= 0) return;
    this.#paused = true;
    this.#source.pause();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output!.close();
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#output!.error(error);
  }
}

/**
 * A source as a stream of the fetch standard, which begins to flow when it is first read; `onRead` is called just before.
 * At most one piece waits for the reader beside what the source handed over at once. Trailers are lost.
 */
export const streamOfSource = (source: BodySource, onRead?: () => void): ReadableStream<Uint8Array> =>
  new ReadableStream(new StreamSink(source, onRead), { highWaterMark: 0 });
