import type { BodyMeter } from "../http/transport.ts";
import { watchBody } from "../http/watch-body.ts";

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

/** The body of a request on its way to a pod. */
export class Upload implements BodyMeter {
  /** All of it came. */
  whole = false;
  /** It was ended for being larger than the limit. */
  tooLarge = false;
  readonly #source: ReadableStream<Uint8Array>;
  readonly #rules: UploadRules;
  readonly #owner: UploadOwner;
  #begun = false;
  #over = false;
  #passed = 0;
  /** Since when the client is waited for, milliseconds since the epoch; undefined: it is not. */
  #since: number | undefined;
  /** Of the window: milliseconds waited, and what came. */
  #waited = 0;
  #came = 0;

  constructor(source: ReadableStream<Uint8Array>, rules: UploadRules, owner: UploadOwner) {
    this.#source = source;
    this.#rules = rules;
    this.#owner = owner;
  }

  /** The body to send; once more while nothing was consumed. `metered`: its sender reports to this meter. */
  open(metered: boolean): ReadableStream<Uint8Array> {
    if (metered) return this.#source;
    return watchBody(this.#source, {
      onPull: () => this.waits(),
      onChunk: (bytes) => this.came(bytes),
      onEnd: (how) => this.ended(how === "complete"),
    });
  }

  /** Bytes may have been taken from the client: it cannot be sent a second time. */
  consumed(): boolean {
    return this.#begun || this.#source.locked;
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

  waits(): void {
    this.#begun = true;
    this.#since = this.#rules.now();
  }

  came(bytes: number): void {
    const now = this.#heard();
    const { limit, rate, window } = this.#rules;
    this.#came += bytes;
    // A window begins where the one before had enough: none that has too little goes unseen for being cut in two.
    if (this.#came >= (rate * window) / 1000) this.#came = this.#waited = 0;
    this.#passed += bytes;
    this.#owner.handedOver(now);
    if (limit === 0 || this.#passed <= limit) return;
    this.tooLarge = true;
    this.#owner.tooLarge();
    throw new RangeError(`The request body is larger than ${limit} bytes`);
  }

  ended(whole: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.whole = whole;
    this.#owner.handedOver(this.#heard());
  }

  /** The client is no longer waited for. */
  #heard(): number {
    const now = this.#rules.now();
    if (this.#since !== undefined) this.#waited += now - this.#since;
    this.#since = undefined;
    return now;
  }
}
