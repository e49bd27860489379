import { memoize } from "../../base/memoize.ts";
import { Fields } from "../header-fields.ts";
import { UpstreamError } from "../upstream-error.ts";
import { isSpace, trimmed } from "../white-space.ts";
import { isFieldName, isFieldValue } from "./write-fields.ts";

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

const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3})(?: (.*))?$/;
const DIGITS = /^[0-9]{1,15}$/;
const IDLE = /(?:^|[ \t,])timeout="?([0-9]{1,6})/i;
/** A reason phrase (RFC 9112 section 4). */
const PHRASE = /^[\t -~\x80-\xff]*$/;
/** Most field lines of one answer, and of the trailers behind it. */
export const ANSWER_FIELDS = 500;

/** What a field means to who reads an answer. `oneHop`: it stops here, in both directions or on its way back. */
const ROLE = { plain: 0, length: 1, coding: 2, connection: 3, keepAlive: 4, upgrade: 5, oneHop: 6 } as const;

const ROLES: Readonly<Record<string, number>> = {
  "content-length": ROLE.length,
  "transfer-encoding": ROLE.coding,
  connection: ROLE.connection,
  "keep-alive": ROLE.keepAlive,
  upgrade: ROLE.upgrade,
  te: ROLE.oneHop,
  trailer: ROLE.oneHop,
  "proxy-connection": ROLE.oneHop,
  "proxy-authenticate": ROLE.oneHop,
};

/** What is known of a field by its name as it was sent; undefined: that is none. */
interface AnswerField {
  readonly lower: string;
  readonly role: number;
}

const NO_FIELD: AnswerField = { lower: "", role: ROLE.plain };

const fieldOf: (name: string) => AnswerField = memoize((name) => {
  if (!isFieldName(name)) return NO_FIELD;
  const lower = name.toLowerCase();
  return { lower, role: ROLES[lower] ?? ROLE.plain };
});

const invalid = (what: string): UpstreamError => new UpstreamError("invalid", what);

/** One length, though it may be repeated (RFC 9112 section 6.3). */
function lengthOf(value: string): number {
  const values = value.split(",").map(trimmed);
  if (!DIGITS.test(values[0]!) || values.some((other) => other !== values[0])) {
    throw invalid("its Content-Length is not one number");
  }
  return Number(values[0]);
}

/** Leaves out the fields that `Connection` names. */
function dropNamed(fields: Fields, named: Set<string>): void {
  for (const name of named) if (!NOT_BY_NAME.has(name)) fields.delete(name);
}

/** Options that are no fields, and fields that are named by an attack on framing, never by a wish. */
const NOT_BY_NAME = new Set(["close", "keep-alive", "content-length", "upgrade"]);

/**
 * Reads an answer's head (RFC 9112 sections 4 and 5): `text` has one character for each byte, without the blank line at
 * its end. Lines may end in a bare LF, names may have white space before their colon, as a proxy has to take them.
 * Throws `UpstreamError` for what is no HTTP/1 answer, or could be read in two ways: a folded value, a length beside
 * chunks, white space within the names that frame.
 */
export function readHead(text: string): ResponseHead {
  let end = lineEnd(text, 0);
  const line = STATUS_LINE.exec(text.slice(0, end));
  if (line === null) throw invalid("its status line is not HTTP/1");
  const status = Number(line[2]);
  if (status < 100) throw invalid(`its status ${line[2]} is none of HTTP's`);
  const statusText = line[3] ?? "";
  if (!PHRASE.test(statusText)) throw invalid("its reason phrase has a character that is none of HTTP's");
  const fields = new Fields();
  let length: string | undefined;
  let coding: string | undefined;
  let connection: string | undefined;
  let idle: string | undefined;
  let upgrade: string | undefined;
  let count = 0;
  while (end < text.length) {
    const start = text.charCodeAt(end) === CR ? end + 2 : end + 1;
    end = lineEnd(text, start);
    const first = text.charCodeAt(start);
    // A folded value (RFC 9112 section 5.2): its reader might take it for a field of its own.
    if (isSpace(first)) throw invalid("a header line of it begins with white space");
    if (++count > ANSWER_FIELDS) throw invalid(`it has more than ${ANSWER_FIELDS} header fields`);
    const colon = text.indexOf(":", start);
    if (colon === -1 || colon >= end || colon === start) throw invalid("a header line of it has no name and colon");
    const spaced = isSpace(text.charCodeAt(colon - 1));
    const name = spaced ? trimmed(text.slice(start, colon)) : text.slice(start, colon);
    const value = trimmed(text.slice(colon + 1, end));
    const { lower, role } = fieldOf(name);
    if (lower === "") throw invalid("a header field of it is not HTTP's");
    if (!isFieldValue(value)) throw invalid(`its field ${name} has a character that is none of HTTP's`);
    switch (role) {
      case ROLE.plain:
        break;
      case ROLE.length:
        if (spaced) throw invalid("its Content-Length has white space before the colon");
        length = length === undefined ? value : `${length},${value}`;
        // One line of it stays, where the first one stood.
        if (fields.has(lower)) continue;
        break;
      case ROLE.coding:
        if (spaced) throw invalid("its Transfer-Encoding has white space before the colon");
        coding = coding === undefined ? value : `${coding},${value}`;
        continue;
      case ROLE.connection:
        connection = connection === undefined ? value : `${connection},${value}`;
        continue;
      case ROLE.keepAlive:
        idle = value;
        continue;
      case ROLE.upgrade:
        upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`;
        if (status !== 101) continue;
        break;
      default:
        continue;
    }
    fields.push(name, lower, value);
  }
  let persistent = line[1] === "1";
  if (connection !== undefined) {
    const named = new Set(connection.split(",").map((option) => trimmed(option).toLowerCase()));
    if (named.has("close")) persistent = false;
    else if (named.has("keep-alive")) persistent = true;
    dropNamed(fields, named);
  }
  let framing: ResponseHead["framing"] = "close";
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw invalid("its Transfer-Encoding is not chunked alone");
    if (length !== undefined) throw invalid("it has both a Content-Length and a Transfer-Encoding");
    framing = "chunked";
    // Who wrote HTTP/1.0 may not have known chunks (RFC 9112 section 6.1).
    if (line[1] === "0") persistent = false;
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

const CR = 13;

/** Where the line that begins at `start` ends, its CR and LF not included. */
function lineEnd(text: string, start: number): number {
  const lf = text.indexOf("\n", start);
  if (lf === -1) return text.length;
  return text.charCodeAt(lf - 1) === CR && lf > start ? lf - 1 : lf;
}
