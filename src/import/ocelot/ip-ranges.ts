import { isCidr, isIpv4 } from "../../base/addresses.ts";

const numberOf = (address: string): number => address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
const addressOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

/** The blocks that hold exactly the addresses from `first` to `last`. */
function blocksOf(first: number, last: number): string[] {
  const blocks: string[] = [];
  for (let at = first; at <= last; ) {
    let bits = 0;
    while (bits < 32 && at % 2 ** (bits + 1) === 0 && at + 2 ** (bits + 1) - 1 <= last) bits++;
    blocks.push(bits === 0 ? addressOf(at) : `${addressOf(at)}/${32 - bits}`);
    at += 2 ** bits;
  }
  return blocks;
}

/**
 * An entry of Ocelot's IP lists (an address, a block, a range, a block with a mask) as blocks; undefined: it is none.
 */
export function ipBlocks(written: string): string[] | undefined {
  const text = written.trim();
  if (isCidr(text)) return [text];
  const [from = "", to = ""] = text.split("-").map((part) => part.trim());
  if (isIpv4(from) && text.includes("-")) {
    const end = isIpv4(to) ? to : `${from.slice(0, from.lastIndexOf(".") + 1)}${to}`;
    return isIpv4(end) && numberOf(from) <= numberOf(end) ? blocksOf(numberOf(from), numberOf(end)) : undefined;
  }
  const [address = "", mask = ""] = text.split("/");
  if (!isIpv4(address) || !isIpv4(mask)) return undefined;
  const bits = numberOf(mask).toString(2).padStart(32, "0");
  return /^1*0*$/.test(bits) ? [`${address}/${bits.indexOf("0") === -1 ? 32 : bits.indexOf("0")}`] : undefined;
}
