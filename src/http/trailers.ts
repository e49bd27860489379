import { ONE_HOP } from "./fields.ts";
import { Fields } from "./header-fields.ts";

/**
 * What a receiver has to know before it reads the content, or never takes from behind it (RFC 9110 section 6.5.1):
 * framing, routing, request modifiers, authentication, response controls and the format of the content.
 */
const BEFORE_CONTENT: ReadonlySet<string> = new Set([
  ...ONE_HOP,
  "content-length",
  "host",
  "authorization",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "www-authenticate",
  "authentication-info",
  "cookie",
  "set-cookie",
  "cache-control",
  "expect",
  "max-forwards",
  "pragma",
  "range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "age",
  "date",
  "expires",
  "location",
  "retry-after",
  "vary",
  "warning",
  "content-encoding",
  "content-range",
  "content-type",
]);

/** Whether a field of this name, in lower case, may stand behind a body. */
export const mayTrail = (lower: string): boolean => !BEFORE_CONTENT.has(lower);

/** Those of the fields behind a body that may stand there; undefined: there are none. */
export function allowedTrailers(trailers: Fields | undefined): Fields | undefined {
  if (trailers === undefined) return undefined;
  const allowed = new Fields();
  trailers.forEachLine((name, value) => {
    if (mayTrail(name.toLowerCase())) allowed.append(name, value);
  });
  return allowed.size === 0 ? undefined : allowed;
}
