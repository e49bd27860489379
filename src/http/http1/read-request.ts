import { memoize } from "../../base/memoize.ts";
import { latin1 } from "../../platform/latin1.ts";
import { hostOf } from "../authority.ts";
import { connectionOptions } from "../client-fields.ts";
import { Fields } from "../header-fields.ts";
import { PartialLine } from "./partial-line.ts";
import { FieldLineReader, IS_TOKEN, lineFault, PARTIAL, ROLE } from "./read-field.ts";
import { readRequestTarget } from "./request-target.ts";

/** The head of a request. */
export interface RequestHead {
  /** As sent. */
  readonly method: string;
  /** Path and query as sent, or `*`; of a target that is an absolute URL its path and query, which begin with a slash. */
  readonly target: string;
  /** Of a target that is an absolute URL: it counts instead of `Host` (RFC 9112 section 3.2.2). */
  readonly authority: string | undefined;
  /** `Host` as sent: a host with or without a port, or "". undefined: there is none, which HTTP/1.0 allows. */
  readonly host: string | undefined;
  /** Of the version, HTTP/1. */
  readonly minor: 0 | 1;
  /** All of them, those of this hop too, as they came. */
  readonly fields: Fields;
  /** Bytes of the body, "chunked", or undefined: there is none. */
  readonly framing: undefined | number | "chunked";
  /** Whether the client takes another answer on this connection (RFC 9112 section 9.3). */
  readonly persistent: boolean;
  /** `Expect: 100-continue`: the client may wait for an interim answer before it sends its body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
  /** The protocols that it wants to go over to (RFC 9110 section 7.8), in lower case. */
  readonly upgrade: string | undefined;
  /** `FIELD` kinds of all names. */
  readonly kinds: number;
  /** How long the head was, its blank line included. */
  readonly bytes: number;
  /** A refused one has a text here. */
  readonly problem: undefined;
}

/** What came is no request that could be read in one way only: what follows cannot be read. */
export interface RefusedRequest {
  readonly problem: "bad_request" | "url_too_long" | "headers_too_large" | "expectation_failed" | "not_supported";
  /** The status, where it is not the problem's own. */
  readonly status: number | undefined;
  /** Outward words. */
  readonly detail: string;
  /** As much as a log can show, never trusted; "": none was read. */
  readonly method: string;
  readonly target: string;
}

/** Limits of `server.limits`; 0 is none. */
export interface HeadLimits {
  /** Of all field lines together. */
  readonly header_bytes: number;
  /** Field lines. */
  readonly headers: number;
  /** Of path and query. */
  readonly url_bytes: number;
}

const LF = 10;
const CR = 13;
const SPACE = 32;
const HASH = 35;
const SLASH = 47;
/** Longest method in bytes: RFC 9110 section 9.1 sets none, those registered have up to 16. */
const METHOD_BYTES = 64;
/** What stands in a request line beside its path and query: method, scheme, authority and version. */
const BESIDE_TARGET = 512;
/** So many empty lines before a request line are skipped: clients of old sent one behind a body (RFC 9112 section 2.2). */
const EMPTY_LINES = 4;
/** So much of a refused target is kept: the log must not grow with what was refused for its length. */
const SHOWN_TARGET = 256;

const NOTHING = new Uint8Array();

/** Whether a byte may stand in a target: the server that gets it is the judge of all but those that could end it. */
const IS_TARGET = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte > SPACE && byte !== HASH && byte !== 127));

/** What `Connection` says of the connection itself (RFC 9110 section 7.6.1). */
const CLOSE = 1;
const KEEP_ALIVE = 2;
const UPGRADE = 4;
const optionsOf = memoize((connection: string): number => {
  let options = 0;
  for (const option of connectionOptions(connection)) {
    if (option === "close") options |= CLOSE;
    else if (option === "keep-alive") options |= KEEP_ALIVE;
    else if (option === "upgrade") options |= UPGRADE;
  }
  return options;
});

/** 15 digits are below 2^53: every number of them is exact. */
const LENGTH = /^[0-9]{1,15}$/;

