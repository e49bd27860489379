import { hostOf } from "../authority.ts";

/** What the target of a request line says (RFC 9112 section 3.2). */
export interface RequestTarget {
  /** Path and query, or `*`. */
  readonly target: string;
  /** Of an absolute URL. */
  readonly authority: string | undefined;
}

const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/is;

/**
 * Reads a target that does not begin with a slash: `*` for OPTIONS (asterisk-form), or an absolute URL of http or https,
 * whose authority is a host with or without a port: with a user in it, it could be read in two ways (RFC 9110 section
 * 4.2.4). undefined: it is neither.
 */
export function readRequestTarget(method: string, sent: string): RequestTarget | undefined {
  if (sent === "*") return method === "OPTIONS" ? { target: "*", authority: undefined } : undefined;
  const parts = ABSOLUTE.exec(sent);
  if (parts === null) return undefined;
  const [, authority = "", path = ""] = parts;
  const host = hostOf(authority);
  if (host === null || host === "") return undefined;
  // RFC 9112 section 3.2.4.
  if (path === "" && method === "OPTIONS") return { target: "*", authority };
  return { target: path.startsWith("/") ? path : `/${path}`, authority };
}
