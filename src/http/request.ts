import type { Clock } from "../base/clock.ts";
import { authorityOf, hostOf } from "./authority.ts";
import { clientAddress } from "./client-address.ts";
import { droppedKinds, takenAway, upgradeOf } from "./client-fields.ts";
import { FIELD, kindsOf } from "./fields.ts";
import { copyFields, type HeaderFields } from "./header-fields.ts";
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
  /** The path as it was sent, its dot segments resolved: percent-encoded, begins with /, no query. */
  readonly path: string;
  /** The query with its `?`, or "". */
  readonly search: string;
  /** Without what is good for one hop only, and without what only a trusted proxy may say. */
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
  /** The protocol that the client wants to go over to, in lower case; left out: none. */
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
  /** False where the runtime's server hands over headers that cannot be changed: a copy is. @default true */
  readonly mutableHeaders?: boolean | undefined;
  /** A peer that is no trusted proxy sent what only one may say. */
  onUntrusted?(peer: string): void;
}

/** A request that must not be passed on: the problem to answer with. */
export interface BadRequest {
  readonly problem: "bad_request" | "url_too_long" | "headers_too_large" | "body_too_large" | "not_supported";
  /** Outward words. */
  readonly detail: string;
}

/** The longest target of a refused request that is kept: the log must not grow with what was refused for its length. */
const SHOWN_TARGET = 256;

/** As much of a refused request as a log can show; nothing of it is trusted. */
export function refusedRequest(
  request: Pick<ClientRequest, "url" | "method" | "headers">,
  peer: string,
  scheme: "http" | "https",
  clock: Clock,
): IncomingRequest {
  const { method, url, headers } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const target = start === -1 ? "/" : url.slice(start, start + SHOWN_TARGET);
  const query = target.indexOf("?");
  return {
    started: clock.now(),
    method,
    scheme,
    host: "",
    port: "",
    authority: headers.get("host") ?? "",
    path: query === -1 ? target : target.slice(0, query),
    search: "",
    headers,
    peer,
    client: peer,
  };
}

/**
 * Takes a request apart, once. `peer` is the address of the connection's other end ("" where the runtime hides it),
 * `port` the one it was reached at. What ends at the gateway is taken out of the headers: in place where they can be
 * changed, unless the server needs them to accept an upgrade. A shape that RFC 9112 forbids and the runtime's server
 * let through, a fragment and an encoded control character are a BadRequest.
 */
export function parseRequest(
  request: Pick<ClientRequest, "url" | "method" | "headers">,
  peer: string,
  scheme: "http" | "https",
  options: ParseOptions,
  port: string = scheme === "https" ? "443" : "80",
): IncomingRequest | BadRequest {
  const started = options.clock.now();
  const { url, method, headers } = request;
  const sent = headers.get("host");
  const start = pathStart(url);
  if (start === -1 || method === "CONNECT" || method === "TRACE") return UNKNOWN_METHOD;
  // Bun hands over a bare path where `Host` is missing (HTTP/1.0), empty or not a host.
  if (start === 0 && sent !== null && sent !== "") return BAD_HOST;
  const origin = url.slice(0, start);
  const authority =
    sent === null ? origin.slice(origin.indexOf("//") + 2) : start === 0 ? "" : authorityOf(origin, sent);
  const host = hostOf(authority);
  if (host === null) return BAD_HOST;

  const { limits, trusts } = options;
  if (limits.url_bytes !== 0 && url.length - start > limits.url_bytes) return LONG_URL;
  if (url.indexOf("#", start) !== -1) return FRAGMENT;
  const query = url.indexOf("?", start);
  let path = query === -1 ? url.slice(start) : url.slice(start, query);
  if (NOT_PLAIN.test(path)) {
    if (CONTROL.test(path)) return CONTROL_CHARACTER;
    path = resolveDots(path);
  }
  const from = peer.startsWith("::ffff:") ? peer.slice(7) : peer;
  const trusted = trusts(from);
  const drops = droppedKinds(trusted, options.underscores === "drop");
  // Counts what the server made of the fields: lines of one name are one field by then.
  let count = 0;
  let size = 0;
  let fields = 0;
  let dropped: string[] | undefined;
  let underscored: string[] | undefined;
  headers.forEach((value, name) => {
    count++;
    // Four more: the colon, the space and the line's end.
    size += name.length + value.length + 4;
    const kinds = kindsOf(name);
    if (kinds === 0) return;
    fields |= kinds;
    if ((kinds & drops) !== 0) {
      dropped ??= [];
      dropped.push(name);
    } else if ((kinds & FIELD.underscore) !== 0) {
      underscored ??= [];
      underscored.push(name);
    }
  });
  if (limits.headers !== 0 && count > limits.headers) return MANY_HEADERS;
  if (limits.header_bytes !== 0 && size > limits.header_bytes) return LARGE_HEADERS;
  const bad = (fields & FIELD.framing) === 0 ? undefined : checkFraming(method, headers, limits);
  if (bad !== undefined) return bad;

  const client = trusted ? clientAddress(from, headers, trusts) : from;
  if (!trusted && (fields & FIELD.forwarding) !== 0) options.onUntrusted?.(from);
  const upgrade = (fields & FIELD.upgrade) === 0 ? undefined : upgradeOf(headers);
  let own: HeaderFields = headers;
  if (dropped !== undefined || (sent !== null && sent !== authority)) {
    if (options.mutableHeaders === false || upgrade !== undefined) own = copyFields(headers);
    if ((fields & FIELD.connection) !== 0) for (const name of takenAway(headers)) own.delete(name);
    if (dropped !== undefined) for (const name of dropped) own.delete(name);
    if (sent !== null && sent !== authority) own.set("host", authority);
  }
  return {
    started,
    method,
    scheme,
    host,
    port,
    authority,
    path,
    search: query === -1 ? "" : url.slice(query),
    headers: own,
    fields,
    touched: false,
    underscored,
    upgrade,
    peer: from,
    client,
  };
}

const SLASH = 47;
const CONTROL = /%(?:[01][0-9a-f]|7f)/i;
/** What has to be looked at twice: dots after a slash, and escapes of dots and of control characters. */
const NOT_PLAIN = /\/\.|%(?:[01][0-9a-f]|2e|7f)/i;

const refusal = (problem: BadRequest["problem"], detail: string): BadRequest => ({ problem, detail });
const UNKNOWN_METHOD = refusal("not_supported", "The gateway does not pass on CONNECT and TRACE");
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

/** Where the path begins: 0 for a bare path, -1 where there is none (CONNECT). */
function pathStart(url: string): number {
  if (url.charCodeAt(0) === SLASH) return 0;
  const authority = url.indexOf("://");
  return authority === -1 ? -1 : url.indexOf("/", authority + 3);
}

/** Refuses framing that two readers could read differently (RFC 9112 section 6.3). */
function checkFraming(method: string, headers: HeaderFields, limits: RequestLimits): BadRequest | undefined {
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
