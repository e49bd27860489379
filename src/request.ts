import type { Trust } from "./proxy/trust.ts";

/** What routing, balancing and proxying read of a request: taken apart once, shared by all of them. */
export interface RequestFacts {
  /** As sent: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** How the client reached the gateway. */
  readonly scheme: "http" | "https";
  /** The request's host, lower case, without port; an IPv6 literal in brackets. "" where there is none. */
  readonly host: string;
  /** The `Host` header as sent. */
  readonly authority: string;
  /** The path as the runtime's server handed it over: percent-encoded, begins with /, no query. */
  readonly path: string;
  /** The query with its `?`, or "". */
  readonly search: string;
  readonly headers: Headers;
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

/** What reading a request depends on. */
export interface ReadOptions {
  readonly trusts: Trust;
  readonly limits: RequestLimits;
}

/** A request that must not be passed on: the problem to answer with. */
export interface BadRequest {
  readonly problem: "bad_request" | "url_too_long" | "headers_too_large" | "body_too_large" | "not_supported";
  /** Outward words. */
  readonly detail: string;
}

/**
 * Takes a request apart, once. `peer` is the address of the connection's other end ("" where the runtime hides it).
 * A shape that RFC 9112 forbids and the runtime's server let through, and a path that fetch would change, is a BadRequest.
 */
export declare function readFacts(
  request: Request,
  peer: string,
  scheme: "http" | "https",
  options: ReadOptions,
): RequestFacts | BadRequest;
