import { Fields } from "../header-fields.ts";
import type { RefusedRequest } from "../http1/read-request.ts";
import { mayTrail } from "../trailers.ts";
import type { FieldLine } from "./field-line.ts";
import { fieldKindsIn, kindOfLine, LINE, roleIn } from "./line-kind.ts";
import { WEBSOCKET_KINDS } from "./websocket-fields.ts";

/** 15 digits are below 2^53: every number of them is exact. */
const LENGTH = /^[0-9]{1,15}$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Longest method: RFC 9110 section 9.1 sets none, those registered have up to 16 characters. */
const METHOD_BYTES = 64;
/** So much of a refused target is kept: the log must not grow with what was refused for its length. */
const SHOWN_TARGET = 256;
/** What a target cannot have: a space, and a fragment, which two readers would cut differently. */
const NOT_A_TARGET = /[ #]/;

/** What the head of a request says; a refused one has a `problem`. */
export interface Http2RequestHead {
  /** GET for a tunnel (RFC 8441), which HTTP/1 opens with it. */
  readonly method: string;
  readonly path: string;
  readonly authority: string | undefined;
  readonly fields: Fields;
  /** `FIELD` kinds of all names. */
  readonly kinds: number;
  readonly length: number | undefined;
  readonly expectsContinue: boolean;
  /** It opens a WebSocket (RFC 8441): the stream becomes a tunnel. */
  readonly webSocket: boolean;
  readonly problem: undefined;
}

/** Limits of `server.limits`; 0 is none. */
export interface RequestFieldLimits {
  /** Fields, without pseudo-fields and with a cookie as one. */
  readonly headers: number;
  /** Of path and query. */
  readonly url_bytes: number;
}

type Problem = RefusedRequest["problem"];

/**
 * Reads the field lines of a request (RFC 9113 sections 8.2 and 8.3). `complete`: whether they are all there; those that are
 * not were beyond the limits. `endStream`: no body follows. undefined: it is malformed, and its stream is to be reset.
 */
export function readRequestFields(
  lines: readonly FieldLine[],
  complete: boolean,
  endStream: boolean,
  limits: RequestFieldLimits,
): Http2RequestHead | RefusedRequest | undefined {
  let method: string | undefined;
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let protocol: string | undefined;
  let host: string | undefined;
  let length: string | undefined;
  let expect: string | undefined;
  let cookie: string | undefined;
  let crumbs = 0;
  let kinds = 0;
  let hosts = 0;
  let regular = false;
  const fields = new Fields();
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const { name, value } = line;
    const kind = kindOfLine(line);
    const role = roleIn(kind);
    if (role >= LINE.method && role <= LINE.protocol) {
      // Pseudo-fields stand before all others, and once each (section 8.3).
      if (regular) return undefined;
      switch (role) {
        case LINE.method:
          if (method !== undefined) return undefined;
          method = value;
          break;
        case LINE.scheme:
          if (scheme !== undefined) return undefined;
          scheme = value;
          break;
        case LINE.path:
          if (path !== undefined) return undefined;
          path = value;
          break;
        case LINE.authority:
          if (authority !== undefined) return undefined;
          authority = value;
          break;
        default:
          if (protocol !== undefined) return undefined;
          protocol = value;
      }
      continue;
    }
    regular = true;
    kinds |= fieldKindsIn(kind);
    switch (role) {
      case LINE.plain:
        break;
      case LINE.malformed:
        return undefined;
      case LINE.cookie:
        cookie = cookie === undefined ? value : `${cookie}; ${value}`;
        if (++crumbs > 1) continue;
        break;
      case LINE.host:
        host = value;
        hosts++;
        break;
      case LINE.contentLength:
        // Repeated, it might be read as the first, the last or a list (RFC 9110 section 8.6).
        if (length !== undefined || !LENGTH.test(value)) return undefined;
        length = value;
        break;
      default:
        expect = expect === undefined ? value : `${expect}, ${value}`;
    }
    fields.push(name, name, value);
  }
  // Without it there was nothing to go on with; what the limits cut off may have had the others.
  const refuse = (detail: string, problem: Problem = "bad_request", status?: number): RefusedRequest => ({
    problem,
    status,
    detail,
    method: (method ?? "").slice(0, METHOD_BYTES),
    target: (path ?? "").slice(0, SHOWN_TARGET),
  });
  if (!complete || (limits.headers !== 0 && fields.size > limits.headers))
    return refuse("The header fields are larger or more than the gateway's limit", "headers_too_large");
  if (method === undefined || !METHOD.test(method)) return undefined;
  if (method.length > METHOD_BYTES) return refuse("The method is longer than any known", "not_supported");
  const webSocket = protocol !== undefined;
  if (method === "CONNECT") {
    // Section 8.5 has no scheme and no path; RFC 8441 section 4 has both.
    if (webSocket ? scheme === undefined || path === undefined : scheme !== undefined || path !== undefined) {
      return undefined;
    }
    if (authority === undefined) return undefined;
    if (protocol !== "websocket") {
      return refuse("The gateway opens no tunnels with CONNECT but for WebSocket", "not_supported");
    }
    if (length !== undefined || endStream) return refuse("A request that opens a tunnel has no body and no end");
  } else if (webSocket || scheme === undefined || path === undefined) return undefined;
  if (endStream && length !== undefined && Number(length) > 0) return undefined;
  if (scheme !== "http" && scheme !== "https") return refuse("The scheme is neither http nor https");
  if (hosts > 1) return refuse("There is more than one Host header");
  if (host !== undefined && authority !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    return refuse("The Host header is another than :authority");
  }
  if (host === undefined && authority === undefined) return refuse("There is neither :authority nor a Host header");
  if (path!.charCodeAt(0) !== 47 && !(path === "*" && method === "OPTIONS")) {
    return refuse("The path does not begin with a slash");
  }
  if (NOT_A_TARGET.test(path!)) return refuse("The path has a fragment or a space");
  if (limits.url_bytes !== 0 && path!.length > limits.url_bytes) {
    return refuse("The path and query are longer than the gateway's limit", "url_too_long");
  }
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return refuse("The only known expectation is 100-continue", "not_supported", 417);
  }
  // Crumbs become one line, in the place of the first (section 8.2.3).
  if (crumbs > 1) fields.set("cookie", cookie!);
  return {
    method: webSocket ? "GET" : method,
    path: path!,
    authority,
    fields,
    kinds: webSocket ? kinds | WEBSOCKET_KINDS : kinds,
    length: length === undefined ? undefined : Number(length),
    expectsContinue: expect !== undefined,
    webSocket,
    problem: undefined,
  };
}

/** Reads the fields behind a body (RFC 9113 section 8.1): those that may stand there. undefined: they are malformed. */
export function readTrailerFields(lines: readonly FieldLine[]): Fields | undefined {
  const fields = new Fields();
  for (const line of lines) {
    const role = roleIn(kindOfLine(line));
    if (role === LINE.malformed || (role >= LINE.method && role <= LINE.protocol)) return undefined;
    if (mayTrail(line.name)) fields.push(line.name, line.name, line.value);
  }
  return fields;
}
