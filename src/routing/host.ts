/** One of a route's `hosts` in the form requests are compared with. */
export type HostRule =
  | { kind: "any" }
  | { kind: "exact"; host: string }
  /** `suffix` begins with the dot after the `*`. */
  | { kind: "wildcard"; suffix: string };

/**
 * One of a route's `hosts`, in lower case and without port as the config schema gives it, or undefined for a route that
 * names none. `*.example.org` stands for one or more labels before `.example.org`, as in the Gateway API, and not for
 * the bare domain.
 */
export function parseHost(host: string | undefined): HostRule {
  if (host === undefined) return { kind: "any" };
  return host.startsWith("*.") ? { kind: "wildcard", suffix: host.slice(1) } : { kind: "exact", host };
}

/** A request's host without the closing dot of a fully qualified name. */
export function requestHost(host: string): string {
  return host.length > 1 && host.charCodeAt(host.length - 1) === 46 ? host.slice(0, -1) : host;
}
