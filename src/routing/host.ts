/** A configured host in the form requests are compared in. */
export type HostRule =
  | { kind: "any" }
  | { kind: "exact"; host: string }
  /** `suffix` begins with the dot after the `*`. */
  | { kind: "wildcard"; suffix: string };

/** A host name or address without its port and closing dot; an IPv6 address in brackets, as requests write it. */
const bare = (host: string): string => {
  if (/^[0-9a-f:.]*:[0-9a-f.]*:[0-9a-f:.]*$/.test(host)) return `[${host}]`;
  return host.replace(/:[0-9]*$/, "").replace(/\.$/, "");
};

/** Names beyond ASCII are sent as punycode (RFC 5891), so that is what they are compared in. */
const toAscii = (host: string): string => {
  if (/^[\x20-\x7e]*$/.test(host)) return host;
  const url = URL.parse(`http://${host}`);
  return url === null ? host : url.hostname;
};

/**
 * A text of a route's `hosts`. Case, port and a closing dot do not count; `*.example.org` stands for one or more labels
 * before `.example.org`, as in the Gateway API, and not for the bare domain; `*` is every host, as is no host at all.
 */
export function parseHost(text: string): HostRule {
  const host = bare(text.trim().toLowerCase());
  if (host === "*") return { kind: "any" };
  if (host.startsWith("*.")) return { kind: "wildcard", suffix: `.${toAscii(host.slice(2))}` };
  return { kind: "exact", host: toAscii(host) };
}

/** A request's host without the closing dot of a fully qualified name. */
export function requestHost(host: string): string {
  return host.length > 1 && host.charCodeAt(host.length - 1) === 46 ? host.slice(0, -1) : host;
}
