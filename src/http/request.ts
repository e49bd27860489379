import type { Clock } from "../base/clock.ts";
import { authorityOf, hostOf } from "./authority.ts";
import { clientAddress } from "./client-address.ts";
import { droppedKinds, takenAway, upgradeOf } from "./client-fields.ts";
import { FIELD, kindsOf } from "./fields.ts";
import { type Fields, type HeaderFields, linesOf } from "./header-fields.ts";
import type { ClientRequest } from "./message.ts";
import { resolveDots } from "./readings.ts";
import type { Trust } from "./trust.ts";

/** What routing, balancing and proxying read of a request: taken apart once, shared by all of them. */
export interface IncomingRequest {
  /** When the gateway took it up, in milliseconds since the epoch. */
  readonly started: number;
  /** As sent: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** How the client reached the gateway. */
  readonly scheme: "http" | "https";
  /** The request's host, lower case, without port; an IPv6 literal in brackets. "" where there is none. */
  readonly host: string;
  /** The port the gateway was reached at. */
  readonly port: string;
  /** The `Host` header as sent, or the authority of the request target where that is another. */
  readonly authority: string;
  /**
   * The path as it was sent, its dot segments resolved: begins with /, no query. Bytes above 0x7f are percent-encoded, so
   * that all spellings of a path are compared alike.
   */
  readonly path: string;
  /** The query with its `?`, or "", in the same form. */
  readonly search: string;
  /** `path` and `search` with the bytes above 0x7f that were sent, a character each; left out: there were none. */
  readonly rawPath?: string | undefined;
  readonly rawSearch?: string | undefined;
  /** Without what is good for one hop only, and without what only a trusted proxy may say. The gateway's to change. */
  readonly headers: HeaderFields;
  /**
   * The kinds of all fields that were sent, of those too that were dropped (src/http/fields.ts): what was not sent need
   * not be asked for. Left out: not known.
   */
  readonly fields?: number | undefined;
  /** A middleware may have changed the headers. */
  readonly touched?: boolean | undefined;
  /** Fields with `_` in their names that were sent and kept; left out: none. */
  readonly underscored?: readonly string[] | undefined;
  /** The protocol that the client wants to go over to, as it was sent; left out: none that is passed on. */
  readonly upgrade?: string | undefined;
  /** The address of the connection's other end. */
  readonly peer: string;
  /** The client's address: `peer`, or what trusted proxies say of it. */
  readonly client: string;
}

/** Limits of `server.limits`; 0 is none. */
export interface RequestLimits {
  readonly header_bytes: number;
  readonly headers: number;
  readonly url_bytes: number;
  readonly body_bytes: number;
}

export interface ParseOptions {
  readonly clock: Clock;
  readonly trusts: Trust;
  readonly limits: RequestLimits;
  /** What `server.underscore_headers` says of names with `_`. @default "pass" */
  readonly underscores?: "pass" | "drop" | undefined;
  /** A peer that is no trusted proxy sent what only one may say. */
  onUntrusted?(peer: string): void;
}

/** A request that must not be passed on: the problem to answer with. */
export interface BadRequest {
  readonly problem:
    | "bad_request"
    | "url_too_long"
    | "headers_too_large"
    | "body_too_large"
    | "expectation_failed"
    | "not_supported";
  /** Outward words. */
  readonly detail: string;
}

/** What of a client's request is read here. */
type Asked = Pick<ClientRequest, "url" | "method" | "headers" | "authority" | "kinds">;

/** The longest target of a refused request that is kept: the log must not grow with what was refused for its length. */
const SHOWN_TARGET = 256;

/** As much of a refused request as a log can show; nothing of it is trusted. */
export function refusedRequest(request: Asked, peer: string, scheme: "http" | "https", clock: Clock): IncomingRequest {
  const { method, url, headers } = request;
  const start = pathStart(url);
  const target = start === -1 ? "/" : url.slice(start, start + SHOWN_TARGET);
  const query = target.indexOf("?");
  return {
    started: clock.now(),
    method,
    scheme,
    host: "",
    port: "",
    authority: headers.get("host") ?? "",
    path: encodeBytes(query === -1 ? target : target.slice(0, query)),
    search: "",
    headers,
    peer,
    client: peer,
  };
}

