import { joined, streamOf } from "../base/bytes.ts";

/** Bodies up to this size, in bytes, are read whole for their length. */
const WHOLE_BYTES = 65_536;

/**
 * A request that a middleware made in place of another may still have the other's `Content-Length`: this one has its
 * body's own length or, where the body is large, none, so that it is sent in chunks.
 */
export async function withContentLength(request: Request): Promise<Request> {
  if (request.body === null) return request;
  const reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  while (!ended && size <= WHOLE_BYTES) {
    const { done, value } = await reader.read();
    ended = done;
    if (value === undefined) continue;
    pieces.push(value);
    size += value.length;
  }
  const headers = new Headers(request.headers);
  if (ended) headers.set("content-length", String(size));
  else headers.delete("content-length");
  const { method, url, signal } = request;
  const body = ended ? joined(pieces, size) : streamOf(following(pieces, reader));
  return new Request(url, { method, headers, body, signal, duplex: "half" } as RequestInit);
}

/** These pieces, then the rest of the body. */
async function* following(
  pieces: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}
