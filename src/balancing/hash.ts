/**
 * Hashes without a secret: every replica of the gateway must get the same result, after a restart too. The mixing is
 * MurmurHash3's (public domain, Austin Appleby), over UTF-16 code units.
 */

/** Spreads the bits of a 32-bit number: the finaliser of MurmurHash3. */
export function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A hash of the text from 0 to 2^32 - 1. Another seed gives an independent one. */
export function hash(text: string, seed: number): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i++) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  return mix(h ^ text.length);
}

/** 64 bits of hash as 16 hexadecimal digits; `key` keeps equal texts of different purposes apart. */
export function hashToken(text: string, key: string): string {
  const seed = hash(key, 0);
  const digits = (lane: number): string =>
    hash(text, mix(seed + lane))
      .toString(16)
      .padStart(8, "0");
  return digits(1) + digits(2);
}
