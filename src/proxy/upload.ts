import type { BodySink, BodySource } from "../http/body.ts";
import { passedTrailers } from "../http/client-fields.ts";
import type { Fields } from "../http/header-fields.ts";

/** What an upload is held to. */
export interface UploadRules {
  /** Bytes; 0: no limit. */
  readonly limit: number;
  /** Bytes a second that the client sends at least while the gateway waits for them; 0: no limit. */
  readonly rate: number;
  /** How long the gateway has to have waited for fewer, milliseconds. */
  readonly window: number;
  now(): number;
}

/** Who an upload belongs to. */
export interface UploadOwner {
  /** Something of the body came, be it its end: the pod's time begins now. */
  handedOver(now: number): void;
  /** The body is larger than it may be. */
  tooLarge(): void;
}

/** Bytes of a body that are kept until its answer's head: as long as all that came is kept it can be sent again. */
export const KEPT_BYTES = 65_536;

/**
 * The body of a request on its way to a pod, and to another one where the first failed. It is read from the client as fast
 * as the pod takes it, and knows whose time it is.
 */
export class Upload implements BodySink {
  /** All of it came. */
  whole = false;
  /** It was ended for being larger than the limit. */
  tooLarge = false;
  readonly #source: BodySource;
  readonly #rules: UploadRules;
  readonly #owner: UploadOwner;
  /** The attempt that it goes to; undefined: none takes it now. */
  #attempt: UploadAttempt | undefined;
  /** All that came so far; undefined: that is more than is kept, or no longer needed. */
  #kept: Uint8Array[] | undefined = [];
  #trailers: Fields | undefined;
  /** Why it broke off. */
  #failed: { readonly error: unknown } | undefined;
  /** It is being read from the client. */
  #begun = false;
  #paused = false;
  /** Nothing more comes of the client. */
  #over = false;
  /** The answer's head is there, or no more attempts are made. */
  #settled = false;
  /** The client waits for an interim answer before it sends anything. */
  #expected: boolean;
  #passed = 0;
  /** Since when the client is waited for, milliseconds since the epoch; undefined: it is not. */
  #since: number | undefined;
  /** Of the window: milliseconds waited, and what came. */
  #waited = 0;
  #came = 0;

  /** `expected`: its client sends nothing before an interim answer says that it may. */
  constructor(source: BodySource, rules: UploadRules, owner: UploadOwner, expected = false) {
    this.#source = source;
    this.#rules = rules;
    this.#owner = owner;
    this.#expected = expected;
  }

  /** Bytes, where that is known. */
  get length(): number | undefined {
    return this.#source.length;
  }

  /** The body for one attempt. Only where it is `repeatable`; the attempt before gets no more of it. */
  open(): BodySource {
    this.#attempt = new UploadAttempt(this, this.#kept!.slice());
    return this.#attempt;
  }

  /** All that came of it is kept: it can be sent from its beginning. */
  get repeatable(): boolean {
    return this.#kept !== undefined && this.#failed === undefined;
  }

  /** Why it broke off; undefined: it did not. */
  get failure(): unknown {
    return this.#failed?.error;
  }

  /** Its client sends nothing before an interim answer says that it may. */
  get expected(): boolean {
    return this.#expected;
  }

