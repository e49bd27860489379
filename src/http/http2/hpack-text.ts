import { latin1 } from "../../platform/latin1.ts";
import { H2_ERROR, Http2ConnectionError } from "./errors.ts";
import { decodeHuffman } from "./huffman.ts";

/** What Huffman code is decoded into: grows to the longest text there was, within what a header block may hold. */
let scratch = new Uint8Array(1024);

/** A string literal (RFC 7541 section 5.2). Throws COMPRESSION_ERROR for Huffman code that holds EOS or ends wrong. */
export function decodeText(bytes: Uint8Array, start: number, end: number, huffman: boolean): string {
  if (start === end) return "";
  if (!huffman) return latin1(bytes, start, end);
  const most = Math.floor(((end - start) * 8) / 5);
  if (scratch.length < most) scratch = new Uint8Array(2 * most);
  const size = decodeHuffman(bytes, start, end, scratch);
  if (size < 0) throw new Http2ConnectionError(H2_ERROR.compression, "a field is not in HPACK's Huffman code");
  return latin1(scratch, 0, size);
}

/** Slots of the names that are kept; a name that falls into another's slot takes its place. */
const SLOTS = 512;
const LONGEST_KEPT = 48;

const kept: { readonly bytes: Uint8Array; readonly huffman: boolean; readonly text: string }[] = [];
kept.length = SLOTS;

/** The same for a name: a few make up nearly all, and each is then one text, whose hash the runtime knows already. */
export function decodeName(bytes: Uint8Array, start: number, end: number, huffman: boolean): string {
  const length = end - start;
  if (length > LONGEST_KEPT) return decodeText(bytes, start, end, huffman);
  let hash = huffman ? length + 128 : length;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const found = kept[slot];
  if (found !== undefined && found.huffman === huffman && found.bytes.length === length) {
    let same = 0;
    while (same < length && found.bytes[same] === bytes[start + same]) same++;
    if (same === length) return found.text;
  }
  const text = decodeText(bytes, start, end, huffman);
  kept[slot] = { bytes: new Uint8Array(bytes.subarray(start, end)), huffman, text };
  return text;
}
