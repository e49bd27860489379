import { memoize } from "../base/memoize.ts";

/** Whether an address (as the runtime gives it: IPv4, IPv6, v4-mapped IPv6) is one of the trusted proxies. */
export type Trust = (address: string) => boolean;

/** An address as its 4 or 16 bytes. A v4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is IPv4. */
export function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(":")) return parseIPv4(text);
  const bytes = parseIPv6(text);
  if (bytes === undefined) return undefined;
  const mapped = bytes.every((byte, i) => i > 11 || byte === (i < 10 ? 0 : 255));
  return mapped ? bytes.slice(12) : bytes;
}

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIPv6(text: string): number[] | undefined {
  const [address = ""] = text.split("%", 1);
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Groups of an IPv6 address between or beside `::`; the last may be an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (i === groups.length - 1 && group.includes(".")) {
      const last = parseIPv4(group);
      if (last === undefined) return undefined;
      bytes.push(...last);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    } else return undefined;
  }
  return bytes;
}

interface Block {
  readonly bytes: readonly number[];
  readonly bits: number;
}

function parseBlock(text: string): Block {
  const [address = "", length, rest] = text.split("/");
  const bytes = parseAddress(address);
  const mapped = bytes?.length === 4 && address.includes(":");
  const bits = length === undefined ? (bytes?.length ?? 0) * 8 : Number(length) - (mapped ? 96 : 0);
  const known = bytes !== undefined && rest === undefined && (length === undefined || /^[0-9]{1,3}$/.test(length));
  if (!known || bits < 0 || bits > bytes.length * 8) {
    throw new TypeError(
      `Cannot read ${JSON.stringify(text)}: an address or a block such as 10.0.0.0/8 or fd00::/8 is wanted`,
    );
  }
  return { bytes, bits };
}

function contains(block: Block, bytes: readonly number[]): boolean {
  if (bytes.length !== block.bytes.length) return false;
  const whole = block.bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== block.bytes[i]) return false;
  const mask = (0xff00 >> (block.bits & 7)) & 255;
  return mask === 0 || (bytes[whole]! & mask) === (block.bytes[whole]! & mask);
}

/** Compiles `server.trusted_proxies`. Throws a TypeError that names an entry that is no address and no CIDR block. */
export function createTrust(blocks: readonly string[]): Trust {
  if (blocks.length === 0) return () => false;
  const parsed = blocks.map(parseBlock);
  return memoize((address) => {
    const bytes = parseAddress(address);
    return bytes !== undefined && parsed.some((block) => contains(block, bytes));
  });
}
