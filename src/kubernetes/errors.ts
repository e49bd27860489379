import { describeRight, type RbacVerb, rightTo } from "./rbac.ts";
import type { Collection } from "./types.ts";

/**
 * What went wrong with the apiserver, by what a caller does about it.
 *
 * - `unreachable`: no answer: connection, TLS, name, time-out, or a stream that broke
 * - `unauthorized`: 401, the credentials are not accepted
 * - `forbidden`: 403, an RBAC rule is missing
 * - `gone`: 410 in any form: the version (or continue token) is no longer there, list again
 * - `too_large_version`: the server does not know that version yet: list again without one
 * - `throttled`: 429
 * - `rejected`: the server refused the query itself (400, 405, 422 …): asking again does not help
 * - `not_found`: 404, the server does not offer this resource
 * - `server`: 5xx, or a watch that the server ended too soon
 * - `garbage`: the answer is not what the Kubernetes API gives
 */
export type ApiErrorCode =
  | "unreachable"
  | "unauthorized"
  | "forbidden"
  | "gone"
  | "too_large_version"
  | "throttled"
  | "rejected"
  | "not_found"
  | "server"
  | "garbage";

/** Beside an `ApiError`'s code and message. */
export interface ApiErrorDetails {
  /** The HTTP status, or the code of the Status object; undefined without an answer. */
  status?: number | undefined;
  /** The apiserver's own word: `Expired`, `Forbidden`, `NotFound` … */
  reason?: string | undefined;
  /** How long the server asked us to wait, milliseconds. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Any failure of a call to the apiserver. The message is for people and never holds a secret. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly code: ApiErrorCode;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ApiErrorCode, message: string, details: ApiErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/**
 * Why one object is left out: it has no name or namespace; it is of another kind; a field is not of its type; it is
 * nested too deeply to be read.
 */
export const SKIP_REASONS = ["identity", "kind", "field", "nesting"] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** A decoder was given something that cannot be the object it decodes. */
export class InvalidObjectError extends Error {
  override name = "InvalidObjectError";
  readonly reason: SkipReason;

  constructor(message: string, reason: SkipReason = "field") {
    super(message);
    this.reason = reason;
  }
}

/** A message from outside is cut here: a status line, not a page. */
const MESSAGE_LIMIT = 400;

/** The text on one line, without control characters, at most `MESSAGE_LIMIT` characters. */
export function shorten(text: string, limit: number = MESSAGE_LIMIT): string {
  const line = text
    .slice(0, limit * 4)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length <= limit ? line : `${line.slice(0, limit)}…`;
}

/**
 * The longest `Retry-After` we follow: a server that asks for a day is obeyed for five minutes, then asked again, or
 * one wrong header would end discovery.
 */
const RETRY_AFTER_LIMIT_MS = 300_000;

/** `Retry-After` (seconds or an HTTP date, RFC 9110 section 10.2.3) as milliseconds from now; undefined: neither. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_LIMIT_MS);
}

/** What we read of a `Status` object (meta/v1). */
interface StatusFields {
  code?: number | undefined;
  reason?: string | undefined;
  message?: string | undefined;
  retryAfterMs?: number | undefined;
  tooLarge: boolean;
}

/** True for a JSON object. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Reads a `Status` leniently: some servers and proxies send only a part of it. */
function readStatus(body: unknown): StatusFields {
  const status = isRecord(body) ? body : {};
  const details = isRecord(status.details) ? status.details : {};
  const causes = Array.isArray(details.causes) ? details.causes : [];
  const message = textOf(status.message);
  return {
    code: typeof status.code === "number" ? status.code : undefined,
    reason: textOf(status.reason),
    message,
    retryAfterMs:
      typeof details.retryAfterSeconds === "number" && details.retryAfterSeconds > 0
        ? Math.min(details.retryAfterSeconds * 1000, RETRY_AFTER_LIMIT_MS)
        : undefined,
    tooLarge:
      causes.some((cause) => isRecord(cause) && cause.reason === "ResourceVersionTooLarge") ||
      /too large resource version/i.test(message ?? ""),
  };
}

function codeOf(status: number | undefined, fields: StatusFields): ApiErrorCode {
  if (fields.tooLarge) return "too_large_version";
  if (status === 410 || fields.reason === "Expired" || fields.reason === "Gone") return "gone";
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 408:
      return "server";
    case 429:
      return "throttled";
  }
  if (status === undefined || status >= 500) return "server";
  return status >= 400 ? "rejected" : "garbage";
}

/** What was asked, for error messages. */
export interface ErrorContext {
  readonly verb: RbacVerb;
  readonly collection?: Collection | undefined;
  /** Whose apiserver: `https://10.0.0.1:6443`. */
  readonly server?: string | undefined;
  /** False: no CA was given, and the machine's own are trusted. */
  readonly givesCa?: boolean | undefined;
}

/** What was asked for and where, behind a verb: ` endpointslices in all namespaces at https://10.0.0.1:6443`. */
export function describeTarget({ collection, server }: Pick<ErrorContext, "collection" | "server">): string {
  const what = collection === undefined ? "" : ` ${describeCollection(collection)}`;
  return server === undefined ? what : `${what} at ${server}`;
}

/** The RBAC rule that reading this collection needs, as a sentence's end. Who may list is mostly to watch as well. */
export function explainForbidden(collection: Collection, verb: RbacVerb = "list"): string {
  return `needs ${describeRight(rightTo(verb === "get" ? ["get"] : ["list", "watch"], collection))}`;
}

