import { memoize } from "../../base/memoize.ts";
import { droppedKinds } from "../client-fields.ts";
import { kindsOf } from "../fields.ts";
import { Fields, type HeaderFields, lowerName } from "../header-fields.ts";
import { mayTrail } from "../trailers.ts";
import { UpstreamError } from "../upstream-error.ts";
import { isFieldName, isFieldValue, writtenField } from "./write-fields.ts";

/** How a request's body is framed (RFC 9112 section 6.3): not at all, by a length in bytes, or in chunks. */
export type Framing = undefined | number | "chunked";

/** What the head of a request says besides its target and its fields. */
export interface RequestHeadOptions {
  /** The `Host` where the fields have none. */
  readonly authority: string;
  /** What frames the body, whatever the fields say. */
  readonly framing: Framing;
  /** The protocols to go over to, as `Upgrade` has them; undefined: none, whatever the fields say. */
  readonly upgrade?: string | undefined;
  /** Whether its sender waits for an interim answer before it sends the body, whatever the fields say. */
  readonly expectsContinue?: boolean | undefined;
}

/** What a request line cannot hold: it would end the line early or be read as something else. */
const NOT_A_TARGET = /[\0- \x7f\u0100-\uffff#]/;
const ENCODED = /[\0- \x7f]+/g;
const NOT_BYTES = /[\u0100-\uffff]/;
const WIDE = /[\u0100-\uffff]+/g;

const encoder = new TextEncoder();

/** The bytes of a text in UTF-8, a character for each. */
function utf8(text: string): string {
  let bytes = "";
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

const refused = (what: string): UpstreamError => new UpstreamError("refused", what);

/** A target whose bytes go as they came, but for white space and control characters, which are percent-encoded. */
function writable(target: string): string {
  if (target.includes("#")) throw refused("The path or query has a #, which must be percent-encoded");
  return target.replace(ENCODED, encodeURIComponent).replace(WIDE, utf8);
}

/** What a field means to who writes a request. */
const ROLE = { plain: 0, invalid: 1, host: 2, length: 3, own: 4 } as const;

const ROLES: Readonly<Record<string, number>> = {
  host: ROLE.host,
  "content-length": ROLE.length,
  connection: ROLE.own,
  "transfer-encoding": ROLE.own,
  upgrade: ROLE.own,
  expect: ROLE.own,
};

/** By the name as it is written. */
const roleOf: (name: string) => number = memoize((name) =>
  isFieldName(name) ? (ROLES[name.toLowerCase()] ?? ROLE.plain) : ROLE.invalid,
);

/** Writes heads of requests, one at a time. */
class RequestHead {
  #lines = "";
  #hosted = false;
  #length: number | undefined;
  readonly #visitLine = (name: string, value: string): void => this.#field(name, value);
  readonly #visitField = (value: string, name: string): void => this.#field(name, value);

  write(method: string, target: string, fields: HeaderFields, options: RequestHeadOptions): string {
    const { authority, framing, upgrade, expectsContinue } = options;
    if (!isFieldName(method)) throw refused("The method is no token");
    const asked = NOT_A_TARGET.test(target) ? writable(target) : target;
    this.#lines = "";
    this.#hosted = false;
    this.#length = typeof framing === "number" ? framing : undefined;
    if (fields instanceof Fields) fields.forEachLine(this.#visitLine);
    else fields.forEach(this.#visitField);
    const host = this.#hosted ? "" : `host: ${authority}\r\n`;
    let more = "";
    if (upgrade !== undefined) more = `connection: Upgrade\r\nupgrade: ${writableValue("Upgrade", upgrade)}\r\n`;
    if (expectsContinue) more += "expect: 100-continue\r\n";
    if (framing === "chunked") more += "transfer-encoding: chunked\r\n";
    else if (this.#length !== undefined) more += `content-length: ${this.#length}\r\n`;
    const head = `${method} ${asked} HTTP/1.1\r\n${host}${this.#lines}${more}\r\n`;
    this.#lines = "";
    return head;
  }

  #field(name: string, value: string): void {
    switch (roleOf(name)) {
      case ROLE.plain:
        break;
      case ROLE.host:
        if (this.#hosted) throw refused("There are two Host fields");
        this.#hosted = true;
        break;
      case ROLE.length:
        if (this.#length !== undefined) this.#lines += `${name}: ${this.#length}\r\n`;
        this.#length = undefined;
        return;
      case ROLE.own:
        return;
      default:
        throw refused("A field's name is no token");
    }
    this.#lines += `${name}: ${isFieldValue(value) ? value : writableValue(name, value)}\r\n`;
  }
}

/** A value whose characters are bytes: a text that has others is written in UTF-8. */
function writableValue(name: string, value: string): string {
  const bytes = NOT_BYTES.test(value) ? utf8(value) : value;
  if (!isFieldValue(bytes)) throw refused(`The field ${name} has a character that cannot be sent`);
  return bytes;
}

const requestHead = new RequestHead();

/**
 * The head of a request in HTTP/1.1 (RFC 9112 section 3), its blank line included; each character is one byte. `target` is
 * the path and query. Fields keep their order and the letters of their names. Throws `UpstreamError` for what would be read
 * as something else than was meant.
 */
export const writeHead = (method: string, target: string, fields: HeaderFields, options: RequestHeadOptions): string =>
  requestHead.write(method, target, fields, options);

/** Kinds of fields that no client may send, in trailers least of all: whoever sent them. */
const NEVER_TRAIL = droppedKinds(false, false);

/** The lines behind a body in chunks (RFC 9112 section 7.1.2): what may not stand there, or cannot be sent, is left out. */
export function uploadTrailers(trailers: Fields | undefined): string {
  let lines = "";
  trailers?.forEachLine((name, value) => {
    const lower = lowerName(name);
    if (!mayTrail(lower) || (kindsOf(lower) & NEVER_TRAIL) !== 0) return;
    if (isFieldName(name) && isFieldValue(value)) lines += writtenField(name, value);
  });
  return lines;
}
