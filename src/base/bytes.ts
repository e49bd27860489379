/** Pieces as one; the same piece where there is only one. `size`: of all of them, in bytes. */
export function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** What types of the runtimes leave out of the Streams standard. */
const standard = ReadableStream as unknown as {
  from(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): ReadableStream<Uint8Array>;
};

/** These pieces as a stream; a reader that leaves ends the iteration. */
export const streamOf = (pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> =>
  standard.from(pieces);
