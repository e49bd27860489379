import { memoize } from "../../base/memoize.ts";
import type { OutputBuffer } from "./output.ts";
import { STATIC_ENTRIES, STATIC_NAMES, STATIC_TABLE } from "./static-table.ts";

/** Largest dynamic table, whatever the other side allows: what it costs is kept for each connection. */
const MOST_BYTES = 4096;
/** Longer lines are not put into the table, of which they would be a large part. */
const LONGEST_KEPT = 512;
/** Names of a connection whose values are remembered; the others are sent as they are. */
const MOST_NAMES = 64;

/**
 * Values that an attacker could find out by guessing, from how well they compress (RFC 7541 section 7.1): they are never
 * put into a table, here and further on.
 */
const CREDENTIALS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-api-key",
  "x-auth-token",
  "x-csrf-token",
]);

/** What is known of a name for all connections. */
interface KnownName {
  /** Index of the name in the static table; 0: it is not there. */
  readonly index: number;
  /** The values that stand beside it there, and the index of each. */
  readonly values: ReadonlyMap<string, number> | undefined;
  readonly secret: boolean;
}

const knownName = memoize((name: string): KnownName => {
  const index = STATIC_NAMES.get(name) ?? 0;
  const values = new Map<string, number>();
  for (let at = index; at > 0 && at <= STATIC_ENTRIES && STATIC_TABLE[at]!.name === name; at++) {
    if (STATIC_TABLE[at]!.value !== "") values.set(STATIC_TABLE[at]!.value, at);
  }
  return { index, values: values.size > 0 ? values : undefined, secret: CREDENTIALS.has(name) };
});

/** A name that this connection has sent. */
interface SentName {
  readonly known: KnownName;
  /** Its value of last time. */
  last: string;
  /** The value that was put into the table, and as which of all entries; -1: none. */
  value: string;
  entry: number;
}

/**
 * Encodes the header blocks of one direction of a connection (RFC 7541). A line is put into the dynamic table when its name
 * has the same value for the second time in a row: what never comes again would only push out what does. Texts are not
 * Huffman-coded: that takes longer than the bytes it saves are worth.
 */
export class HpackEncoder {
  readonly #names = new Map<string, SentName>();
  /** Sizes of the entries, oldest first; those before `#oldest` are evicted. */
  #sizes: number[] = [];
  #oldest = 0;
  #size = 0;
  /** Entries ever put in. */
  #entries = 0;
  #capacity = MOST_BYTES;
  /** The smallest capacity since the last block; undefined: it did not change. */
  #smallest: number | undefined;

  /** Bytes that the dynamic table holds at the other side. */
  get held(): number {
    return this.#size;
  }

  /** The other side's SETTINGS_HEADER_TABLE_SIZE. */
  setCapacity(allowed: number): void {
    const capacity = Math.min(allowed, MOST_BYTES);
    if (capacity === this.#capacity) return;
    this.#smallest = Math.min(capacity, this.#smallest ?? capacity);
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** Called before the first line of each block: says that the table's size changed (RFC 7541 section 4.2). */
  begin(out: OutputBuffer): void {
    if (this.#smallest === undefined) return;
    out.reserve(12);
    if (this.#smallest < this.#capacity) integer(out, 0x20, 5, this.#smallest);
    integer(out, 0x20, 5, this.#capacity);
    this.#smallest = undefined;
  }

  /** A line. `name`: in lower case; each character of both is one byte. */
  line(out: OutputBuffer, name: string, value: string): void {
    out.reserve(name.length + value.length + 24);
    const sent = this.#names.get(name) ?? this.#sent(name);
    const { known } = sent;
    if (known.values !== undefined) {
      const index = known.values.get(value);
      if (index !== undefined) {
        integer(out, 0x80, 7, index);
        return;
      }
    }
    const there = sent.entry >= this.#entries - (this.#sizes.length - this.#oldest);
    if (there && sent.value === value) {
      integer(out, 0x80, 7, STATIC_ENTRIES + this.#entries - sent.entry);
      return;
    }
    const nameIndex = known.index > 0 ? known.index : there ? STATIC_ENTRIES + this.#entries - sent.entry : 0;
    const size = name.length + value.length + 32;
    if (known.secret) integer(out, 0x10, 4, nameIndex);
    else if (sent.last === value && size <= LONGEST_KEPT && size <= this.#capacity) {
      integer(out, 0x40, 6, nameIndex);
      this.#evict(this.#capacity - size);
      this.#sizes.push(size);
      this.#size += size;
      sent.value = value;
      sent.entry = this.#entries++;
    } else {
      integer(out, 0, 4, nameIndex);
      if (size <= LONGEST_KEPT) sent.last = value;
    }
    if (nameIndex === 0) {
      integer(out, 0, 7, name.length);
      out.text(name);
    }
    integer(out, 0, 7, value.length);
    out.text(value);
  }

  #sent(name: string): SentName {
    // No value has a line feed, so none is that of the last time.
    const sent: SentName = { known: knownName(name), last: "\n", value: "", entry: -1 };
    if (this.#names.size < MOST_NAMES) this.#names.set(name, sent);
    return sent;
  }

  #evict(most: number): void {
    while (this.#size > most && this.#oldest < this.#sizes.length) this.#size -= this.#sizes[this.#oldest++]!;
    if (this.#oldest >= 64) {
      this.#sizes.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}

/** RFC 7541 section 5.1: a number behind the bits of `first`, with a prefix of so many bits. */
function integer(out: OutputBuffer, first: number, bits: number, value: number): void {
  const most = (1 << bits) - 1;
  const { bytes } = out;
  if (value < most) {
    bytes[out.size++] = first | value;
    return;
  }
  bytes[out.size++] = first | most;
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes[out.size++] = (left % 128) | 128;
  bytes[out.size++] = left;
}
