/** Largest head of an answer, in bytes. */
export const HEAD_BYTES = 262_144;
/** So much is decoded to look for the end of a head: most are shorter. */
const FIRST_LOOK = 2048;

const latin1 = new TextDecoder("latin1");
/** What the encoding standard's Latin-1 makes of the bytes 0x80 to 0x9f. */
const NOT_LATIN1 = /[\u0100-\uffff]/;
/** A blank line whose own end, and that of the line before, may be a bare LF (RFC 9112 section 2.2). */
const BLANK_LINE = /\n\r?\n/;

/** A head without its blank line, a character for each byte, and where it ends, its blank line included. */
export interface FoundHead {
  readonly text: string;
  readonly end: number;
}

/** The head that `bytes` begin with. undefined: not all of it is there. */
export function findHead(bytes: Uint8Array): FoundHead | undefined {
  if (bytes.length <= FIRST_LOOK) return headIn(textOf(bytes));
  return headIn(textOf(bytes.subarray(0, FIRST_LOOK))) ?? headIn(textOf(bytes.subarray(0, HEAD_BYTES)));
}

/** Each byte as the character of that number. */
function textOf(bytes: Uint8Array): string {
  const text = latin1.decode(bytes);
  if (!NOT_LATIN1.test(text)) return text;
  let exact = "";
  for (const byte of bytes) exact += String.fromCharCode(byte);
  return exact;
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
