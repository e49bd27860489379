/**
 * What went wrong between the gateway and a pod.
 * - `connect`: no connection, so nothing was sent.
 * - `tls`: connected, but the pod's certificate or handshake was refused; nothing was sent.
 * - `reset`: the connection ended before the answer's headers; the request may have been carried out.
 * - `invalid`: what came back is not HTTP.
 * - `aborted`: a signal of ours ended it; the signal's owner knows why.
 * - `refused`: the runtime would not send such a request at all; no pod is to blame.
 */
export type UpstreamFailure = "connect" | "tls" | "reset" | "invalid" | "aborted" | "refused";

/** What a client of ours knows of a failure, for the log. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
  readonly failure: UpstreamFailure;

  constructor(failure: UpstreamFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** `code` of the error or its cause, as Node and Bun (1.4.5) give it. */
const BY_CODE: Readonly<Record<string, UpstreamFailure>> = {
  ECONNREFUSED: "connect",
  ConnectionRefused: "connect",
  FailedToOpenSocket: "connect",
  ENOTFOUND: "connect",
  EAI_AGAIN: "connect",
  DNSLookupFailed: "connect",
  EHOSTUNREACH: "connect",
  ENETUNREACH: "connect",
  EHOSTDOWN: "connect",
  EADDRNOTAVAIL: "connect",
  ETIMEDOUT: "connect",
  ConnectionTimeout: "connect",
  ECONNRESET: "reset",
  EPIPE: "reset",
  ConnectionClosed: "reset",
  Malformed_HTTP_Response: "invalid",
  InvalidHTTPResponse: "invalid",
  EPROTO: "tls",
};

/** Bun's and Node's names for a certificate or handshake that was refused. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)|TLS|CERTIFICATE/;

/** Bun names what its parser could not read after the thing itself: `HTTPHeadersOverflow`, `UnexpectedChunkedBody` … */
const ANSWER_CODE = /HTTP|Chunk|Header|Response/;

/** Deno and Workers give no code: their words, in the order they are looked for. */
const BY_MESSAGE: readonly (readonly [RegExp, UpstreamFailure])[] = [
  [/certificate|handshake|tls/i, "tls"],
  [
    /tcp connect error|dns error|connection refused|failed to lookup|error trying to connect|client error \(Connect\)/i,
    "connect",
  ],
  [/invalid HTTP|parse error|version parsed/i, "invalid"],
  [/connection (closed|reset|lost)|incomplete message|broken pipe|SendRequest/i, "reset"],
  [/port \d+ are blocked/, "refused"],
];

/** What an error and its cause say, without the URL: that may have any word in it. */
const wordsOf = (error: Error): string =>
  `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`.replace(/\bhttps?:\/\/\S+/g, "");

/** Sorts errors by what the runtimes say. What is not known counts as `reset`: it is never safe to repeat. */
export function classify(error: unknown): UpstreamFailure {
  if (!(error instanceof Error)) return "aborted";
  if (error instanceof UpstreamError) return error.failure;
  if (error.name === "AbortError" || error.name === "TimeoutError") return "aborted";
  const code = codeOf(error) ?? codeOf(error.cause);
  if (code !== undefined) {
    const known = BY_CODE[code];
    if (known !== undefined) return known;
    if (TLS_CODE.test(code)) return "tls";
    if (code.startsWith("ERR_INVALID")) return "refused";
    if (ANSWER_CODE.test(code)) return "invalid";
  }
  const said = wordsOf(error);
  for (const [words, failure] of BY_MESSAGE) if (words.test(said)) return failure;
  return "reset";
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
