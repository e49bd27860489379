import { H2_ERROR, Http2ConnectionError } from "./errors.ts";

/** So many frames may continue a header block, however little they carry (CVE-2024-27316). */
const CONTINUATIONS = 32;
/** Room for a block beyond what its decoded fields may have: such a one is answered, and a larger one ends the connection. */
const BEYOND_LIMIT = 16_384;

/** A header block that comes in several frames (RFC 9113 section 4.3). */
export class HeaderBlock {
  /** The stream that it is on; 0: none is open. */
  stream = 0;
  endStream = false;
  size = 0;
  readonly #most: number;
  #bytes: Uint8Array = EMPTY;
  #frames = 0;

  /** `limit`: bytes of the fields that are allowed. */
  constructor(limit: number) {
    this.#most = limit + BEYOND_LIMIT;
  }

  get open(): boolean {
    return this.stream !== 0;
  }

  begin(stream: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.stream = stream;
    this.endStream = endStream;
    this.#frames = 0;
    this.size = 0;
    this.#bytes = EMPTY;
    this.#append(bytes, start, end);
  }

  /** Throws ENHANCE_YOUR_CALM for a block of more frames or bytes than any needs. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (++this.#frames > CONTINUATIONS || this.size + end - start > this.#most) {
      throw new Http2ConnectionError(H2_ERROR.enhanceYourCalm, "a header block is longer than any may be");
    }
    this.#append(bytes, start, end);
  }

  /** All of it; it is not open any more. */
  take(): Uint8Array {
    const whole = this.#bytes.subarray(0, this.size);
    this.stream = 0;
    this.size = 0;
    this.#bytes = EMPTY;
    return whole;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const size = this.size + end - start;
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(256, 2 * size));
      larger.set(this.#bytes.subarray(0, this.size));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), this.size);
    this.size = size;
  }
}

const EMPTY: Uint8Array = new Uint8Array();
