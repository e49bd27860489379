import type { BodySink, BodySource } from "../body.ts";
import type { Fields } from "../header-fields.ts";

/** The connection that a body comes from, while it comes. */
export interface BodyOrigin {
  /** Its reader takes no more for now. Harmless where that is known. */
  hold(): void;
  /** It takes more. Harmless where that is known. */
  flow(): void;
  /** The rest is not wanted. */
  leave(): void;
}

/** How a body ended that has not been handed over whole. */
type Ending = { readonly error: unknown } | { readonly trailers: Fields | undefined };

/**
 * The body of an answer on its way from its connection to a sink. What comes before it is piped, or just after it was paused,
 * waits here while the connection is held. A failure does not wait.
 */
export class IncomingBody implements BodySource {
  readonly length: number | undefined;
  /** Undefined: nothing more comes of it. */
  #origin: BodyOrigin | undefined;
  #sink: BodySink | undefined;
  readonly #held: Uint8Array[] = [];
  #ending: Ending | undefined;
  #paused = false;
  #flushing = false;
  #over = false;

  /** `first`: what is there already. */
  constructor(origin: BodyOrigin, length: number | undefined, first: Uint8Array | undefined) {
    this.#origin = origin;
    this.length = length;
    if (first !== undefined) this.#held.push(first);
  }

  pipe(sink: BodySink): void {
    if (this.#over) return;
    this.#sink = sink;
    if (!this.#paused) this.#flush();
  }

  pause(): void {
    if (this.#over) return;
    this.#paused = true;
    this.#origin?.hold();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#sink !== undefined) this.#flush();
  }

  cancel(): void {
    if (this.#over) return;
    const origin = this.#origin;
    this.#finish();
    origin?.leave();
  }

  /** The connection has a piece. */
  take(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#sink !== undefined && !this.#paused && !this.#flushing) {
      this.#sink.data(bytes);
      return;
    }
    this.#held.push(bytes);
    this.#origin?.hold();
  }

  /** It is whole: the connection is done with it. */
  complete(trailers: Fields | undefined): void {
    if (this.#over) return;
    this.#origin = undefined;
    this.#ending = { trailers };
    if (this.#sink !== undefined && !this.#paused) this.#flush();
  }

  /** It broke off. */
  break(error: unknown): void {
    if (this.#over) return;
    this.#origin = undefined;
    this.#ending = { error };
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#finish();
    sink.fail(error);
  }

  /** Hands over what waits, then the end if it is there. */
  #flush(): void {
    if (this.#flushing) return;
    const sink = this.#sink!;
    this.#flushing = true;
    while (this.#held.length > 0 && !this.#paused && !this.#over) sink.data(this.#held.shift()!);
    this.#flushing = false;
    if (this.#paused || this.#over) return;
    const ending = this.#ending;
    if (ending === undefined) {
      this.#origin?.flow();
      return;
    }
    this.#finish();
    if ("error" in ending) sink.fail(ending.error);
    else sink.end(ending.trailers);
  }

  #finish(): void {
    this.#over = true;
    this.#held.length = 0;
    this.#origin = undefined;
    this.#sink = undefined;
  }
}
