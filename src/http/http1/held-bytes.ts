/** Bytes that came before they were wanted: however small their pieces are, they take little more than their size. */
export class HeldBytes {
  #bytes: Uint8Array;
  #size: number;
  /** The buffer is the piece that came first. */
  #borrowed = true;

  constructor(first: Uint8Array) {
    this.#bytes = first;
    this.#size = first.length;
  }

  get size(): number {
    return this.#size;
  }

  add(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (this.#borrowed || size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(1024, 2 * size));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
      this.#borrowed = false;
    }
    this.#bytes.set(bytes, this.#size);
    this.#size = size;
  }

  /** All of them: nothing may be added from then on. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }
}
