import type { Body, BodySink, BodySource } from "./body.ts";
import { sourceOf } from "./fetch/body.ts";
import type { Fields } from "./header-fields.ts";

/** How a body ended: whole, broken off by its source, or given up by who read it. */
export type BodyEnd = "complete" | "error" | "cancelled";

/** Follows a body on its way. */
export interface SourceWatcher {
  /** A piece passes. */
  passed(bytes: number): void;
  /** Who reads it takes no more for now, or takes more again. */
  waiting?(paused: boolean): void;
  /** It is over: called once, before its reader is notified. */
  over(how: BodyEnd): void;
}

/** A body that is seen on its way from one hand to the next: pieces, pauses and the end go through it as they are. */
export class WatchedSource implements BodySource, BodySink {
  readonly #source: BodySource;
  readonly #watcher: SourceWatcher;
  #sink: BodySink | undefined;
  #over = false;
  /** It was closed before it was read. */
  #closed = false;

  constructor(source: BodySource, watcher: SourceWatcher) {
    this.#source = source;
    this.#watcher = watcher;
  }

  get length(): number | undefined {
    return this.#source.length;
  }

  pipe(sink: BodySink): void {
    if (this.#closed) {
      sink.end(undefined);
      return;
    }
    this.#sink = sink;
    this.#source.pipe(this);
  }

  pause(): void {
    if (this.#over) return;
    this.#watcher.waiting?.(true);
    this.#source.pause();
  }

  resume(): void {
    if (this.#over) return;
    this.#watcher.waiting?.(false);
    this.#source.resume();
  }

  cancel(reason?: unknown): void {
    if (this.#end("cancelled")) this.#source.cancel(reason);
  }

  /** Ends it in peace, as if there were no more of it. */
  close(): void {
    if (!this.#end("complete")) return;
    this.#source.cancel();
    if (this.#sink === undefined) this.#closed = true;
    else this.#sink.end(undefined);
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#watcher.passed(bytes.length);
    this.#sink!.data(bytes);
  }

  end(trailers: Fields | undefined): void {
    if (this.#end("complete")) this.#sink!.end(trailers);
  }

  fail(error: unknown): void {
    if (this.#end("error")) this.#sink!.fail(error);
  }

  /** False: it was over before. */
  #end(how: BodyEnd): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#watcher.over(how);
    return true;
  }
}

/** Whether a body is there as a whole, or is none. */
export const isWhole = (body: Body): body is null | string | Uint8Array =>
  body === null || typeof body === "string" || body instanceof Uint8Array;

/** A body that is on its way, whoever gave it, as a source. */
export const bodySourceOf = (body: BodySource | ReadableStream<Uint8Array>): BodySource =>
  "getReader" in body ? sourceOf(body) : body;