/**
 * Reads the heads of the requests that come over a connection, to the letter of RFC 9112: what two readers could read
 * differently is refused. A line is judged when its end is there, or more of it than may be, so it makes no difference
 * where the bytes were cut; each of them is looked at a bounded number of times, however small the pieces are.
 */
export class RequestReader {
  /** What came behind the head that `read` gave back last. */
  rest: Uint8Array = NOTHING;
  readonly #limits: HeadLimits;
  readonly #line = new FieldLineReader();
  readonly #tail = new PartialLine();
  #emptyLines = 0;
  /** Of the lines that were read. */
  #lineBytes = 0;
  #fieldBytes = 0;
  #method = "";
  #target = "";
  #authority: string | undefined;
  #minor: 0 | 1 = 1;
  /** undefined: the request line has not been read. */
  #fields: Fields | undefined;
  #kinds = 0;
  #host: string | undefined;
  #length: string | undefined;
  #coding: string | undefined;
  #connection: string | undefined;
  #expect: string | undefined;
  #upgrade: string | undefined;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** A head has begun, and is not whole. */
  get begun(): boolean {
    return this.#lineBytes > 0 || (this.#tail.size > 0 && this.#tail.first !== CR);
  }

  /** Bytes of the head that came so far. */
  get held(): number {
    return this.#lineBytes + this.#tail.size;
  }

  /** Takes what came: a head, why there is none, or undefined where more of it is needed. */
  read(bytes: Uint8Array): RequestHead | RefusedRequest | undefined {
    const tail = this.#tail;
    // A CR at the beginning of a line is judged by the next byte.
    if (tail.size > 0 && tail.first !== CR && tail.size + bytes.length < this.#longestLine() && !bytes.includes(LF)) {
      tail.add(bytes);
      return undefined;
    }
    const all = tail.with(bytes);
    this.#line.reset();
    return this.#fields === undefined ? this.#readRequestLine(all) : this.#readFields(all, 0, this.#fields);
  }

  /** So many bytes of a line without its end are too many. */
  #longestLine(): number {
    const { url_bytes, header_bytes } = this.#limits;
    if (this.#fields === undefined) return url_bytes === 0 ? Infinity : url_bytes + BESIDE_TARGET;
    return header_bytes === 0 ? Infinity : header_bytes - this.#fieldBytes + 1;
  }

