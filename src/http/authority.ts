import { memoize } from "../base/memoize.ts";

/** The host in lower case without port; null: not a host (RFC 9110 section 7.2; two `Host` lines come as a list). */
export const hostOf = memoize((authority: string): string | null => {
  const bracket = authority.charCodeAt(0) === 91 ? authority.indexOf("]") : -1;
  const colon = authority.indexOf(":", bracket === -1 ? 0 : bracket);
  const host = colon === -1 ? authority : authority.slice(0, colon);
  if (!(bracket === -1 ? HOST_NAME : HOST_IPV6).test(host)) return null;
  // An IPv6 address has two colons at least; asked for by the expression, that would take a time that grows with the square.
  if (bracket !== -1 && host.indexOf(":") === host.lastIndexOf(":")) return null;
  if (colon !== -1 && !isPort(authority.slice(colon + 1))) return null;
  return host.toLowerCase();
});
/**
 * Without escapes and empty labels, though RFC 3986 section 3.2.2 has them: a pod or a cache may read such a name as a
 * plain one, whose route would be another.
 */
const HOST_NAME = /^(?!\.)(?!.*\.\.)[A-Za-z0-9._~!$&'()*+;=-]*$/;
const HOST_IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;
const PORT = /^[0-9]{0,5}$/;
const isPort = (text: string): boolean => PORT.test(text) && Number(text) <= 65_535;

/** The authority a URL writes, in the form in which the URL standard has it. */
const normal = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);

const governing = memoize((both: string): string => {
  const [origin = "", sent = ""] = both.split(" ");
  const start = origin.indexOf("://") + 3;
  const own = normal(`${origin.slice(0, start)}${sent}`);
  return own === undefined || own === normal(origin) ? sent : origin.slice(start);
});

/**
 * The authority that counts: the request target's where it is another than the `Host` field's (absolute-form, RFC 9112
 * section 3.2.2; `:authority`, RFC 9113 section 8.3.1). `origin` is the URL's beginning as the runtime's server hands
 * it over, without a closing slash; a server that makes it of `Host` shows nothing else.
 */
export function authorityOf(origin: string, sent: string): string {
  const same = origin.endsWith(sent) && origin.charCodeAt(origin.length - sent.length - 1) === 47;
  return same || sent.includes(" ") ? sent : governing(`${origin} ${sent}`);
}
