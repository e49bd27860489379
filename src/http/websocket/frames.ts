/** Frame types (RFC 6455 section 11.8). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** What the other side sent breaks the protocol; `code` is the one to close with (RFC 6455 section 7.4.1). */
export class FrameError extends Error {
  override name = "FrameError";
  readonly code: 1002 | 1007 | 1009;
  constructor(code: 1002 | 1007 | 1009, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a reader of frames reports: whole messages, and control frames as they come. */
export interface FrameEvents {
  message(data: string | Uint8Array, size: number): void;
  ping(payload: Uint8Array): void;
  /** 1005: the frame had no code. */
  close(code: number, reason: string): void;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The longest head of a frame without a mask: two bytes and a 64-bit length. */
const HEAD_BYTES = 10;
const CONTROL_BYTES = 125;
const NO_PAYLOAD = new Uint8Array(0);

/** A frame whose head has been read. */
interface Open {
  readonly final: boolean;
  readonly opcode: number;
  readonly size: number;
  /** Its payload, once it turned out to come in pieces. */
  payload: Uint8Array | undefined;
  /** Bytes of it that are there. */
  filled: number;
}

/** A message in several frames. Grows by doubling, so that a great many small frames cost no more than their bytes. */
interface Gathered {
  readonly text: boolean;
  bytes: Uint8Array;
  size: number;
}

/** Codes that may stand in a close frame (RFC 6455 section 7.4, and the registry it founded). */
export const isCloseCode = (code: number): boolean =>
  (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006));

function append(to: Gathered, piece: Uint8Array): void {
  const size = to.size + piece.byteLength;
  if (size > to.bytes.byteLength) {
    const larger = new Uint8Array(Math.max(size, to.bytes.byteLength * 2));
    larger.set(to.bytes.subarray(0, to.size));
    to.bytes = larger;
  }
  to.bytes.set(piece, to.size);
  to.size = size;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw Object.assign(new FrameError(1007, "A text is not valid UTF-8"), { cause });
  }
}

/**
 * Reads what a WebSocket server sends, in whatever pieces it comes. Holds at most one message of `maxBytes`. The
 * function throws `FrameError`, after which it must not be called again.
 */
export function createFrameReader(events: FrameEvents, maxBytes: number): (chunk: Uint8Array) => void {
  const head = new Uint8Array(HEAD_BYTES);
  const headView = new DataView(head.buffer);
  let headSize = 0;
  let open: Open | undefined;
  /** The message that continuations continue. */
  let gathered: Gathered | undefined;

  /** How long the head is that begins in `head`, as far as it is there. */
  function wantedHead(): number {
    if (headSize < 2) return 2;
    const length = head[1]! & 127;
    return length === 127 ? 10 : length === 126 ? 4 : 2;
  }

  function payloadLength(): number {
    const length = head[1]! & 127;
    if (length < 126) return length;
    return length === 126 ? headView.getUint16(2) : headView.getUint32(2) * 2 ** 32 + headView.getUint32(6);
  }

  function begin(): Open {
    const final = (head[0]! & 128) !== 0;
    const opcode = head[0]! & 15;
    const size = payloadLength();
    if ((head[0]! & 112) !== 0) throw new FrameError(1002, "A reserved bit is set without an extension");
    if ((head[1]! & 128) !== 0) throw new FrameError(1002, "A server's frame is masked");
    if (opcode >= 8) {
      if (opcode > OPCODE.pong) throw new FrameError(1002, `There is no frame type ${opcode}`);
      if (!final || size > CONTROL_BYTES) throw new FrameError(1002, "A control frame is fragmented or too long");
    } else {
      if (opcode > OPCODE.binary) throw new FrameError(1002, `There is no frame type ${opcode}`);
      if ((opcode === OPCODE.continuation) !== (gathered !== undefined)) {
        throw new FrameError(1002, "A message's frames are out of order");
      }
      if ((gathered?.size ?? 0) + size > maxBytes) {
        throw new FrameError(1009, `A message is larger than ${maxBytes} bytes`);
      }
    }
    return { final, opcode, size, payload: undefined, filled: 0 };
  }

  function closed(payload: Uint8Array): void {
    if (payload.byteLength === 1) throw new FrameError(1002, "A close frame has half a code");
    if (payload.byteLength === 0) {
      events.close(1005, "");
      return;
    }
    const code = payload[0]! * 256 + payload[1]!;
    if (!isCloseCode(code)) throw new FrameError(1002, `A close frame has the code ${code}`);
    events.close(code, textOf(payload.subarray(2)));
  }

  function deliver(text: boolean, bytes: Uint8Array): void {
    events.message(text ? textOf(bytes) : bytes, bytes.byteLength);
  }

  function data({ final, opcode }: Open, payload: Uint8Array): void {
    if (final && gathered === undefined) {
      deliver(opcode === OPCODE.text, payload);
      return;
    }
    gathered ??= { text: opcode === OPCODE.text, bytes: NO_PAYLOAD, size: 0 };
    append(gathered, payload);
    if (!final) return;
    const { text, bytes, size } = gathered;
    gathered = undefined;
    deliver(text, bytes.subarray(0, size));
  }

  function complete(frame: Open, payload: Uint8Array): void {
    if (frame.opcode === OPCODE.ping) events.ping(payload);
    else if (frame.opcode === OPCODE.close) closed(payload);
    else if (frame.opcode !== OPCODE.pong) data(frame, payload);
  }

  /** Takes a piece of the frame's payload; gives that back once whole. A payload in one piece is not copied. */
  function take(frame: Open, piece: Uint8Array): Uint8Array | undefined {
    if (piece.byteLength === frame.size) return piece;
    frame.payload ??= new Uint8Array(frame.size);
    frame.payload.set(piece, frame.filled);
    frame.filled += piece.byteLength;
    return frame.filled === frame.size ? frame.payload : undefined;
  }

  return (chunk) => {
    let at = 0;
    for (;;) {
      if (open === undefined) {
        while (headSize < wantedHead() && at < chunk.byteLength) head[headSize++] = chunk[at++]!;
        if (headSize < wantedHead()) return;
        open = begin();
        headSize = 0;
      }
      const frame = open;
      const piece = chunk.subarray(at, at + frame.size - frame.filled);
      at += piece.byteLength;
      const payload = take(frame, piece);
      if (payload === undefined) return;
      open = undefined;
      complete(frame, payload);
    }
  };
}

/** The payload of a close frame; 1005: none. A reason longer than fits is cut at a character. */
export function closePayload(code: number, reason: string): Uint8Array {
  if (code === 1005) return NO_PAYLOAD;
  const payload = new Uint8Array(CONTROL_BYTES);
  payload[0] = code >> 8;
  payload[1] = code & 255;
  const { written } = encoder.encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}

/** A client's whole frame, masked with the four random bytes of `mask` (RFC 6455 section 5.3). */
export function encodeFrame(opcode: number, payload: string | Uint8Array, mask: Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const size = bytes.byteLength;
  const lengthBytes = size < 126 ? 0 : size < 65_536 ? 2 : 8;
  const headSize = 2 + lengthBytes + 4;
  // The payload begins at a multiple of four, so that it can be masked four bytes at a time.
  const start = (headSize + 3) & ~3;
  const words = (size + 3) >> 2;
  const buffer = new ArrayBuffer(start + words * 4);
  const frame = new Uint8Array(buffer, start - headSize, headSize + size);
  const view = new DataView(buffer, start - headSize);
  frame[0] = 128 | opcode;
  frame[1] = 128 | (lengthBytes === 0 ? size : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, size);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(size));
  frame.set(mask, headSize - 4);
  frame.set(bytes, headSize);
  const body = new Uint32Array(buffer, start, words);
  const key = new Uint32Array(mask.slice(0, 4).buffer)[0]!;
  for (let i = 0; i < words; i++) body[i]! ^= key;
  return frame;
}
