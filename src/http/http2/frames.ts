import { H2_ERROR, Http2ConnectionError } from "./errors.ts";

/** Frame types (RFC 9113 section 6). */
export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Flags; ACK and END_STREAM are one bit, of different frames. */
export const FLAG = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Identifiers of settings (RFC 9113 section 6.5.2, RFC 8441 section 3). */
export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8,
} as const;

/** Largest payload of a frame, as long as neither side announces another (RFC 9113 section 6.5.2). */
export const FRAME_BYTES = 16_384;
/** A window, and a stream's number, have 31 bits. */
export const MAX_WINDOW = 0x7fff_ffff;
/** What windows are until settings say otherwise (RFC 9113 section 6.9.2). */
export const DEFAULT_WINDOW = 65_535;

export const FRAME_HEAD_BYTES = 9;

/** Takes frames. What it throws goes to who handed the bytes in. */
export interface FrameHandler {
  /** The payload is `bytes` from `start` to `end`, and the receiver's to keep. */
  frame(type: number, flags: number, stream: number, bytes: Uint8Array, start: number, end: number): void;
}

/** So much is made room for at first for a frame that does not come in one piece. */
const FIRST_BYTES = 64;

/** Cuts what comes from a connection into frames (RFC 9113 section 4.1). */
export class FrameReader {
  readonly #handler: FrameHandler;
  #stopped = false;
  /** The beginning of a frame; its first `#held` bytes came. */
  #partial: Uint8Array = EMPTY;
  #held = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Bytes that wait for the rest of their frame. */
  get held(): number {
    return this.#held;
  }

  /** What comes from now on is dropped. */
  stop(): void {
    this.#stopped = true;
    this.#partial = EMPTY;
    this.#held = 0;
  }

  /** Takes what came. Throws FRAME_SIZE_ERROR as soon as a frame says that it is larger than any may be. */
  push(bytes: Uint8Array): void {
    let at = this.#held > 0 ? this.#complete(bytes) : 0;
    while (!this.#stopped && at < bytes.length) {
      const size = frameSize(bytes, at, bytes.length);
      if (size > bytes.length - at) {
        this.#hold(bytes, at, bytes.length);
        return;
      }
      this.#deliver(bytes, at, size);
      at += size;
    }
  }

  #deliver(bytes: Uint8Array, at: number, size: number): void {
    const stream = readUint32(bytes, at + 5) & MAX_WINDOW;
    this.#handler.frame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes, at + FRAME_HEAD_BYTES, at + size);
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const size = this.#held + end - start;
    if (size > this.#partial.length) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, 2 * size));
      larger.set(this.#partial.subarray(0, this.#held));
      this.#partial = larger;
    }
    this.#partial.set(bytes.subarray(start, end), this.#held);
    this.#held = size;
  }

  /** Adds what the held frame lacks, and hands it over if that is there. Returns where the next one begins. */
  #complete(bytes: Uint8Array): number {
    let at = 0;
    if (this.#held < FRAME_HEAD_BYTES) {
      at = Math.min(FRAME_HEAD_BYTES - this.#held, bytes.length);
      this.#hold(bytes, 0, at);
      if (this.#held < FRAME_HEAD_BYTES) return at;
    }
    const size = frameSize(this.#partial, 0, FRAME_HEAD_BYTES);
    const end = Math.min(at + size - this.#held, bytes.length);
    this.#hold(bytes, at, end);
    if (this.#held < size) return end;
    const frame = this.#partial;
    this.#partial = EMPTY;
    this.#held = 0;
    this.#deliver(frame, 0, size);
    return end;
  }
}

const EMPTY: Uint8Array = new Uint8Array();

/** Bytes of the frame that begins there, its head included: as far as that came. */
function frameSize(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < FRAME_HEAD_BYTES) return FRAME_HEAD_BYTES;
  const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  if (length > FRAME_BYTES) {
    throw new Http2ConnectionError(H2_ERROR.frameSize, `a frame of ${length} bytes came: ${FRAME_BYTES} are allowed`);
  }
  return FRAME_HEAD_BYTES + length;
}

/** Four bytes as a number; all 32 bits of it count. */
export const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