/**
 * Takes a request apart, once. `peer` is the address of the connection's other end ("" where the runtime hides it),
 * `port` the one it was reached at. What ends at the gateway is taken out of the fields: in place where they are `Fields`,
 * else out of a copy. An absolute URL is a server's of the fetch standard, which may have let through framing that RFC 9112
 * forbids: that is a BadRequest, and so are a fragment and an encoded control character.
 */
export function parseRequest(
  request: Asked,
  peer: string,
  scheme: "http" | "https",
  options: ParseOptions,
  port: string = scheme === "https" ? "443" : "80",
): IncomingRequest | BadRequest {
  const started = options.clock.now();
  const { url, method } = request;
  if (method === "CONNECT" || method === "TRACE") return UNKNOWN_METHOD;
  const start = pathStart(url);
  if (start === -1) return NO_PATH;
  const headers = linesOf(request.headers);
  const sent = headers.get("host");
  const authority = governingAuthority(request, url, start, sent);
  const host = hostOf(authority);
  if (host === null) return BAD_HOST;

  const { limits, trusts } = options;
  if (limits.url_bytes !== 0 && url.length - start > limits.url_bytes) return LONG_URL;
  if (url.indexOf("#", start) !== -1) return FRAGMENT;
  const query = url.indexOf("?", start);
  let path = query === -1 ? (start === 0 ? url : url.slice(start)) : url.slice(start, query);
  let search = query === -1 ? "" : url.slice(query);
  let rawPath: string | undefined;
  let rawSearch: string | undefined;
  if (NOT_PLAIN.test(path)) {
    if (CONTROL.test(path)) return CONTROL_CHARACTER;
    path = resolveDots(path);
    if (start === 0 && HIGH_BYTE.test(path)) {
      rawPath = path;
      path = encodeBytes(path);
    }
  }
  if (start === 0 && search !== "" && HIGH_BYTE.test(search)) {
    rawSearch = search;
    search = encodeBytes(search);
  }
  const from = peer.startsWith("::ffff:") ? peer.slice(7) : peer;
  const trusted = trusts(from);
  const drops = droppedKinds(trusted, options.underscores === "drop");
  if (request.kinds === undefined) {
    if (limits.headers !== 0 && headers.size > limits.headers) return MANY_HEADERS;
    if (limits.header_bytes !== 0 && sizeOf(headers) > limits.header_bytes) return LARGE_HEADERS;
  }
  const fields = request.kinds ?? allKinds(headers);
  const underscored = (fields & FIELD.underscore & ~drops) === 0 ? undefined : withUnderscores(headers);
  if ((fields & FIELD.framing) !== 0) {
    const bad = start === 0 ? checkSize(headers, limits) : checkFraming(method, headers, limits);
    if (bad !== undefined) return bad;
  }
  if ((fields & FIELD.expect) !== 0 && headers.get("expect")?.toLowerCase() !== "100-continue") return EXPECTATION;

  const client = trusted ? clientAddress(from, headers, trusts) : from;
  if (!trusted && (fields & FIELD.forwarding) !== 0) options.onUntrusted?.(from);
  const upgrade = (fields & FIELD.upgrade) === 0 ? undefined : upgradeOf(headers);
  if ((fields & FIELD.connection) !== 0) for (const name of takenAway(headers)) headers.delete(name);
  if ((fields & drops) !== 0) dropKinds(headers, drops);
  if (sent !== authority && authority !== "") headers.set("host", authority);
  return {
    started,
    method,
    scheme,
    host,
    port,
    authority,
    path,
    search,
    rawPath,
    rawSearch,
    headers,
    fields,
    touched: false,
    underscored,
    upgrade,
    peer: from,
    client,
  };
}

/** Bytes of all lines. */
function sizeOf(headers: Fields): number {
  let size = 0;
  // Four more: the colon, the space and the line's end.
  for (let at = 0; at < headers.size; at++) size += headers.lowerAt(at).length + headers.valueAt(at).length + 4;
  return size;
}

function allKinds(headers: Fields): number {
  let kinds = 0;
  for (let at = 0; at < headers.size; at++) kinds |= kindsOf(headers.lowerAt(at));
  return kinds;
}

