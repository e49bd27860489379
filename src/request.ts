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
