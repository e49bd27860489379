import { Fields } from "../header-fields.ts";
import { PartialLine } from "./partial-line.ts";
import { FieldLineReader, IS_TOKEN, IS_VALUE, lineFault } from "./read-field.ts";

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const SEMICOLON = 59;
const EQUALS = 61;
const BACKSLASH = 92;
/** Longest line of a chunk's size with its extensions, and of all trailers together, in bytes. */
const LINE_BYTES = 16_384;

/** What differs between the bodies of requests and of answers. */
export interface ChunkRules {
  /** Most trailer lines; 0: any number. */
  readonly trailers: number;
  /** White space between a size and the end of its line is taken: servers of old fill up a size of a fixed width with it. */
  readonly padding: boolean;
  /** The error to throw for a body that `what` is wrong with ("has a chunk without a size"). */
  invalid(what: string): Error;
}

/** The next byte is one of these: a constant object's numbers cost no look-up. */
const AT = {
  size: 0,
  /** Behind white space that follows a size. */
  padding: 1,
  /** Where the name of an extension begins (RFC 9112 section 7.1.1). */
  extension: 2,
  name: 3,
  /** Behind white space that follows a name. */
  named: 4,
  /** Where the value of an extension begins. */
  equals: 5,
  value: 6,
  quoted: 7,
  escaped: 8,
  /** Behind a whole extension. */
  end: 9,
  sizeLf: 10,
  data: 11,
  dataCr: 12,
  dataLf: 13,
  trailer: 14,
} as const;

