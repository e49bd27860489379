/**
 * Walking over JSON as bytes, without making objects of it. It knows less than `JSON.parse` and never more: what it
 * accepts `JSON.parse` accepts with the same meaning, and where it is not sure it says `UNSURE`, so that `JSON.parse`
 * decides. It knows the compact form an apiserver writes; even a space between two tokens makes it unsure.
 */

/** "Ask JSON.parse": not compact, not whole, not valid, or beyond what is looked at here. */
export const UNSURE = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const SPACE = 0x20;
const DEL = 0x7f;

/** 1 for every byte that is its own text within a string: printable ASCII but the quote and the backslash. */
const PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= SPACE && byte < DEL && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

/** Managed fields are never nested so deeply; the recursion must not exhaust the stack. */
const DEPTH = 64;

const WORDS = ["true", "false", "null"].map((word) => new TextEncoder().encode(word));

/** True when exactly this text stands in the bytes there. */
export function isText(bytes: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false;
  return true;
}

/** Behind the string whose opening quote is at `at`, if it is printable ASCII without an escape. */
export function afterPlainString(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return UNSURE;
  const end = bytes.length;
  let i = at + 1;
  while (i < end && PLAIN[bytes[i]!] === 1) i++;
  return bytes[i] === QUOTE ? i + 1 : UNSURE;
}

const isHex = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= ZERO && byte <= NINE) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66));

/** Behind the escape whose backslash is at `at`. */
function afterEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: // u
      for (let i = at + 2; i < at + 6; i++) if (!isHex(bytes[i])) return UNSURE;
      return at + 6;
    default:
      return UNSURE;
  }
}

/** Behind any string. */
function afterString(bytes: Uint8Array, at: number): number {
  const end = bytes.length;
  for (let i = at + 1; i < end; ) {
    while (i < end && PLAIN[bytes[i]!] === 1) i++;
    const byte = bytes[i];
    if (byte === QUOTE) return i + 1;
    if (byte === undefined || byte < SPACE) return UNSURE;
    i = byte === BACKSLASH ? afterEscape(bytes, i) : i + 1;
    if (i === UNSURE) return UNSURE;
  }
  return UNSURE;
}

function afterDigits(bytes: Uint8Array, at: number): number {
  let i = at;
  while (i < bytes.length && bytes[i]! >= ZERO && bytes[i]! <= NINE) i++;
  return i === at ? UNSURE : i;
}

/** Behind a number; one with an exponent is left to others. */
function afterNumber(bytes: Uint8Array, at: number): number {
  const from = bytes[at] === MINUS ? at + 1 : at;
  let i = bytes[from] === ZERO ? from + 1 : afterDigits(bytes, from);
  if (i !== UNSURE && bytes[i] === DOT) i = afterDigits(bytes, i + 1);
  return i;
}

function afterWord(bytes: Uint8Array, at: number): number {
  for (const word of WORDS) if (isText(bytes, at, at + word.length, word)) return at + word.length;
  return UNSURE;
}

function afterMembers(bytes: Uint8Array, at: number, depth: number): number {
  if (bytes[at + 1] === CLOSE_OBJECT) return at + 2;
  for (let i = at + 1; ; i++) {
    if (bytes[i] !== QUOTE) return UNSURE;
    i = afterString(bytes, i);
    if (i === UNSURE || bytes[i] !== COLON) return UNSURE;
    i = afterValue(bytes, i + 1, depth);
    if (i === UNSURE) return UNSURE;
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    if (bytes[i] !== COMMA) return UNSURE;
  }
}

function afterItems(bytes: Uint8Array, at: number, depth: number): number {
  if (bytes[at + 1] === CLOSE_LIST) return at + 2;
  for (let i = at + 1; ; i++) {
    i = afterValue(bytes, i, depth);
    if (i === UNSURE) return UNSURE;
    if (bytes[i] === CLOSE_LIST) return i + 1;
    if (bytes[i] !== COMMA) return UNSURE;
  }
}

