import { seededRandom } from "../../helpers/random.ts";

/** A prime: a body that is cut, doubled or put together of pieces of another never looks right. */
const PERIOD = 1_048_573;
const random = seededRandom(7);
/** Twice, so that a piece of up to a megabyte stands in it as one. */
const NOISE = new Uint8Array(2 * PERIOD);
for (let i = 0; i < PERIOD; i++) NOISE[i] = NOISE[i + PERIOD] = Math.floor(random() * 256);

/** Where the body of that number begins. */
const startOf = (id: number): number => (id * 7919) % PERIOD;

/** The bytes of body `id` from `at` on: `size` of them, at most a megabyte. It must not be written to. */
export function noise(id: number, at: number, size: number): Uint8Array {
  const start = (startOf(id) + at) % PERIOD;
  return NOISE.subarray(start, start + Math.min(size, PERIOD));
}

/** Whether these are the bytes of body `id` from `at` on. */
export function isNoise(id: number, at: number, bytes: Uint8Array): boolean {
  for (let from = 0; from < bytes.length; from += PERIOD) {
    const piece = bytes.subarray(from, from + PERIOD);
    if (Buffer.compare(piece, noise(id, at + from, piece.length)) !== 0) return false;
  }
  return true;
}