/** Names with `_`, but for those that are the gateway's to write. */
function withUnderscores(headers: Fields): string[] {
  const names: string[] = [];
  for (let at = 0; at < headers.size; at++) {
    const name = headers.lowerAt(at);
    if ((kindsOf(name) & FIELD.underscore) !== 0) names.push(name);
  }
  return names;
}

/** Takes out the lines of these kinds. */
function dropKinds(headers: Fields, drops: number): void {
  for (let at = headers.size - 1; at >= 0; at--) if ((kindsOf(headers.lowerAt(at)) & drops) !== 0) headers.removeAt(at);
}

const SLASH = 47;
const CONTROL = /%(?:[01][0-9a-f]|7f)/i;
/** What has to be looked at twice: dots after a slash, escapes of dots and of control characters, bytes above 0x7f. */
const NOT_PLAIN = /\/\.|%(?:[01][0-9a-f]|2e|7f)|[\x80-\xff]/i;
const HIGH_BYTE = /[\x80-\xff]/;

/** A target in which each character is a byte, those above 0x7f percent-encoded. */
const encodeBytes = (text: string): string =>
  text.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);

const refusal = (problem: BadRequest["problem"], detail: string): BadRequest => ({ problem, detail });
const UNKNOWN_METHOD = refusal("not_supported", "The gateway does not pass on CONNECT and TRACE");
const NO_PATH = refusal("bad_request", "The request target has no path");
const EXPECTATION = refusal("expectation_failed", "The gateway meets no expectation but 100-continue");
const BAD_HOST = refusal("bad_request", "The Host header is not one host with an optional port");
const LONG_URL = refusal("url_too_long", "The path and query are longer than the gateway's limit");
const CONTROL_CHARACTER = refusal("bad_request", "The path has an encoded control character");
const FRAGMENT = refusal("bad_request", "The request target has a fragment");
const MANY_HEADERS = refusal("headers_too_large", "There are more header fields than the gateway's limit");
const LARGE_HEADERS = refusal("headers_too_large", "The header fields are larger than the gateway's limit");
const BAD_CODING = refusal("bad_request", "Transfer-Encoding is not chunked alone");
const TWO_LENGTHS = refusal("bad_request", "The body has both a Content-Length and a Transfer-Encoding");
const BAD_LENGTH = refusal("bad_request", "Content-Length is not one number");
const LARGE_BODY = refusal("body_too_large", "The request body is larger than the gateway's limit");
const GET_BODY = refusal("not_supported", "The gateway cannot pass on the body of a GET or HEAD request");

/** The authority that counts: the target's, where that names one. */
function governingAuthority({ authority }: Asked, url: string, start: number, sent: string | null): string {
  if (authority !== undefined) return authority;
  if (start === 0) return sent ?? "";
  const origin = url.slice(0, start);
  return sent === null ? origin.slice(origin.indexOf("//") + 2) : authorityOf(origin, sent);
}

/** Where the path begins: 0 for a bare path, -1 where there is none (`*`). */
function pathStart(url: string): number {
  if (url.charCodeAt(0) === SLASH) return 0;
  const authority = url.indexOf("://");
  return authority === -1 ? -1 : url.indexOf("/", authority + 3);
}

/** Refuses framing that two readers could read differently (RFC 9112 section 6.3). */
function checkFraming(method: string, headers: Fields, limits: RequestLimits): BadRequest | undefined {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding === null && length === null) return undefined;
  if (coding !== null && coding.toLowerCase() !== "chunked") return BAD_CODING;
  if (coding !== null && length !== null) return TWO_LENGTHS;
  if (length !== null && !/^[0-9]{1,15}$/.test(length)) return BAD_LENGTH;
  // Servers built on the fetch standard drop such a body without a word; passing on the rest would change its meaning.
  const hasBody = coding !== null || Number(length) !== 0;
  if (hasBody && (method === "GET" || method === "HEAD")) return GET_BODY;
  return limits.body_bytes !== 0 && Number(length) > limits.body_bytes ? LARGE_BODY : undefined;
}

/** Refuses a body that says that it is too large. */
function checkSize(headers: Fields, { body_bytes }: RequestLimits): BadRequest | undefined {
  return body_bytes !== 0 && Number(headers.get("content-length")) > body_bytes ? LARGE_BODY : undefined;
}
