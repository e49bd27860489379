import { memoize } from "../../base/memoize.ts";
import { Fields } from "../header-fields.ts";
import { UpstreamError } from "../upstream-error.ts";
import { isSpace, trimmed } from "../white-space.ts";
import { ANSWER_ROLE, fieldNamed, hashed, IS_TOKEN } from "./read-field.ts";

/** The head of an answer, and how what follows it is framed. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /**
   * The fields that go on to the client, as they came and without those of this hop alone (RFC 9110 section 7.6.1), but for
   * the `Upgrade` of a 101.
   */
  readonly fields: Fields;
  /** Bytes of the body; "chunked"; "close": it ends with the connection (RFC 9112 section 6.3). */
  readonly framing: number | "chunked" | "close";
  /** Whether the connection can be used again after it. */
  readonly persistent: boolean;
  /** Seconds that the connection may be idle, as `Keep-Alive` says; undefined: it does not. */
  readonly idleSeconds: number | undefined;
  /** What `Upgrade` names; undefined: it is not there. */
  readonly upgrade: string | undefined;
}

const LF = 10;
const CR = 13;
const COLON = 58;
const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3})(?: (.*))?$/;
const DIGITS = /^[0-9]{1,15}$/;
const IDLE = /(?:^|[ \t,])timeout="?([0-9]{1,6})/i;
/** A reason phrase (RFC 9112 section 4). */
const PHRASE = /^[\t -~\x80-\xff]*$/;
/** Most field lines of one answer, and of the trailers behind it. */
export const ANSWER_FIELDS = 500;

/** Whether a byte may stand in a value: what would end it may not, the rest is its receiver's to judge (RFC 9110 section 5.5). */
const IS_VALUE_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte !== 0 && byte !== LF && byte !== CR));

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", what);

/** One length, though it may be repeated (RFC 9112 section 6.3). */
function lengthOf(value: string): number {
  if (DIGITS.test(value)) return Number(value);
  const values = value.split(",").map(trimmed);
  if (!DIGITS.test(values[0]!) || values.some((other) => other !== values[0])) {
    throw invalid("its Content-Length is not one number");
  }
  return Number(values[0]);
}

/** What `Connection` says. */
interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  /** Fields that go no further. */
  readonly named: readonly string[];
}

const connectionOptionsOf: (connection: string) => ConnectionOptions = memoize((connection) => {
  const options = new Set(connection.split(",").map((option) => trimmed(option).toLowerCase()));
  return {
    close: options.has("close"),
    keepAlive: options.has("keep-alive"),
    named: [...options].filter((name) => !NOT_BY_NAME.has(name)),
  };
});

/** Options that are no fields, and fields that are named by an attack on framing, never by a wish. */
const NOT_BY_NAME = new Set(["close", "keep-alive", "content-length", "upgrade"]);

interface StatusLine {
  readonly text: string;
  readonly status: number;
  readonly statusText: string;
  /** Of the version, HTTP/1. */
  readonly minor: string;
}

function readStatusLine(text: string): StatusLine {
  const [, minor, digits, statusText = ""] = STATUS_LINE.exec(text) ?? [];
  if (minor === undefined) throw invalid("its status line is not HTTP/1");
  const status = Number(digits);
  if (status < 100) throw invalid(`its status ${digits} is none of HTTP's`);
  if (!PHRASE.test(statusText)) throw invalid("its reason phrase has a character that is none of HTTP's");
  return { text, status, statusText, minor };
}

const statusLineOf = memoize(readStatusLine);

let lastLine = statusLineOf("HTTP/1.1 200 OK");

/**
 * Reads an answer's head (RFC 9112 sections 4 and 5): `text` has one character for each of the bytes, without the blank line
 * at its end. Lines may end in a bare LF, names may have white space before their colon, as a proxy has to take them.
 * Throws `UpstreamError` for what is no HTTP/1 answer, or could be read in two ways: a folded value, a length beside
 * chunks, white space within the names that frame.
 */
