import { HeldBytes } from "./held-bytes.ts";

const NOTHING = new Uint8Array();

/** What came over a connection and has not been read. */
export class Inbox {
  /** What is looked at next; undefined: nothing, or what is held has to wait. */
  next: Uint8Array | undefined = undefined;
  #held: HeldBytes | undefined = undefined;

  /** More came. */
  add(bytes: Uint8Array): void {
    if (this.#held === undefined) this.next = bytes;
    else this.#held.add(bytes);
  }

  /** What is there has to wait. */
  hold(): void {
    if (this.next === undefined) return;
    this.#held = new HeldBytes(this.next);
    this.next = undefined;
  }

  /** What had to wait comes next. */
  release(): void {
    if (this.#held === undefined) return;
    this.next = this.#held.take();
    this.#held = undefined;
  }

  /** Something is there. */
  get filled(): boolean {
    return this.next !== undefined || this.#held !== undefined;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#held === undefined ? 0 : this.#held.size;
  }

  /** All of it, which leaves. */
  empty(): Uint8Array {
    this.release();
    const all = this.next ?? NOTHING;
    this.next = undefined;
    return all;
  }
}
