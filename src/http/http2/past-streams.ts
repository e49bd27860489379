/** So many streams that were reset here are remembered: frames that were on their way then are ignored. */
const RESET = 256;
/** So many gaps between the numbers of streams are remembered: hardly any client leaves one. */
const GAPS = 32;

/** What is remembered of streams that are no more, or never were (RFC 9113 section 5.1). */
export class PastStreams {
  #reset: Set<number> | undefined;
  #gaps: number[] | undefined;

  /** A stream was reset here. */
  reset(id: number): void {
    this.#reset ??= new Set();
    if (this.#reset.size >= RESET) {
      const [oldest] = this.#reset;
      this.#reset.delete(oldest!);
    }
    this.#reset.add(id);
  }

  wasReset(id: number): boolean {
    return this.#reset?.has(id) ?? false;
  }

  /** The streams from `from` to `to` were passed over: they are closed and never were open (section 5.1.1). */
  passedOver(from: number, to: number): void {
    this.#gaps ??= [];
    if (this.#gaps.length < 2 * GAPS) this.#gaps.push(from, to);
  }

  wasPassedOver(id: number): boolean {
    const gaps = this.#gaps;
    if (gaps === undefined) return false;
    for (let at = 0; at < gaps.length; at += 2) if (id >= gaps[at]! && id <= gaps[at + 1]!) return true;
    return false;
  }
}
