import { joined } from "../base/bytes.ts";
import { InvalidObjectError, shorten } from "./errors.ts";

/** Reads a body up to a limit of bytes. Throws beyond it: what it holds is never more than limit + one chunk. */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      size += value.length;
      if (size > limit) throw new InvalidObjectError(`an answer of more than ${limit} bytes`);
      pieces.push(value);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
  return joined(pieces, size);
}

const decoder = new TextDecoder();

/** Bytes of UTF-8 as text. */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes);

/** True for a page meant for a browser: a login, a proxy's error. */
export const isHtml = (text: string): boolean => /^\s*<(!doctype|html|head|body|\?xml)/i.test(text);

/** JSON, or an error that says what it was instead. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (text.trim() === "") throw new InvalidObjectError("the answer holds nothing");
    const what = isHtml(text) ? "an HTML page" : "text that is not (whole) JSON";
    throw new InvalidObjectError(`the answer is ${what}: ${shorten(text, 60)}`);
  }
}