export function readHead(text: string, bytes: Uint8Array): ResponseHead {
  const size = text.length;
  let end = lineEnd(text, 0);
  // Nearly always it is the one of the answer before, which need not be taken apart again.
  if (end !== lastLine.text.length || !text.startsWith(lastLine.text)) lastLine = statusLineOf(text.slice(0, end));
  const { status, statusText, minor } = lastLine;
  const fields = new Fields();
  let length: string | undefined;
  let coding: string | undefined;
  let connection: string | undefined;
  let idle: string | undefined;
  let upgrade: string | undefined;
  let count = 0;
  while (end < size) {
    const start = bytes[end] === CR ? end + 2 : end + 1;
    // A folded value (RFC 9112 section 5.2): its reader might take it for a field of its own.
    if (isSpace(bytes[start]!)) throw invalid("a header line of it begins with white space");
    if (++count > ANSWER_FIELDS) throw invalid(`it has more than ${ANSWER_FIELDS} header fields`);
    let at = start;
    let hash = 0;
    for (; at < size; at++) {
      const byte = bytes[at]!;
      if (IS_TOKEN[byte] !== 1) break;
      hash = hashed(hash, byte);
    }
    const nameEnd = at;
    while (at < size && isSpace(bytes[at]!)) at++;
    if (at >= size || bytes[at] !== COLON || nameEnd === start) throw badName(text, start);
    const spaced = at > nameEnd;
    const { name, lower, answerRole } = fieldNamed(bytes, start, nameEnd, hash);
    at++;
    while (at < size && isSpace(bytes[at]!)) at++;
    const from = at;
    while (at < size && IS_VALUE_BYTE[bytes[at]!] === 1) at++;
    if (at < size && bytes[at] !== LF && (bytes[at] !== CR || at + 1 >= size || bytes[at + 1] !== LF)) {
      throw invalid(`its field ${name} has a character that is none of HTTP's`);
    }
    end = at;
    while (at > from && isSpace(bytes[at - 1]!)) at--;
    const value = text.slice(from, at);
    switch (answerRole) {
      case ANSWER_ROLE.plain:
        break;
      case ANSWER_ROLE.length:
        if (spaced) throw invalid("its Content-Length has white space before the colon");
        length = length === undefined ? value : `${length},${value}`;
        // One line of it stays, where the first one stood.
        if (fields.has(lower)) continue;
        break;
      case ANSWER_ROLE.coding:
        if (spaced) throw invalid("its Transfer-Encoding has white space before the colon");
        coding = coding === undefined ? value : `${coding},${value}`;
        continue;
      case ANSWER_ROLE.connection:
        connection = connection === undefined ? value : `${connection},${value}`;
        continue;
      case ANSWER_ROLE.keepAlive:
        idle = value;
        continue;
      case ANSWER_ROLE.upgrade:
        upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`;
        // A 426 says with it what it wants (RFC 9110 section 15.5.22), which the client can ask for here as well.
        if (status !== 101 && status !== 426) continue;
        break;
      default:
        continue;
    }
    fields.push(name, lower, value);
  }
  let persistent = minor === "1";
  if (connection !== undefined) {
    const { close, keepAlive, named } = connectionOptionsOf(connection);
    if (close) persistent = false;
    else if (keepAlive) persistent = true;
    for (const name of named) fields.delete(name);
  }
  let framing: ResponseHead["framing"] = "close";
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw invalid("its Transfer-Encoding is not chunked alone");
    if (length !== undefined) throw invalid("it has both a Content-Length and a Transfer-Encoding");
    framing = "chunked";
    // Who wrote HTTP/1.0 may not have known chunks (RFC 9112 section 6.1).
    if (minor === "0") persistent = false;
  } else if (length !== undefined) {
    framing = lengthOf(length);
    const written = String(framing);
    if (fields.get("content-length") !== written) fields.set("Content-Length", written);
  }
  const idleMatch = idle === undefined ? null : IDLE.exec(idle);
  return {
    status,
    statusText,
    fields,
    framing,
    persistent,
    idleSeconds: idleMatch === null ? undefined : Number(idleMatch[1]),
    upgrade,
  };
}

/** Where the line that begins at `start` ends, its CR and LF not included. */
function lineEnd(text: string, start: number): number {
  const lf = text.indexOf("\n", start);
  if (lf === -1) return text.length;
  return text.charCodeAt(lf - 1) === CR && lf > start ? lf - 1 : lf;
}

/** What is wrong with a line that does not begin with a name and a colon. */
function badName(text: string, start: number): UpstreamError {
  const colon = text.indexOf(":", start);
  const named = colon > start && colon < lineEnd(text, start);
  return invalid(named ? "a header field of it is not HTTP's" : "a header line of it has no name and colon");
}
