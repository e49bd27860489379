import { isIpv4, type SocketAddress } from "../base/addresses.ts";

/** What each binary header begins with (section 2.2). */
const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** Version 2, command PROXY. */
const VERSION_2_PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/** The bytes of an IPv6 address that is well written (RFC 4291 section 2.2). */
function ipv6Bytes(text: string): number[] {
  const words = (part: string): number[] =>
    part === ""
      ? []
      : part.split(":").flatMap((word) => {
          if (!word.includes(".")) return [Number.parseInt(word, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = word.split(".").map(Number);
          return [a * 256 + b, c * 256 + d];
        });
  const [head = "", tail] = text.replace(/%.*$/, "").split("::");
  const [before, after] = [words(head), words(tail ?? "")];
  const gap = tail === undefined ? [] : new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0);
  return [...before, ...gap, ...after].flatMap((word) => [word >> 8, word & 255]);
}

/**
 * The header that tells an upstream whose connection this is: `from` the client, `to` the address it connected to. The
 * PROXY protocol, versions 1 and 2: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 */
export function proxyHeader(version: "v1" | "v2", from: SocketAddress, to: SocketAddress): Uint8Array {
  const v4 = isIpv4(from.host) && isIpv4(to.host);
  if (version === "v1") {
    const line = `PROXY TCP${v4 ? 4 : 6} ${from.host} ${to.host} ${from.port} ${to.port}\r\n`;
    return new TextEncoder().encode(line);
  }
  const bytes = (host: string): number[] =>
    v4 ? host.split(".").map(Number) : ipv6Bytes(isIpv4(host) ? `::ffff:${host}` : host);
  const ports = [from.port >> 8, from.port & 255, to.port >> 8, to.port & 255];
  const addresses = [...bytes(from.host), ...bytes(to.host), ...ports];
  const family = v4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
  return Uint8Array.from([...SIGNATURE, VERSION_2_PROXY, family, 0, addresses.length, ...addresses]);
}
