import { HUFFMAN_BITS } from "../../src/http/http2/huffman.ts";

/** The code of each symbol (RFC 7541 appendix B): it is canonical. */
const CODES: readonly string[] = (() => {
  const codes: string[] = [];
  let code = 0n;
  let length = 0;
  for (const symbol of [...HUFFMAN_BITS.keys()].sort((a, b) => HUFFMAN_BITS[a]! - HUFFMAN_BITS[b]! || a - b)) {
    code <<= BigInt(HUFFMAN_BITS[symbol]! - length);
    length = HUFFMAN_BITS[symbol]!;
    codes[symbol] = code.toString(2).padStart(length, "0");
    code += 1n;
  }
  return codes;
})();

/** Huffman code of a Latin-1 text, by the letter of RFC 7541 section 5.2. `padding`: what the last byte is filled with. */
export function huffmanOf(text: string, padding: "1" | "0" = "1"): number[] {
  const bits = [...text].map((letter) => CODES[letter.charCodeAt(0)]).join("");
  return (bits.padEnd(Math.ceil(bits.length / 8) * 8, padding).match(/.{8}/g) ?? []).map((byte) =>
    Number.parseInt(byte, 2),
  );
}

/** RFC 7541 section 5.1: a number with a prefix of so many bits, behind the bits of `first`. */
export function hpackInteger(first: number, bits: number, value: number): number[] {
  const most = 2 ** bits - 1;
  if (value < most) return [first | value];
  const bytes = [first | most];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return [...bytes, left];
}

const latin1 = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

/** RFC 7541 section 5.2. */
export const hpackText = (text: string, huffman = false): number[] => {
  const bytes = huffman ? huffmanOf(text) : latin1(text);
  return [...hpackInteger(huffman ? 0x80 : 0, 7, bytes.length), ...bytes];
};

/** A block of literals without indexing (RFC 7541 section 6.2.2), which changes no table. */
export const hpackBlock = (lines: Iterable<readonly [name: string, value: string]>, huffman = false): number[] =>
  [...lines].flatMap(([name, value]) => [0, ...hpackText(name, huffman), ...hpackText(value, huffman)]);