/** The value of a hexadecimal digit; -1: it is none. */
function hex(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

const BAD_LINE = "has a line that does not end in CR and LF";
const BAD_SIZE = "has a chunk whose size is not a number";
const BAD_EXTENSION = "has a chunk extension that is none";
const LONG_LINE = "has a line that is too long";

/**
 * Takes a body apart that comes in chunks (RFC 9112 section 7.1), to the letter: what is not of that form could be read in
 * two ways. Chunk extensions are dropped.
 */
export class Chunks {
  /** What of the body was in what came last: undefined where that was framing alone. One piece, in however many chunks. */
  body: Uint8Array | undefined = undefined;
  /** The last chunk and the trailers have been read. */
  over = false;
  /** The fields behind the body, once it is over; undefined: there are none. */
  trailers: Fields | undefined = undefined;
  readonly #rules: ChunkRules;
  #at: number = AT.size;
  /** Of the chunk: what its size says so far, then what is missing of it. */
  #left = 0;
  #digits = 0;
  /** Bytes of the line since the last data; then of all trailer lines that were read. */
  #lineBytes = 0;
  /** Of a trailer line whose end has not come. */
  readonly #tail = new PartialLine();

  constructor(rules: ChunkRules) {
    this.#rules = rules;
  }

  /**
   * Takes what came; `body` is then what of the body was in it. Gives back how many bytes belonged to the body: fewer than
   * came only once it is `over`. Moves bytes within what came. Throws what the rules make of a body that is not in chunks.
   */
  take(bytes: Uint8Array): number {
    let at = 0;
    // Where the body stands in what came: what of it comes later is moved up to the rest.
    let from = 0;
    let to = 0;
    while (at < bytes.length && !this.over) {
      if (this.#at === AT.data) {
        const end = Math.min(bytes.length, at + this.#left);
        if (to === 0) from = to = at;
        else bytes.copyWithin(to, at, end);
        to += end - at;
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#at = AT.dataCr;
      } else if (this.#at === AT.trailer) at = this.#takeTrailer(bytes, at);
      else this.#frame(bytes[at++]!);
    }
    if (to === from) this.body = undefined;
    // What frames tiny chunks may be most of what came: it is not kept beside them.
    else
      this.body = (to - from) * 2 < bytes.length ? new Uint8Array(bytes.subarray(from, to)) : bytes.subarray(from, to);
    return at;
  }

  #frame(byte: number): void {
    if (++this.#lineBytes > LINE_BYTES) throw this.#rules.invalid(LONG_LINE);
    switch (this.#at) {
      case AT.size: {
        const digit = hex(byte);
        if (digit === -1) {
          if (this.#digits === 0) throw this.#rules.invalid("has a chunk without a size");
          this.#at = this.#behind(byte, AT.padding, BAD_SIZE);
          return;
        }
        // 13 digits are 52 bits: every number of them is exact.
        if (++this.#digits > 13) throw this.#rules.invalid("has a chunk of more than 4 PiB");
        this.#left = this.#left * 16 + digit;
        return;
      }
      case AT.sizeLf:
        if (byte !== LF) throw this.#rules.invalid(BAD_LINE);
        this.#at = this.#left === 0 ? AT.trailer : AT.data;
        this.#lineBytes = 0;
        return;
      case AT.dataCr:
        if (byte !== CR) throw this.#rules.invalid("has a chunk that is longer than its size");
        this.#at = AT.dataLf;
        return;
      case AT.dataLf:
        if (byte !== LF) throw this.#rules.invalid(BAD_LINE);
        this.#at = AT.size;
        this.#lineBytes = this.#digits = this.#left = 0;
        return;
      default:
        this.#at = this.#extension(byte);
    }
  }

  /** What comes behind this byte of the extensions, all of which are dropped. */
  #extension(byte: number): number {
    const white = byte === SPACE || byte === TAB;
    switch (this.#at) {
      case AT.padding:
        if (byte === CR && !this.#rules.padding)
          throw this.#rules.invalid("has white space behind the size of a chunk");
        return this.#behind(byte, AT.padding, BAD_SIZE);
      case AT.extension:
        if (white) return AT.extension;
        if (IS_TOKEN[byte] === 1) return AT.name;
        break;
      case AT.name:
        if (IS_TOKEN[byte] === 1) return AT.name;
        return byte === EQUALS ? AT.equals : this.#behind(byte, AT.named, BAD_EXTENSION);
      case AT.named:
        return byte === EQUALS ? AT.equals : this.#behind(byte, AT.named, BAD_EXTENSION);
      case AT.equals:
        if (white) return AT.equals;
        if (byte === QUOTE) return AT.quoted;
        if (IS_TOKEN[byte] === 1) return AT.value;
        break;
      case AT.value:
        return IS_TOKEN[byte] === 1 ? AT.value : this.#behind(byte, AT.end, BAD_EXTENSION);
      // A line's end within quotes ends the line for some and not for others.
      case AT.quoted:
        if (byte === QUOTE) return AT.end;
        if (byte === BACKSLASH) return AT.escaped;
        if (IS_VALUE[byte] === 1) return AT.quoted;
        break;
      case AT.escaped:
        if (IS_VALUE[byte] === 1) return AT.quoted;
        break;
      default:
        return this.#behind(byte, AT.end, BAD_EXTENSION);
    }
    throw this.#rules.invalid(byte === LF ? BAD_LINE : BAD_EXTENSION);
  }

  /** Behind a size or an extension: the line ends, another extension begins, or there is white space before either. */
  #behind(byte: number, white: number, otherwise: string): number {
    if (byte === CR) return AT.sizeLf;
    if (byte === SEMICOLON) return AT.extension;
    if (byte === SPACE || byte === TAB) return white;
    throw this.#rules.invalid(byte === LF ? BAD_LINE : otherwise);
  }

  /** Takes what is there of a trailer line. Gives back where it ends. */
  #takeTrailer(bytes: Uint8Array, at: number): number {
    const tail = this.#tail;
    const cr = tail.first === CR ? at : tail.size === 0 && bytes[at] === CR ? at + 1 : -1;
    if (cr !== -1 && cr < bytes.length) {
      if (bytes[cr] !== LF) throw this.#rules.invalid(BAD_LINE);
      this.over = true;
      return cr + 1;
    }
    const lf = bytes.indexOf(LF, at);
    const end = lf === -1 ? bytes.length : lf + 1;
    const piece = bytes.subarray(at, end);
    if (this.#lineBytes + tail.size + piece.length > LINE_BYTES) throw this.#rules.invalid(LONG_LINE);
    if (lf === -1) tail.add(piece);
    else this.#readTrailer(tail.with(piece));
    return end;
  }

  #readTrailer(line: Uint8Array): void {
    const { trailers, invalid } = this.#rules;
    const reader = new FieldLineReader();
    const fault = reader.read(line, 0, line.length);
    if (fault < 0) throw invalid(`has bad trailers: ${lineFault(fault)}`);
    this.trailers ??= new Fields();
    this.trailers.push(reader.field.name, reader.field.lower, reader.value);
    if (trailers !== 0 && this.trailers.size > trailers) throw invalid(`has more than ${trailers} trailers`);
    this.#lineBytes += line.length;
  }
}
