import { H2_ERROR, Http2ConnectionError } from "./errors.ts";
import { type FieldLine, fieldLine, sizeOfLine } from "./field-line.ts";
import { decodeName, decodeText } from "./hpack-text.ts";
import { STATIC_ENTRIES, STATIC_TABLE } from "./static-table.ts";

const wrong = (what: string): Http2ConnectionError => new Http2ConnectionError(H2_ERROR.compression, what);

/** Numbers beyond this are none that HPACK has a use for (RFC 7541 section 5.1). */
const MAX_INTEGER = 0x7fff_ffff;

/** How many lines at the front of the table's list may be evicted before the list is cut. */
const SLACK = 64;

/** What a list of fields may hold. Beyond it nothing is kept, but decoded all the same: the table is the connection's. */
export interface ListLimits {
  /** Characters of names and values, and 32 for each line (RFC 9113 section 6.5.2). */
  readonly bytes: number;
  readonly lines: number;
}

/** Decodes the header blocks of one direction of a connection, in their order (RFC 7541). */
export class HpackDecoder {
  /** From the oldest to the newest; those before `#oldest` are evicted. */
  #lines: FieldLine[] = [];
  #oldest = 0;
  #size = 0;
  #capacity: number;
  readonly #most: number;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;

  /** `tableSize`: what was announced as SETTINGS_HEADER_TABLE_SIZE. */
  constructor(tableSize: number) {
    this.#capacity = tableSize;
    this.#most = tableSize;
  }

  /** Bytes that the dynamic table holds. */
  get held(): number {
    return this.#size;
  }

  /**
   * Decodes a whole header block, `bytes` from `start` to `end`, and adds its lines to `into`. Returns whether they all
   * were within the limits. Throws COMPRESSION_ERROR, after which the connection cannot go on.
   */
  decode(bytes: Uint8Array, start: number, end: number, into: FieldLine[], limits: ListLimits): boolean {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    let size = 0;
    let count = 0;
    let begun = false;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      let line: FieldLine;
      if (first >= 0x80) {
        // Indexed (6.1); most indices are in the byte itself.
        line = this.#lineAt(this.#integer(7));
      } else if (first >= 0x40) {
        line = this.#literal(6);
        this.#add(line);
      } else if (first >= 0x20) {
        if (begun) throw wrong("a table size update stands behind a field");
        this.#resize(this.#integer(5));
        continue;
      } else {
        line = this.#literal(4);
      }
      begun = true;
      size += sizeOfLine(line);
      if (size <= limits.bytes && ++count <= limits.lines) into.push(line);
    }
    return size <= limits.bytes && count <= limits.lines;
  }

  /** RFC 7541 section 5.1, with a prefix of so many bits. */
  #integer(bits: number): number {
    const bytes = this.#bytes;
    const most = (1 << bits) - 1;
    let value = bytes[this.#at++]! & most;
    if (value < most) return value;
    for (let factor = 1; ; factor *= 128) {
      if (this.#at >= this.#end) throw wrong("a header block ends within a number");
      const byte = bytes[this.#at++]!;
      value += (byte & 127) * factor;
      // Bytes that add nothing are an attack as well: five hold any number there is.
      if (value > MAX_INTEGER || factor > 0x1000_0000) throw wrong("a number of a header block is too large");
      if (byte < 128) return value;
    }
  }

  #lineAt(index: number): FieldLine {
    if (index === 0) throw wrong("a header block uses index 0");
    if (index <= STATIC_ENTRIES) return STATIC_TABLE[index]!;
    const at = this.#lines.length - (index - STATIC_ENTRIES);
    if (at < this.#oldest) throw wrong("a header block uses an index beyond the table");
    return this.#lines[at]!;
  }

  /** A literal with or without indexing (6.2), whose name's index has a prefix of so many bits. */
  #literal(bits: number): FieldLine {
    const index = this.#integer(bits);
    const name = index === 0 ? this.#text(true) : this.#lineAt(index).name;
    return fieldLine(name, this.#text(false));
  }

  #text(isName: boolean): string {
    if (this.#at >= this.#end) throw wrong("a header block ends before a text");
    const huffman = this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#end - start) throw wrong("a header block ends within a text");
    this.#at = start + length;
    return isName
      ? decodeName(this.#bytes, start, this.#at, huffman)
      : decodeText(this.#bytes, start, this.#at, huffman);
  }

  #add(line: FieldLine): void {
    const size = sizeOfLine(line);
    this.#evict(this.#capacity - size);
    // One that is larger than the table empties it (4.4).
    if (size > this.#capacity) return;
    this.#lines.push(line);
    this.#size += size;
  }

  /** A table size update (6.3). */
  #resize(capacity: number): void {
    if (capacity > this.#most) throw wrong("a table size update is beyond what was announced");
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** Drops the oldest lines until the others have no more than so many bytes. */
  #evict(most: number): void {
    while (this.#size > most && this.#oldest < this.#lines.length) {
      this.#size -= sizeOfLine(this.#lines[this.#oldest]!);
      // Its place is kept for a while, its text is not.
      this.#lines[this.#oldest++] = STATIC_TABLE[0]!;
    }
    if (this.#oldest > SLACK || this.#oldest === this.#lines.length) {
      this.#lines.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}
