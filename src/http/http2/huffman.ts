/**
 * HPACK's Huffman code (RFC 7541 section 5.2 and appendix B). It is canonical: within one length codes go up with their
 * symbols, and a longer code begins where the shorter ones end, so the lengths in bits say everything. One digit of base 36
 * for each of the 256 bytes and EOS.
 */
const LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6" +
  "f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmnlmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu";

const EOS = 256;
/** Longest padding of a text, in bits: all ones, as the beginning of EOS. */
const PADDING_BITS = 7;

/** The length of each symbol's code, in bits. */
export const HUFFMAN_BITS: Readonly<Uint8Array> = Uint8Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));

/**
 * What four bits do in each state: the next state in the low 8 bits (a state is a node of the code's tree), the symbol
 * they end in the next 8, and the flags.
 */
const MOVES = new Uint32Array(EOS * 16);
const EMITS = 1 << 16;
const FAILS = 1 << 17;
/** Whether a text may end in a state. */
const ENDS = new Uint8Array(EOS);

function build(): void {
  // Two children of each inner node: above 0 another node, else the complement of a symbol.
  const children = new Int16Array(2 * EOS);
  let nodes = 1;
  let code = 0;
  let length = 0;
  const symbols = [...HUFFMAN_BITS.keys()].sort((a, b) => HUFFMAN_BITS[a]! - HUFFMAN_BITS[b]! || a - b);
  for (const symbol of symbols) {
    code = code * 2 ** (HUFFMAN_BITS[symbol]! - length);
    length = HUFFMAN_BITS[symbol]!;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = 2 * node + ((code >>> bit) & 1);
      if (children[side] === 0) children[side] = nodes++;
      node = children[side]!;
    }
    children[2 * node + (code & 1)] = ~symbol;
    code++;
  }
  for (let state = 0; state < EOS; state++) {
    for (let four = 0; four < 16; four++) {
      let node = state;
      let move = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const next = children[2 * node + ((four >>> bit) & 1)]!;
        // Codes have at least 5 bits: four end one symbol at most.
        if (next >= 0) node = next;
        else {
          move |= ~next === EOS ? FAILS : EMITS | (~next << 8);
          node = 0;
        }
      }
      MOVES[16 * state + four] = move | node;
    }
  }
  for (let bits = 0, node = 0; bits <= PADDING_BITS; bits++, node = children[2 * node + 1]!) ENDS[node] = 1;
}
build();

/**
 * Decodes `bytes` from `start` to `end` into `into`, which has room for 8 bytes of every 5. Returns how many bytes came of
 * it; -1: it holds EOS, or its padding is none.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let state = 0;
  let size = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    let move = MOVES[16 * state + (byte >>> 4)]!;
    if (move & EMITS) into[size++] = (move >>> 8) & 255;
    else if (move & FAILS) return -1;
    move = MOVES[16 * (move & 255) + (byte & 15)]!;
    if (move & EMITS) into[size++] = (move >>> 8) & 255;
    else if (move & FAILS) return -1;
    state = move & 255;
  }
  return ENDS[state] === 1 ? size : -1;
}
