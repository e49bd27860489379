/** So much is made room for at first: a head and a small body. */
const FIRST_BYTES = 512;

/**
 * Bytes on their way to a socket: what is written in one turn of the event loop leaves in one write. The buffer is given
 * away with it, as a socket may keep what it was given.
 */
export class OutputBuffer {
  bytes: Uint8Array = EMPTY;
  /** How many of them are written. */
  size = 0;
  #next = FIRST_BYTES;

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    const needed = this.size + more;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#next, needed, 2 * this.size));
    if (this.size > 0) larger.set(this.size === this.bytes.length ? this.bytes : this.bytes.subarray(0, this.size));
    this.bytes = larger;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** A text of Latin-1. There must be room for it. */
  text(text: string): void {
    const { bytes } = this;
    let at = this.size;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.size = at;
  }

  /** All that was written; it begins again without anything. */
  take(): Uint8Array {
    const whole = this.size === this.bytes.length ? this.bytes : this.bytes.subarray(0, this.size);
    // The next turn will likely write as much.
    this.#next = Math.min(Math.max(this.size, FIRST_BYTES), MOST_BYTES);
    this.bytes = EMPTY;
    this.size = 0;
    return whole;
  }
}

const EMPTY: Uint8Array = new Uint8Array();
/** More is not made room for before it is needed. */
const MOST_BYTES = 16_384;
