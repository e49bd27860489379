import { latin1 } from "../../platform/latin1.ts";

/** Largest head of an answer, in bytes. */
export const HEAD_BYTES = 262_144;
/** So much is decoded to look for the end of a head: most are shorter. */
const FIRST_LOOK = 2048;

/** A blank line whose own end, and that of the line before, may be a bare LF (RFC 9112 section 2.2). */
const BLANK_LINE = /\n\r?\n/;

/** A head without its blank line, a character for each byte, and where it ends, its blank line included. */
export interface FoundHead {
  readonly text: string;
  readonly end: number;
}

/** The head that `bytes` begin with. undefined: not all of it is there. */
export function findHead(bytes: Uint8Array): FoundHead | undefined {
  const { length } = bytes;
  if (length <= FIRST_LOOK) return headIn(latin1(bytes, 0, length));
  return headIn(latin1(bytes, 0, FIRST_LOOK)) ?? headIn(latin1(bytes, 0, Math.min(length, HEAD_BYTES)));
}

function headIn(text: string): FoundHead | undefined {
  const end = text.indexOf("\r\n\r\n");
  const bare = text.indexOf("\n\n");
  if (end !== -1 && (bare === -1 || end < bare)) return { text: text.slice(0, end), end: end + 4 };
  const match = BLANK_LINE.exec(text);
  if (match === null) return undefined;
  const before = text.charCodeAt(match.index - 1) === 13 ? match.index - 1 : match.index;
  return { text: text.slice(0, before), end: match.index + match[0].length };
}

/** A head that comes in pieces. However small they are, each byte is looked at once and copied a few times. */
export class PartialHead {
  #bytes: Uint8Array<ArrayBuffer>;
  #size = 0;

  constructor(first: Uint8Array) {
    this.#bytes = new Uint8Array(Math.max(FIRST_LOOK, 2 * first.length));
    this.add(first);
  }

  /** All that came, once a blank line ends in it; undefined: the head is not whole. */
  add(bytes: Uint8Array): Uint8Array | undefined {
    const size = this.#size + bytes.length;
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(2 * size);
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#size);
    let from = Math.max(0, this.#size - 2);
    this.#size = size;
    for (;;) {
      const lf = this.#bytes.subarray(0, size).indexOf(LF, from);
      if (lf === -1) return undefined;
      const next = this.#bytes[lf + 1] === CR ? lf + 2 : lf + 1;
      if (next < size && this.#bytes[next] === LF) return this.#bytes.subarray(0, size);
      from = lf + 1;
    }
  }

  get size(): number {
    return this.#size;
  }
}

const LF = 10;
const CR = 13;
