import { latin1 } from "../../platform/latin1.ts";
import { kindsOf } from "../fields.ts";

/** Fields that say how a request is read. */
export const ROLE = {
  none: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  expect: 5,
  upgrade: 6,
} as const;

const ROLES: Readonly<Record<string, number>> = {
  host: ROLE.host,
  "content-length": ROLE.contentLength,
  "transfer-encoding": ROLE.transferEncoding,
  connection: ROLE.connection,
  expect: ROLE.expect,
  upgrade: ROLE.upgrade,
};

/** What a field means to who reads an answer. `oneHop`: it stops here, in both directions or on its way back. */
export const ANSWER_ROLE = {
  plain: 0,
  length: 1,
  coding: 2,
  connection: 3,
  keepAlive: 4,
  upgrade: 5,
  oneHop: 6,
} as const;

const ANSWER_ROLES: Readonly<Record<string, number>> = {
  "content-length": ANSWER_ROLE.length,
  "transfer-encoding": ANSWER_ROLE.coding,
  connection: ANSWER_ROLE.connection,
  "keep-alive": ANSWER_ROLE.keepAlive,
  upgrade: ANSWER_ROLE.upgrade,
  te: ANSWER_ROLE.oneHop,
  trailer: ANSWER_ROLE.oneHop,
  "proxy-connection": ANSWER_ROLE.oneHop,
  "proxy-authenticate": ANSWER_ROLE.oneHop,
};

/** What is known of a field by its name as it was sent. */
export interface FieldName {
  readonly name: string;
  readonly lower: string;
  /** `FIELD` kinds. */
  readonly kinds: number;
  /** A `ROLE`, and an `ANSWER_ROLE`. */
  readonly role: number;
  readonly answerRole: number;
  /** The name as it was sent. */
  readonly bytes: Uint8Array;
}

/**
 * Names as they were sent, each in the place that its hash gives it: a few make up nearly all requests, and looking one up by
 * its bytes takes a fraction of the time that a map of texts takes. Names of one place push each other out.
 */
const known: (FieldName | undefined)[] = Array.from({ length: 1024 }, () => undefined);
/** The hash of a name with one more byte. */
export const hashed = (hash: number, byte: number): number => (Math.imul(hash, 31) + byte) | 0;
/** Longer names are not kept. */
const LONGEST_NAME = 64;

/** The field of the name that stands there. `hash`: of its bytes by `hashed`, one after the other, from 0. */
export function fieldNamed(bytes: Uint8Array, start: number, end: number, hash: number): FieldName {
  const field = known[hash & 1023];
  if (field !== undefined && field.bytes.length === end - start) {
    const own = field.bytes;
    let at = 0;
    while (at < own.length && own[at] === bytes[start + at]) at++;
    if (at === own.length) return field;
  }
  return learn(new Uint8Array(bytes.subarray(start, end)), hash);
}

function learn(bytes: Uint8Array, hash: number): FieldName {
  // A text of its own: one that is cut out of a head would keep the head.
  const name = latin1(bytes, 0, bytes.length);
  const lower = name.toLowerCase();
  const field = {
    name,
    lower,
    kinds: kindsOf(lower),
    role: ROLES[lower] ?? ROLE.none,
    answerRole: ANSWER_ROLES[lower] ?? ANSWER_ROLE.plain,
    bytes,
  };
  if (bytes.length <= LONGEST_NAME) known[hash & 1023] = field;
  return field;
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/** Whether a byte may stand in a token (RFC 9110 section 5.6.2). */
export const IS_TOKEN: Uint8Array = table((byte) => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)));
/** Whether a byte may stand in a field's value (RFC 9110 section 5.5), white space included. */
export const IS_VALUE: Uint8Array = table((byte) => byte === TAB || (byte >= SPACE && byte !== 127));

function table(has: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (has(byte) ? 1 : 0));
}

/** Not the whole line is there. */
export const PARTIAL = -1;

/** What is wrong with a field line. */
export const LINE_FAULTS: readonly string[] = [
  "A field line begins with white space",
  "A field name has white space behind it",
  "A field line has no name",
  "A field line has no colon",
  "A field name has a character that is not a token's",
  "A field value has a control character",
  "A line does not end in CR and LF",
];
const FAULT = { fold: -2, spaced: -3, nameless: -4, colon: -5, name: -6, value: -7, end: -8 } as const;

/** The words for what `FieldLineReader.read` found wrong. */
export const lineFault = (fault: number): string => LINE_FAULTS[-2 - fault]!;

/** Decoded at once: most heads are shorter. */
const WINDOW = 1024;

/**
 * Reads field lines (RFC 9112 section 5), each byte once. Strict: a folded value, white space before the colon, an empty
 * name, a control character, and a line that ends in CR or LF alone are faults.
 */
export class FieldLineReader {
  /** Of the line that was read last. */
  field!: FieldName;
  /** Without the white space around it. */
  value = "";
  /** The bytes from `#from` to `#to`, decoded. */
  #text = "";
  #from = 0;
  #to = 0;

  /** Other bytes come from here on. */
  reset(): void {
    this.#text = "";
    this.#to = 0;
  }

  /**
   * The line that begins at `start`, which is not the empty one: gives back where the next begins, `PARTIAL`, or a fault.
   * A line is at fault only once its LF is there: where the bytes were cut makes no difference.
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let hash = 0;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (IS_TOKEN[byte] !== 1) break;
      hash = hashed(hash, byte);
    }
    if (at === end) return PARTIAL;
    if (bytes[at] !== COLON || at === start) return nameFault(bytes, start, at, end);
    const colon = at++;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const from = at;
    while (at < end && IS_VALUE[bytes[at]!] === 1) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return valueFault(bytes, at, end);
    let to = at;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    this.field = fieldNamed(bytes, start, colon, hash);
    this.value = this.text(bytes, from, to, end);
    return at + 2;
  }

  /** These bytes as text, cut out of a text that holds what stands around them as well. */
  text(bytes: Uint8Array, start: number, end: number, all: number): string {
    if (end > this.#to) {
      this.#from = start;
      this.#to = Math.min(all, Math.max(end, start + WINDOW));
      this.#text = latin1(bytes, start, this.#to);
    }
    return this.#text.slice(start - this.#from, end - this.#from);
  }
}

/** Whether the LF that ends a line with a fault is there. */
const ends = (bytes: Uint8Array, at: number, end: number): boolean => {
  const lf = bytes.indexOf(LF, at);
  return lf !== -1 && lf < end;
};

/** What is wrong with a line whose name ends at `at` without a colon behind it. */
function nameFault(bytes: Uint8Array, start: number, at: number, end: number): number {
  if (!ends(bytes, at, end)) return PARTIAL;
  const byte = bytes[at];
  const white = byte === SPACE || byte === TAB;
  if (at === start && white) return FAULT.fold;
  if (byte === COLON) return FAULT.nameless;
  if (byte === LF) return FAULT.end;
  if (byte === CR) return bytes[at + 1] === LF ? FAULT.colon : FAULT.end;
  if (!white) return FAULT.name;
  const colon = bytes.indexOf(COLON, at);
  return colon !== -1 && colon < bytes.indexOf(LF, at) ? FAULT.spaced : FAULT.colon;
}

/** What is wrong with a line that has `bytes[at]` in its value. */
function valueFault(bytes: Uint8Array, at: number, end: number): number {
  if (!ends(bytes, at, end)) return PARTIAL;
  return bytes[at] === CR || bytes[at] === LF ? FAULT.end : FAULT.value;
}
