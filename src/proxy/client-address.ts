import type { Trust } from "./trust.ts";

/**
 * The client's address as trusted proxies tell it: the right-most address of `X-Forwarded-For` (or, without it, of
 * `Forwarded`, RFC 7239) that is not a trusted proxy itself. What stands further left is the client's own say-so. All of
 * them trusted: the left-most. A word that is no address ends the search at the last address known.
 */
export function clientAddress(peer: string, headers: Headers, trusts: Trust): string {
  if (!trusts(peer)) return peer;
  const hops = forwardedFor(headers);
  let client = peer;
  for (let i = hops.length - 1; i >= 0; i--) {
    const address = bareAddress(hops[i]!);
    if (address === undefined) return client;
    client = address;
    if (!trusts(address)) return client;
  }
  return client;
}

function forwardedFor(headers: Headers): string[] {
  const list = headers.get("x-forwarded-for");
  if (list !== null) return list.split(",");
  const forwarded = headers.get("forwarded");
  if (forwarded === null) return [];
  return forwarded
    .split(",")
    .map((hop) => /(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(hop)?.[1]?.replace(/^"|"$/g, "") ?? "");
}

/** An address without brackets and port; undefined for `unknown` and the obfuscated names of RFC 7239 section 6.3. */
function bareAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::[0-9]+)?$/.exec(trimmed);
  if (bracketed) return bracketed[1];
  const ipv4 = /^([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]+)?$/.exec(trimmed);
  if (ipv4) return ipv4[1];
  return /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(trimmed) ? trimmed : undefined;
}
