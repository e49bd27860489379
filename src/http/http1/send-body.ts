import type { BodyMeter } from "../transport.ts";
import { UpstreamError } from "../upstream-error.ts";
import type { Framing } from "./request-head.ts";

/** The socket under a body. */
export interface UploadSink {
  /** Whether the body is still wanted. */
  there(): boolean;
  /** False: wait until `drained`. */
  write(bytes: Uint8Array | string): boolean;
  /** Resolves when more can be written, or when the body is no longer wanted. */
  drained(): Promise<void>;
}

/** Pieces up to this size are copied between the lines that frame them, to leave in one write. */
const COPIED_BYTES = 16_384;

const encoder = new TextEncoder();
const LAST_CHUNK = "0\r\n\r\n";

/** No pod is to blame for what is wrong with a request. */
const refused = (message: string, cause?: unknown): UpstreamError => new UpstreamError("refused", message, { cause });

/** A piece as a chunk (RFC 9112 section 7.1). */
function chunk(bytes: Uint8Array): Uint8Array {
  const size = encoder.encode(`${bytes.length.toString(16)}\r\n`);
  const whole = new Uint8Array(size.length + bytes.length + 2);
  whole.set(size);
  whole.set(bytes, size.length);
  whole[whole.length - 2] = 13;
  whole[whole.length - 1] = 10;
  return whole;
}

/**
 * Sends a request's body as its head said it would be framed. True: all of it was handed over; false: it was no longer
 * wanted, and its source was cancelled. Rejects with an `UpstreamError` when the source breaks, or is longer or shorter
 * than the head said: its receiver would take what follows for another request. `meter` hears how the source is read.
 */
export async function sendBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  framing: Framing,
  sink: UploadSink,
  meter: BodyMeter | undefined,
): Promise<boolean> {
  let left = typeof framing === "number" ? framing : Number.POSITIVE_INFINITY;
  let whole = false;
  try {
    for (;;) {
      meter?.waits();
      const { done, value } = await reader.read();
      if (!sink.there()) {
        reader.cancel().catch(() => {});
        return false;
      }
      if (done) break;
      if (value.length === 0) continue;
      meter?.came(value.length);
      left -= value.length;
      if (left < 0) throw refused(`The request body is longer than its Content-Length of ${framing}`);
      if (framing !== "chunked") {
        if (!sink.write(value)) await sink.drained();
        continue;
      }
      if (value.length <= COPIED_BYTES) {
        if (!sink.write(chunk(value))) await sink.drained();
        continue;
      }
      sink.write(`${value.length.toString(16)}\r\n`);
      sink.write(value);
      if (!sink.write("\r\n")) await sink.drained();
    }
    whole = left === 0 || typeof framing !== "number";
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error instanceof UpstreamError ? error : refused("The request body broke off", error);
  } finally {
    meter?.ended(whole);
  }
  if (!whole) throw refused(`The request body is shorter than its Content-Length of ${framing}`);
  if (framing === "chunked") sink.write(LAST_CHUNK);
  return true;
}
