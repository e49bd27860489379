const NOTHING = new Uint8Array();

/** The beginning of a line that comes in pieces: however small they are, each byte is copied a few times only. */
export class PartialLine {
  size = 0;
  #bytes: Uint8Array = NOTHING;

  /** Its first byte; undefined: there is none. */
  get first(): number | undefined {
    return this.size === 0 ? undefined : this.#bytes[0];
  }

  add(bytes: Uint8Array): void {
    const size = this.size + bytes.length;
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(256, 2 * size));
      larger.set(this.#bytes.subarray(0, this.size));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.size);
    this.size = size;
  }

  /** All of it with these bytes behind it; nothing is kept. */
  with(bytes: Uint8Array): Uint8Array {
    if (this.size === 0) return bytes;
    const whole = new Uint8Array(this.size + bytes.length);
    whole.set(this.#bytes.subarray(0, this.size));
    whole.set(bytes, this.size);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.size = 0;
  }
}