  #hold(bytes: Uint8Array): undefined {
    this.#tail.add(bytes);
  }

  #readRequestLine(bytes: Uint8Array): RequestHead | RefusedRequest | undefined {
    let start = 0;
    for (; bytes[start] === CR; start += 2) {
      if (start + 1 === bytes.length) return this.#hold(bytes.subarray(start));
      if (bytes[start + 1] !== LF || ++this.#emptyLines > EMPTY_LINES) return this.#refuse(NO_METHOD);
    }
    if (start >= bytes.length) return undefined;
    const end = Math.min(bytes.length, start + this.#longestLine());
    let space = start;
    while (space < end && IS_TOKEN[bytes[space]!] === 1) space++;
    // What is no letter of a method, TLS say, is not waited for.
    if (space === start) return this.#refuse(NO_METHOD);
    let at = space + 1;
    while (at < end && IS_TARGET[bytes[at]!] === 1) at++;
    const minor = at + VERSION_BYTES <= end && bytes[space] === SPACE ? minorAt(bytes, at) : undefined;
    if (minor === undefined || at === space + 1 || space - start > METHOD_BYTES) {
      return this.#badRequestLine(bytes, start, space, at, end);
    }
    const method = this.#line.text(bytes, start, space, end);
    const target = this.#line.text(bytes, space + 1, at, end);
    this.#method = method;
    this.#target = target;
    this.#minor = minor;
    if (method === "CONNECT") return this.#refuse("The gateway does not open tunnels with CONNECT", "not_supported");
    if (bytes[space + 1] !== SLASH) {
      const read = readRequestTarget(method, target);
      if (read === undefined) return this.#refuse("The request target is neither a path nor a URL of http or https");
      this.#target = read.target;
      this.#authority = read.authority;
    }
    const { url_bytes } = this.#limits;
    if (url_bytes !== 0 && this.#target.length > url_bytes) return this.#refuse(LONG_URL, "url_too_long");
    this.#fields = new Fields();
    this.#lineBytes = at + VERSION_BYTES - start;
    return this.#readFields(bytes, at + VERSION_BYTES, this.#fields);
  }

  /** What is wrong with a request line, once its end is there. */
  #badRequestLine(
    bytes: Uint8Array,
    start: number,
    space: number,
    at: number,
    end: number,
  ): RefusedRequest | undefined {
    const lf = bytes.subarray(start, end).indexOf(LF);
    if (lf === -1 && end - start < this.#longestLine()) return this.#hold(bytes.subarray(start));
    this.#method = this.#line.text(bytes, start, Math.min(space, start + METHOD_BYTES), end);
    if (space - start > METHOD_BYTES) return this.#refuse("The method is longer than any known", "not_supported");
    if (bytes[space] !== SPACE) return this.#refuse(NO_METHOD);
    this.#target = this.#line.text(bytes, space + 1, Math.min(at, space + 1 + SHOWN_TARGET), end);
    if (lf === -1) return this.#refuse(LONG_URL, "url_too_long");
    if (bytes[at] === HASH) return this.#refuse("The request target has a fragment");
    if (at === space + 1) return this.#refuse("The request line has no target");
    if (bytes[at] !== SPACE) {
      const ended = bytes[at] === CR || bytes[at] === LF;
      return this.#refuse(ended ? NO_VERSION : "The request target has a control character");
    }
    const rest = latin1(bytes, at + 1, start + lf + 1);
    if (OTHER_VERSION.test(rest)) return this.#refuse("The HTTP version is neither 1.0 nor 1.1", "not_supported", 505);
    return this.#refuse(KNOWN_VERSION.test(rest) ? BARE_END : NO_VERSION);
  }

  #readFields(bytes: Uint8Array, start: number, fields: Fields): RequestHead | RefusedRequest | undefined {
    const line = this.#line;
    const { header_bytes, headers } = this.#limits;
    let at = start;
    let kinds = this.#kinds;
    for (;;) {
      if (bytes[at] === CR) {
        if (at + 1 === bytes.length) break;
        if (bytes[at + 1] !== LF) return this.#refuse(BARE_END);
        this.#kinds = kinds;
        this.#lineBytes += at + 2 - start;
        this.rest = at + 2 === bytes.length ? NOTHING : bytes.subarray(at + 2);
        return this.#finish(fields);
      }
      const left = header_bytes === 0 ? Infinity : header_bytes - this.#fieldBytes;
      const end = Math.min(bytes.length, at + left + 1);
      const next = line.read(bytes, at, end);
      if (next < 0) {
        if (next !== PARTIAL) return this.#refuse(lineFault(next));
        if (end - at > left) return this.#refuse(LARGE_HEADERS, "headers_too_large");
        break;
      }
      if (next - at > left) return this.#refuse(LARGE_HEADERS, "headers_too_large");
      this.#fieldBytes += next - at;
      at = next;
      const { name, lower, role } = line.field;
      fields.push(name, lower, line.value);
      kinds |= line.field.kinds;
      if (headers !== 0 && fields.size > headers) return this.#refuse(MANY_HEADERS, "headers_too_large");
      if (role !== ROLE.none) {
        const fault = this.#note(role, line.value);
        if (fault !== undefined) return this.#refuse(fault);
      }
    }
    this.#kinds = kinds;
    this.#lineBytes += at - start;
    return at === bytes.length ? undefined : this.#hold(bytes.subarray(at));
  }

  /** Keeps a field that says how the message is read. Gives back what is wrong with it. */
  #note(role: number, value: string): string | undefined {
    switch (role) {
      case ROLE.host:
        if (this.#host !== undefined || hostOf(value) === null) return BAD_HOST;
        this.#host = value;
        return undefined;
      case ROLE.contentLength:
        // Repeated, it might be read as the first, the last or a list (RFC 9110 section 8.6).
        if (this.#length !== undefined || !LENGTH.test(value)) return "Content-Length is not one number";
        this.#length = value;
        return undefined;
      case ROLE.transferEncoding:
        if (this.#coding !== undefined || value.toLowerCase() !== "chunked")
          return "Transfer-Encoding is not chunked alone";
        this.#coding = value;
        return undefined;
      case ROLE.connection:
        this.#connection = joinedTo(this.#connection, value);
        return undefined;
      case ROLE.expect:
        this.#expect = joinedTo(this.#expect, value);
        return undefined;
      default:
        this.#upgrade = joinedTo(this.#upgrade, value);
        return undefined;
    }
  }

  #finish(fields: Fields): RequestHead | RefusedRequest {
    const minor = this.#minor;
    // RFC 9112 section 3.2. Host may be empty, as for a URI without an authority.
    if (this.#host === undefined && minor === 1) return this.#refuse("There is no Host header");
    const chunked = this.#coding !== undefined;
    if (chunked && minor === 0) return this.#refuse("Transfer-Encoding is not known to HTTP/1.0");
    if (chunked && this.#length !== undefined) {
      return this.#refuse("The body has both a Content-Length and a Transfer-Encoding");
    }
    // An expectation of HTTP/1.0 is ignored (RFC 9110 section 10.1.1).
    const expect = minor === 0 ? undefined : this.#expect?.toLowerCase();
    if (expect !== undefined && expect !== "100-continue") {
      return this.#refuse("The only known expectation is 100-continue", "expectation_failed");
    }
    const options = this.#connection === undefined ? 0 : optionsOf(this.#connection);
    const head: RequestHead = {
      method: this.#method,
      target: this.#target,
      authority: this.#authority,
      host: this.#host,
      minor,
      fields,
      framing: chunked ? "chunked" : this.#length === undefined ? undefined : Number(this.#length),
      persistent: minor === 1 ? (options & CLOSE) === 0 : (options & (CLOSE | KEEP_ALIVE)) === KEEP_ALIVE,
      expectsContinue: expect !== undefined,
      // Of HTTP/1.0, or not named by `Connection`, it is ignored (RFC 9110 section 7.8).
      upgrade: minor === 1 && (options & UPGRADE) !== 0 ? this.#upgrade?.toLowerCase() : undefined,
      kinds: this.#kinds,
      bytes: this.#lineBytes,
      problem: undefined,
    };
    this.#lineBytes = this.#fieldBytes = this.#kinds = this.#emptyLines = 0;
    this.#fields = undefined;
    this.#authority = this.#host = this.#length = this.#coding = undefined;
    this.#connection = this.#expect = this.#upgrade = undefined;
    return head;
  }

  #refuse(detail: string, problem: RefusedRequest["problem"] = "bad_request", status?: number): RefusedRequest {
    this.#tail.clear();
    return { problem, status, detail, method: this.#method, target: this.#target.slice(0, SHOWN_TARGET) };
  }
}

const joinedTo = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before}, ${value}`;

const NO_METHOD = "The request line does not begin with a method and a space";
const NO_VERSION = "The request line does not end in an HTTP version";
const BARE_END = "A line does not end in CR and LF";
const LONG_URL = "The path and query are longer than the gateway's limit";
const LARGE_HEADERS = "The header fields are larger than the gateway's limit";
const MANY_HEADERS = "There are more header fields than the gateway's limit";
const BAD_HOST = "The Host header is not one host with an optional port";

/** A space, the version, CR and LF. */
const VERSION_BYTES = 11;
const KNOWN_VERSION = /^HTTP\/1\.[01]\r?\n?$/;
const OTHER_VERSION = /^HTTP\/[0-9]\.[0-9]\r\n$/;

/** The minor version at the end of a request line; undefined: something else stands there. */
function minorAt(bytes: Uint8Array, at: number): 0 | 1 | undefined {
  const plain =
    bytes[at] === SPACE &&
    bytes[at + 1] === 72 &&
    bytes[at + 2] === 84 &&
    bytes[at + 3] === 84 &&
    bytes[at + 4] === 80 &&
    bytes[at + 5] === SLASH &&
    bytes[at + 6] === 49 &&
    bytes[at + 7] === 46 &&
    bytes[at + 9] === CR &&
    bytes[at + 10] === LF;
  if (!plain) return undefined;
  return bytes[at + 8] === 49 ? 1 : bytes[at + 8] === 48 ? 0 : undefined;
}
