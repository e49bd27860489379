/** IP addresses and host names. */

/** One end of a TCP connection, or where to listen; then port 0 lets the system choose. */
export interface SocketAddress {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;

/** Whether a text is an IPv4 address of four decimal numbers. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => OCTET.test(part) && Number(part) <= 255);
}

/** Whether a text is an IPv6 address (RFC 4291 section 2.2), without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1);
  const endsInIpv4 = last?.includes(".") ?? false;
  const hex = endsInIpv4 ? groups.slice(0, -1) : groups;
  if (endsInIpv4 && !isIpv4(last!)) return false;
  const count = hex.length + (endsInIpv4 ? 2 : 0);
  return hex.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) && (halves.length === 2 ? count <= 7 : count === 8);
}

/**
 * An IP address in its canonical form (RFC 5952 section 4): two texts that mean one address become equal. An IPv4 end
 * is written in hexadecimal, as URLs write it. Anything else, names too, comes back as it is.
 */
export function canonicalAddress(text: string): string {
  if (!isIpv6(text)) return text;
  const [head, tail] = text.split("::");
  const groupsOf = (half: string | undefined): number[] =>
    (half ? half.split(":") : []).flatMap((group) => {
      if (!group.includes(".")) return [Number.parseInt(group, 16)];
      const [a, b, c, d] = group.split(".").map(Number) as [number, number, number, number];
      return [a * 256 + b, c * 256 + d];
    });
  const before = groupsOf(head);
  const after = groupsOf(tail);
  const groups = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  // The longest run of zeros, the first of equals, is written as "::"; one alone is not.
  let from = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === 0) run++;
    if (run > length) [from, length] = [i, run];
    i += run;
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return from === -1 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
}

/** Whether a text is an IPv4 or IPv6 address, without brackets. */
export const isAddress = (text: string): boolean => isIpv4(text) || isIpv6(text);

/** Whether a text is a DNS name (RFC 1123 section 2.1; underscores too, which container networks use). */
export function isHostName(text: string): boolean {
  const labels = text.split(".");
  // All digits at the end would be an address, and one that isIpv4 refused (RFC 3696 section 2).
  if (text.length > 253 || /^[0-9]+$/.test(labels.at(-1)!)) return false;
  return labels.every((label) => /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/i.test(label));
}

/** Whether a text is an address or a block of them (RFC 4632 section 3.1, RFC 4291 section 2.3). */
export function isCidr(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  if (rest.length > 0) return false;
  const bits = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  if (bits < 0 || length === undefined) return bits > 0;
  return /^(?:0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= bits;
}

/** `[::1]` as `::1`; anything else as it is. */
export const stripBrackets = (host: string): string => /^\[(.*:.*)\]$/.exec(host)?.[1] ?? host;

/** Whether only this machine can reach a listener on that host. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIpv4(host) && host.startsWith("127."));

/** `host:port`, an IPv6 address in brackets. */
export const authority = ({ host, port }: SocketAddress): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Whether a listener on that host listens on every address of the machine. */
export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