/** `endpointslices in namespace shop`, `endpoints in all namespaces`. */
export function describeCollection(collection: Collection): string {
  const where = collection.namespace === undefined ? "all namespaces" : `namespace ${collection.namespace}`;
  return `${collection.resource} in ${where}`;
}

/**
 * The error of an answer that is not a success, or of a watch's ERROR event.
 *
 * @param status the HTTP status; undefined for an ERROR event, whose Status object holds its own
 * @param body the decoded answer, if it was JSON; else undefined
 * @param retryAfterMs what the `Retry-After` header asked for
 */
export function statusError(
  status: number | undefined,
  body: unknown,
  context: ErrorContext,
  retryAfterMs?: number,
): ApiError {
  const fields = readStatus(body);
  const effective = status ?? fields.code;
  const code = codeOf(effective, fields);
  const said = fields.message === undefined ? undefined : shorten(fields.message);
  const quoted = said === undefined ? "" : `; the apiserver said: ${said}`;
  const target = describeTarget(context);
  const number = effective === undefined ? "" : ` (${effective})`;
  const because = said === undefined ? "" : `: ${said}`;
  const words: Record<ApiErrorCode, string> = {
    unreachable: `no answer${because}`,
    unauthorized: `the apiserver does not accept the credentials${number}${because}`,
    forbidden:
      context.collection === undefined
        ? `forbidden${number}${because}`
        : `forbidden${number}: ${explainForbidden(context.collection, context.verb)}${quoted}`,
    gone: `the resource version is gone${number}${because}`,
    too_large_version: `the apiserver does not know this resource version yet${number}${because}`,
    throttled: `the apiserver asks for fewer requests${number}${because}`,
    rejected: `the apiserver refused the query${number}${because}`,
    not_found: `the apiserver does not offer it${number}${because}`,
    server: `the apiserver failed${number}${because}`,
    garbage: `the answer is not of the Kubernetes API${number}${because}`,
  };
  return new ApiError(code, `cannot ${context.verb}${target}: ${words[code]}`, {
    status: effective,
    reason: fields.reason,
    retryAfterMs: retryAfterMs ?? fields.retryAfterMs,
  });
}

/**
 * What network and TLS failures mean. The codes are OpenSSL's, as Node and Bun report them; the texts are those of
 * rustls (Deno).
 * https://docs.openssl.org/3.0/man1/openssl-verification-options/
 */
const TLS_WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT|UnknownIssuer|CERT_SIGNATURE_FAILURE/i,
    "certificate not signed by the given CA",
  ],
  [/CERT_HAS_EXPIRED|certificate expired|CertExpired|invalid peer certificate: Expired/i, "certificate has expired"],
  [/CERT_NOT_YET_VALID|NotValidYet/i, "certificate is not valid yet (is this machine's clock right?)"],
  [/ERR_TLS_CERT_ALTNAME_INVALID|NotValidForName/i, "certificate is for other names"],
  [/CERT_REVOKED|Revoked/, "certificate was revoked"],
  [/EPROTO|ERR_SSL|handshake/i, "the TLS handshake failed (does it speak TLS, and does it want a client certificate?)"],
  [
    /FailedToOpenSocket/,
    "no connection could be opened (are the CA, certificate and key files valid PEM, and do they fit?)",
  ],
  [/ECONNREFUSED|connection refused/i, "connection refused"],
  [/ECONNRESET|EPIPE|socket connection was closed|connection reset/i, "connection lost"],
  [/ENOTFOUND|EAI_|getaddrinfo|failed to lookup address/, "name not found"],
  [/ETIMEDOUT|TimeoutError|timed out/i, "timed out"],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to it"],
  [/ZlibError|Decompress|incorrect header check/i, "the compressed answer is broken"],
];

/** The first of the words above, where there was no CA to be signed by. */
const NO_CA =
  "certificate not signed by a CA that this machine trusts, and no CA is given " +
  "(service.ca_file, or a kubeconfig's certificate-authority)";

/** Why a request got no answer. `givesCa` false: the machine's own CAs were trusted. */
export function describeNetworkFailure(cause: unknown, givesCa: boolean = true): string {
  if (!(cause instanceof Error)) return shorten(String(cause));
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const names = /certificate is for other names: .*/.exec(cause.message);
  if (names !== null) return shorten(names[0]);
  const text = `${code} ${cause.name} ${cause.message}`;
  const known = TLS_WORDS.find(([pattern]) => pattern.test(text));
  if (known !== undefined) return known === TLS_WORDS[0] && !givesCa ? NO_CA : known[1];
  const inner = cause.cause instanceof Error ? describeNetworkFailure(cause.cause, givesCa) : undefined;
  return inner ?? shorten(cause.message);
}

/** Any thrown thing as an `ApiError`: what is none yet means that the network, TLS or the stream failed. */
export function toApiError(error: unknown, context: ErrorContext): ApiError {
  if (error instanceof ApiError) return error;
  const target = describeTarget(context);
  if (error instanceof InvalidObjectError) {
    return new ApiError("garbage", `cannot ${context.verb}${target}: ${shorten(error.message)}`, { cause: error });
  }
  return new ApiError(
    "unreachable",
    `cannot ${context.verb}${target}: ${describeNetworkFailure(error, context.givesCa)}`,
    {
      cause: error,
    },
  );
}
