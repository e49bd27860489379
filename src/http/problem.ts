import { Fields } from "./header-fields.ts";
import type { HttpAnswer } from "./message.ts";

/**
 * Every answer the gateway makes itself: code to status and title. The codes are part of the contract with clients; the
 * words are all the outside may read (no addresses, no names of other services).
 */
const PROBLEMS = {
  bad_request: [400, "Bad request"],
  ambiguous_path: [400, "The path can be read in several ways"],
  unauthorized: [401, "Not authenticated"],
  forbidden: [403, "Not allowed"],
  no_route: [404, "No route matches"],
  request_timeout: [408, "Request took too long to arrive"],
  body_too_large: [413, "Request body is too large"],
  url_too_long: [414, "URL is too long"],
  expectation_failed: [417, "Expectation cannot be met"],
  rate_limited: [429, "Too many requests"],
  headers_too_large: [431, "Request headers are too large"],
  /** The client left first: for logs and counters alone (as nginx's 499). */
  client_gone: [499, "Client closed the request"],
  internal: [500, "Gateway error"],
  not_supported: [501, "Not supported"],
  upstream_connect: [502, "Upstream cannot be reached"],
  upstream_reset: [502, "Upstream broke off"],
  no_endpoints: [503, "Service has no ready endpoint"],
  not_synced: [503, "Service is not known yet"],
  service_unknown: [503, "Service is unknown"],
  port_unknown: [503, "Service has no such port"],
  overloaded: [503, "Gateway has too much to do"],
  draining: [503, "Gateway is stopping"],
  upstream_timeout: [504, "Upstream took too long"],
} as const satisfies Record<string, readonly [number, string]>;

/** What a problem answer can be about. */
export type ProblemCode = keyof typeof PROBLEMS;

/** All codes there are. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

/** A client that comes back sooner finds the same: discovery and ejection move on this scale. In seconds. */
const RETRY_AFTER: Partial<Record<ProblemCode, string>> = {
  no_endpoints: "1",
  not_synced: "1",
  rate_limited: "1",
  overloaded: "1",
  draining: "1",
};

/** More about a problem than its words. */
export interface ProblemExtra {
  /** For a HEAD request: the same headers, no body (RFC 9110 section 9.3.2). */
  readonly head?: boolean | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Another status than the code's own. */
  readonly status?: number | undefined;
}

/** The status that goes with a code. */
export const problemStatus = (code: ProblemCode): number => PROBLEMS[code][0];

/** What a code is called in words. */
export const problemTitle = (code: ProblemCode): string => PROBLEMS[code][1];

/** An answer of the gateway itself, `application/problem+json` (RFC 9457). `detail` is outward: no addresses in it. */
export function problem(code: ProblemCode, detail: string, extra: ProblemExtra = {}): HttpAnswer {
  const [own, title] = PROBLEMS[code];
  const status = extra.status ?? own;
  const body = JSON.stringify({ type: `urn:podway:problem:${code}`, code, status, title, detail });
  const headers = new Fields();
  headers.append("content-type", "application/problem+json");
  headers.append("cache-control", "no-store");
  const after = RETRY_AFTER[code];
  if (after !== undefined) headers.append("retry-after", after);
  for (const [name, value] of Object.entries(extra.headers ?? {})) headers.set(name, value);
  headers.append("content-length", String(new TextEncoder().encode(body).length));
  return { status, statusText: "", headers, body: extra.head ? null : body };
}