/** Behind the value that begins at `at`, whatever it is. */
export function afterValue(bytes: Uint8Array, at: number, depth: number = DEPTH): number {
  switch (bytes[at]) {
    case QUOTE:
      return afterString(bytes, at);
    case OPEN_OBJECT:
      return depth === 0 ? UNSURE : afterMembers(bytes, at, depth - 1);
    case OPEN_LIST:
      return depth === 0 ? UNSURE : afterItems(bytes, at, depth - 1);
    case 0x74: // t
    case 0x66: // f
    case 0x6e: // n
      return afterWord(bytes, at);
    default:
      return afterNumber(bytes, at);
  }
}

/**
 * Takes one member of an object: its key stands from `from` to `to`, its value begins at `value`. Returns where that
 * ends.
 */
export type MemberReader<S> = (state: S, bytes: Uint8Array, from: number, to: number, value: number) => number;

/** Behind the object that begins at `at`; every member is given to `member`. */
export function afterObject<S>(bytes: Uint8Array, at: number, state: S, member: MemberReader<S>): number {
  if (bytes[at] !== OPEN_OBJECT) return UNSURE;
  if (bytes[at + 1] === CLOSE_OBJECT) return at + 2;
  for (let i = at + 1; ; i++) {
    const end = afterPlainString(bytes, i);
    if (end === UNSURE || bytes[end] !== COLON) return UNSURE;
    i = member(state, bytes, i + 1, end - 1, end + 1);
    if (i === UNSURE) return UNSURE;
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    if (bytes[i] !== COMMA) return UNSURE;
  }
}

/** Takes one item of a list that begins at `at`; returns where it ends. */
export type ItemReader<S> = (state: S, bytes: Uint8Array, at: number) => number;

/** Behind the list that begins at `at`; every item is given to `item`. */
export function afterList<S>(bytes: Uint8Array, at: number, state: S, item: ItemReader<S>): number {
  if (bytes[at] !== OPEN_LIST) return UNSURE;
  if (bytes[at + 1] === CLOSE_LIST) return at + 2;
  for (let i = at + 1; ; i++) {
    i = item(state, bytes, i);
    if (i === UNSURE) return UNSURE;
    if (bytes[i] === CLOSE_LIST) return i + 1;
    if (bytes[i] !== COMMA) return UNSURE;
  }
}

/** Values nested deeper than this are in no object of the API; what this file walks over itself is less deep. */
const DEEPEST = 100;

/** A list or an object costs `JSON.parse` about 80 bytes of memory: at fewer bytes of text for each it is a trap. */
const BYTES_PER_CONTAINER = 8;
/** So many may stand as close together as they like. */
const CONTAINERS = 10_000;

/** What a piece of JSON would be to `JSON.parse`. */
export interface Extent {
  /** Behind the value; `bytes.length` where it does not end. */
  readonly end: number;
  /** False: nested so deeply, or of so many lists and objects, that its memory would be many times its bytes. */
  readonly parseable: boolean;
}

/** Behind the string whose opening quote is at `at`, whatever is in it. */
function behindString(bytes: Uint8Array, at: number): number {
  let i = at + 1;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return Math.min(i + 1, bytes.length);
}

const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/** Looks over the value that begins at `at`, whatever is in it, valid or not, without depth or memory of its own. */
export function extentOf(bytes: Uint8Array, at: number): Extent {
  let depth = 0;
  let deepest = 0;
  let containers = 0;
  let i = at;
  while (i < bytes.length) {
    const byte = bytes[i]!;
    const closes = byte === CLOSE_OBJECT || byte === CLOSE_LIST;
    if (depth === 0 && (closes || byte === COMMA)) break;
    if (byte === QUOTE) i = behindString(bytes, i);
    else i++;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      containers++;
      if (++depth > deepest) deepest = depth;
    } else if (closes && --depth === 0) break;
  }
  const dense = containers > CONTAINERS && containers * BYTES_PER_CONTAINER > i - at;
  return { end: i, parseable: deepest <= DEEPEST && !dense };
}

/** The same JSON without white space between its tokens. */
export function compacted(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let size = 0;
  for (let i = 0; i < bytes.length; ) {
    const end = bytes[i] === QUOTE ? behindString(bytes, i) : i + 1;
    if (end > i + 1 || !isSpace(bytes[i])) {
      out.set(bytes.subarray(i, end), size);
      size += end - i;
    }
    i = end;
  }
  return out.subarray(0, size);
}
