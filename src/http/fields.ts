import { memoize } from "../base/memoize.ts";

/**
 * What the gateway knows of a request's fields by their names, each kind with a bit of its own: the kinds of all fields
 * of a request are one number, and the cost of a field is one look into a map.
 */
export const FIELD = {
  /** Names fields that are good for one hop only. */
  connection: 1,
  upgrade: 1 << 1,
  /** `Content-Length` and `Transfer-Encoding`. */
  framing: 1 << 2,
  contentType: 1 << 3,
  requestId: 1 << 4,
  forwardedFor: 1 << 5,
  forwardedProto: 1 << 6,
  forwardedHost: 1 << 7,
  forwardedPort: 1 << 8,
  forwarded: 1 << 9,
  realIp: 1 << 10,
  /** Good for one hop, or addressed to the gateway itself: it stops here. */
  oneHop: 1 << 11,
  /** Says who the client is or what it asked for first: believed of trusted proxies only. */
  forwarding: 1 << 12,
  /** Said by the gateway and by no one else, or a spelling with `_` and its like of a name of those kinds. */
  gatewayOnly: 1 << 13,
  /** Any other name with `_`, or with another character that some pods read as `-`. */
  underscore: 1 << 14,
  expect: 1 << 15,
} as const;

/** Good for one hop only (RFC 9110 section 7.6.1): stopped here in both directions. */
export const ONE_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;

/**
 * Addressed to this gateway, not to the pod behind it. `Expect` is written again where its client waits for an interim
 * answer.
 */
const REQUEST_STOPS: ReadonlySet<string> = new Set([...ONE_HOP, "proxy-authorization", "expect", "http2-settings"]);

/** Names that describe the client or its first request, and what such names begin with. */
const FORWARDING: ReadonlySet<string> = new Set([
  "forwarded",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-envoy-external-address",
  "x-originating-ip",
  "x-remote-addr",
  "x-remote-ip",
  "client-ip",
  "true-client-ip",
  "fastly-client-ip",
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  // Who ends TLS has to remove these (RFC 9440 section 2.4).
  "client-cert",
  "client-cert-chain",
  "front-end-https",
  "x-scheme",
  "x-url-scheme",
  // Some pods take it for the path, whatever the request line says.
  "x-rewrite-url",
]);
const FORWARDING_FAMILY = /^x-(?:forwarded|original|credential)(?:-|$)/;
/** Says who asks: set by middleware, never accepted from a peer. */
const IDENTITY_FAMILY = /^x-consumer(?:-|$)/;

/** What the gateway writes itself; a pod that reads `_` as `-` would take another spelling for it. */
const WRITTEN: ReadonlySet<string> = new Set(["content-length", "x-request-id"]);
const HANDSHAKE_FAMILY = /^sec-websocket-/;

const OWN_BITS: Readonly<Record<string, number>> = {
  connection: FIELD.connection,
  upgrade: FIELD.upgrade,
  "content-length": FIELD.framing,
  "transfer-encoding": FIELD.framing,
  "content-type": FIELD.contentType,
  expect: FIELD.expect,
  "x-request-id": FIELD.requestId,
  "x-forwarded-for": FIELD.forwardedFor,
  "x-forwarded-proto": FIELD.forwardedProto,
  "x-forwarded-host": FIELD.forwardedHost,
  "x-forwarded-port": FIELD.forwardedPort,
  forwarded: FIELD.forwarded,
  "x-real-ip": FIELD.realIp,
};

const isForwarding = (name: string): boolean => FORWARDING.has(name) || FORWARDING_FAMILY.test(name);

/** What a pod may read as `-`: all of a token (RFC 9110 section 5.6.2) but letters, digits and `-` itself. */
const LIKE_DASH = /[^a-z0-9-]/;

/**
 * A name, in lower case, as a pod may read it: CGI and what descends from it (WSGI, PHP) make `_` of `-`, PHP of a dot
 * as well, and lighttpd and old Apache of all that is neither letter nor digit.
 */
export const readAsDashes = (name: string): string => name.replace(/[^a-z0-9-]/g, "-");

/** The kinds of a field, by its name in lower case. */
export const kindsOf: (name: string) => number = memoize((name) => {
  if (!LIKE_DASH.test(name)) {
    let kinds = OWN_BITS[name] ?? 0;
    if (REQUEST_STOPS.has(name)) kinds |= FIELD.oneHop;
    if (isForwarding(name)) kinds |= FIELD.forwarding;
    if (IDENTITY_FAMILY.test(name)) kinds |= FIELD.gatewayOnly;
    return kinds;
  }
  const read = readAsDashes(name);
  const taken =
    REQUEST_STOPS.has(read) ||
    WRITTEN.has(read) ||
    HANDSHAKE_FAMILY.test(read) ||
    isForwarding(read) ||
    IDENTITY_FAMILY.test(read);
  return taken ? FIELD.gatewayOnly : FIELD.underscore;
});

/** What is known of a request's fields. */
interface Known {
  /** The kinds of all that the client sent; left out: not known. */
  readonly fields?: number | undefined;
  /** A middleware may have changed them since. */
  readonly touched?: boolean | undefined;
}

/** Whether a field of these kinds may be there: true also where that is not known. */
export const mayHave = ({ fields, touched }: Known, kinds: number): boolean =>
  fields === undefined || touched === true || (fields & kinds) !== 0;
