import type { HeaderFields } from "./header-fields.ts";
import { parseAddress, type Trust } from "./trust.ts";

/**
 * The client's address as a trusted peer forwards it: the right-most address of `X-Forwarded-For` or of `Forwarded`
 * (RFC 7239) that is not a trusted proxy itself; without both, `X-Real-IP`. What stands further left is the client's
 * own claim. All of them trusted: the left-most. A word that is no address ends the search at the last address known.
 *
 * A proxy passes on the one it does not write as its client sent it. So where both are there they have to name the same
 * client: else "", no address, since either may be made up.
 */
export function clientAddress(peer: string, headers: HeaderFields, trusts: Trust): string {
  const list = headers.get("x-forwarded-for");
  const forwarded = headers.get("forwarded");
  if (list === null && forwarded === null) return bareAddress(headers.get("x-real-ip") ?? "") ?? peer;
  const byList = list === null ? undefined : clientOf(peer, list.split(","), trusts);
  const byForwarded = forwarded === null ? undefined : clientOf(peer, forwardedFor(forwarded), trusts);
  if (byList === undefined || byForwarded === undefined) return byList ?? byForwarded ?? peer;
  return sameAddress(byList, byForwarded) ? byList : "";
}

function clientOf(peer: string, hops: readonly string[], trusts: Trust): string {
  let client = peer;
  for (let i = hops.length - 1; i >= 0; i--) {
    const address = bareAddress(hops[i]!);
    if (address === undefined) return client;
    client = address;
    if (!trusts(address)) return client;
  }
  return client;
}

const sameAddress = (a: string, b: string): boolean =>
  a === b || (parseAddress(a) ?? a).toString() === (parseAddress(b) ?? b).toString();

const forwardedFor = (forwarded: string): string[] =>
  forwarded.split(",").map((hop) => /(?:^|;)\s*for=("[^"]*"|[^;]*)/i.exec(hop)?.[1]?.replace(/^"|"$/g, "") ?? "");

/** An address without brackets and port; undefined for `unknown` and the obfuscated names of RFC 7239 section 6.3. */
function bareAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::[0-9]+)?$/.exec(trimmed);
  if (bracketed) return bracketed[1];
  const ipv4 = /^([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]+)?$/.exec(trimmed);
  if (ipv4) return ipv4[1];
  return /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(trimmed) ? trimmed : undefined;
}