  /** The client was sent the interim answer that it waits for: it is the client's time now. */
  continued(): void {
    if (!this.#expected) return;
    this.#expected = false;
    if (this.#begun && !this.#paused && !this.#over) this.#since = this.#rules.now();
  }

  /** The answer's head goes to the client: it is not sent again. What is still to come goes where it went before. */
  answered(): void {
    this.#kept = undefined;
    this.#settled = true;
    if (this.#attempt === undefined) this.#leave();
  }

  /** No attempt takes it any more. */
  drop(): void {
    this.#attempt = undefined;
    this.answered();
  }

  /** Its client is waited for just now. */
  get waiting(): boolean {
    return this.#since !== undefined;
  }

  /** It is being read. */
  get underWay(): boolean {
    return this.#begun && !this.#over;
  }

  /** The client sent too little in a window of the time it was waited for. */
  stalled(now: number): boolean {
    const { rate, window } = this.#rules;
    if (this.#since === undefined || rate === 0) return false;
    return this.#waited + now - this.#since >= window && this.#came < (rate * window) / 1000;
  }

  /** An attempt has taken all there is and wants more. */
  wanted(attempt: UploadAttempt): void {
    if (attempt !== this.#attempt) return;
    if (this.#over) {
      if (this.#failed !== undefined) attempt.fail(this.#failed.error);
      else attempt.end(this.#trailers);
      return;
    }
    if (this.#since === undefined && !this.#expected) this.#since = this.#rules.now();
    if (!this.#begun) {
      this.#begun = true;
      this.#source.pipe(this);
    } else if (this.#paused) {
      this.#paused = false;
      this.#source.resume();
    }
  }

  /** An attempt takes nothing for now. */
  unwanted(attempt: UploadAttempt): void {
    if (attempt === this.#attempt) this.#pause();
  }

  /** An attempt takes nothing any more. */
  left(attempt: UploadAttempt): void {
    if (attempt !== this.#attempt) return;
    this.#attempt = undefined;
    if (this.#settled) this.#leave();
    else this.#pause();
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    const now = this.#heard();
    const { limit, rate, window } = this.#rules;
    this.#expected = false;
    this.#came += bytes.length;
    // A window begins where the one before had enough: none that has too little goes unseen for being cut in two.
    if (this.#came >= (rate * window) / 1000) this.#came = this.#waited = 0;
    this.#passed += bytes.length;
    this.#owner.handedOver(now);
    if (limit !== 0 && this.#passed > limit) {
      this.tooLarge = true;
      this.#break(new RangeError(`The request body is larger than ${limit} bytes`));
      this.#source.cancel();
      this.#owner.tooLarge();
      return;
    }
    if (this.#kept !== undefined) {
      if (this.#passed > KEPT_BYTES) this.#kept = undefined;
      else this.#kept.push(bytes);
    }
    this.#attempt?.data(bytes);
    if (this.#attempt !== undefined && !this.#paused && !this.#over) this.#since = now;
  }

  end(trailers: Fields | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.whole = true;
    this.#trailers = trailers && passedTrailers(trailers);
    this.#owner.handedOver(this.#heard());
    this.#attempt?.end(this.#trailers);
  }

  fail(error: unknown): void {
    if (!this.#over) this.#break(error);
  }

  #break(error: unknown): void {
    this.#over = true;
    this.#failed = { error };
    this.#owner.handedOver(this.#heard());
    this.#attempt?.fail(error);
  }

  #pause(): void {
    this.#heard();
    if (!this.#begun || this.#paused || this.#over) return;
    this.#paused = true;
    this.#source.pause();
  }

  /** The rest is read by no one. */
  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#heard();
    this.#source.cancel();
  }

  /** The client is no longer waited for. */
  #heard(): number {
    const now = this.#rules.now();
    if (this.#since !== undefined) this.#waited += now - this.#since;
    this.#since = undefined;
    return now;
  }
}

/** An upload as one attempt has it: what was kept of it, then what comes. */
class UploadAttempt implements BodySource, BodySink {
  readonly #upload: Upload;
  /** What came and was not handed over yet. */
  readonly #held: Uint8Array[];
  #sink: BodySink | undefined;
  #paused = false;
  #flowing = false;

  constructor(upload: Upload, held: Uint8Array[]) {
    this.#upload = upload;
    this.#held = held;
  }

  get length(): number | undefined {
    return this.#upload.length;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    if (!this.#paused) this.#flow();
  }

  pause(): void {
    this.#paused = true;
    this.#upload.unwanted(this);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#sink !== undefined) this.#flow();
  }

  cancel(): void {
    this.#sink = undefined;
    this.#held.length = 0;
    this.#upload.left(this);
  }

  data(bytes: Uint8Array): void {
    if (this.#paused || this.#flowing) this.#held.push(bytes);
    else this.#sink?.data(bytes);
  }

  end(trailers: Fields | undefined): void {
    if (this.#paused || this.#held.length > 0) return;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.end(trailers);
  }

  fail(error: unknown): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.fail(error);
  }

  /** Hands over what is held, then asks for more. */
  #flow(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    while (!this.#paused && this.#sink !== undefined && this.#held.length > 0) this.#sink.data(this.#held.shift()!);
    this.#flowing = false;
    if (!this.#paused && this.#sink !== undefined) this.#upload.wanted(this);
  }
}
