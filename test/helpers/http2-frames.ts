import type { FieldLine } from "../../src/http/http2/field-line.ts";
import { FLAG, FRAME, FrameReader } from "../../src/http/http2/frames.ts";
import { HpackDecoder } from "../../src/http/http2/hpack-decoder.ts";
import { CLIENT_PREFACE } from "../../src/http/http2/server-connection.ts";
import { hpackBlock } from "./hpack.ts";

export type Line = readonly [name: string, value: string];

export const uint32 = (value: number): number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

/** A frame byte for byte; `length` says another one than the payload has. */
export const frame = (
  type: number,
  flags: number,
  stream: number,
  payload: ArrayLike<number> = [],
  length = payload.length,
): number[] => [
  (length >>> 16) & 255,
  (length >>> 8) & 255,
  length & 255,
  type,
  flags,
  ...uint32(stream),
  ...Array.from(payload),
];

const text = (bytes: string): number[] => Array.from(bytes, (letter) => letter.charCodeAt(0));

export const settings = (...pairs: readonly (readonly [number, number])[]): number[] =>
  frame(
    FRAME.settings,
    0,
    0,
    pairs.flatMap(([id, value]) => [id >> 8, id & 255, ...uint32(value)]),
  );
export const SETTINGS_ACK = frame(FRAME.settings, FLAG.ack, 0);
export const ping = (bytes = "12345678", flags = 0): number[] => frame(FRAME.ping, flags, 0, text(bytes));
export const windowUpdate = (stream: number, more: number): number[] =>
  frame(FRAME.windowUpdate, 0, stream, uint32(more));
export const rstStream = (stream: number, code = 8): number[] => frame(FRAME.rstStream, 0, stream, uint32(code));
export const data = (stream: number, bytes: string | ArrayLike<number>, end = false): number[] =>
  frame(FRAME.data, end ? FLAG.endStream : 0, stream, typeof bytes === "string" ? text(bytes) : bytes);
/** HEADERS that are whole. */
export const headers = (stream: number, lines: readonly Line[], end = true, more = 0): number[] =>
  frame(FRAME.headers, FLAG.endHeaders | (end ? FLAG.endStream : 0) | more, stream, hpackBlock(lines));

export const requestLines = (more: readonly Line[] = [], method = "GET", path = "/"): Line[] => [
  [":method", method],
  [":scheme", "http"],
  [":path", path],
  [":authority", "example.com"],
  ...more,
];
/** A GET that is whole. */
export const get = (stream: number, more: readonly Line[] = []): number[] => headers(stream, requestLines(more));
/** A POST whose body follows. */
export const post = (stream: number, more: readonly Line[] = []): number[] =>
  headers(stream, requestLines(more, "POST"), false);

/** What a client begins with. */
export const HELLO: readonly number[] = [...CLIENT_PREFACE, ...settings()];

/** A frame that was read; of HEADERS with its fields. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
  readonly fields: readonly Line[] | undefined;
}

const NO_LIMITS = { bytes: Number.POSITIVE_INFINITY, lines: Number.POSITIVE_INFINITY };

/** Reads what a server sends, with one HPACK table for all of it. */
export class SeenFrames {
  readonly all: SeenFrame[] = [];
  readonly #hpack = new HpackDecoder(4096);
  readonly #reader: FrameReader = new FrameReader(this);
  #block: { type: number; flags: number; bytes: number[] } | undefined;

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  frame(type: number, flags: number, stream: number, bytes: Uint8Array, start: number, end: number): void {
    const payload = bytes.slice(start, end);
    if (type !== FRAME.headers && type !== FRAME.continuation) {
      this.all.push({ type, flags, stream, payload, fields: undefined });
      return;
    }
    this.#block ??= { type, flags, bytes: [] };
    this.#block.bytes.push(...payload);
    if ((flags & FLAG.endHeaders) === 0) return;
    const lines: FieldLine[] = [];
    const block = Uint8Array.from(this.#block.bytes);
    this.#hpack.decode(block, 0, block.length, lines, NO_LIMITS);
    const fields = lines.map(({ name, value }) => [name, value] as const);
    this.all.push({ type: FRAME.headers, flags: this.#block.flags, stream, payload: block, fields });
    this.#block = undefined;
  }
}
