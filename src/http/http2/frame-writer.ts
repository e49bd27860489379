import { FLAG, FRAME, FRAME_BYTES, FRAME_HEAD_BYTES } from "./frames.ts";
import { OutputBuffer } from "./output.ts";

/** A setting: its identifier, and what it is set to. */
export type Setting = readonly [identifier: number, value: number];

/** Writes frames one behind the other: those of one turn of the event loop leave together. */
export class FrameWriter extends OutputBuffer {
  /** How often what was written has been taken. */
  #taken = 0;

  override take(): Uint8Array {
    this.#taken++;
    return super.take();
  }

  /** Begins a header block: HPACK lines follow, then `endBlock`. Returns where it begins. */
  beginBlock(): number {
    this.reserve(FRAME_HEAD_BYTES);
    const start = this.size;
    this.size += FRAME_HEAD_BYTES;
    return start;
  }

  /** What was written since `beginBlock` becomes a HEADERS frame, and CONTINUATION frames for what it cannot hold. */
  endBlock(start: number, stream: number, endStream: boolean): void {
    const flags = endStream ? FLAG.endStream : 0;
    const from = start + FRAME_HEAD_BYTES;
    if (this.size - from <= FRAME_BYTES) {
      this.#head(start, this.size - from, FRAME.headers, flags | FLAG.endHeaders, stream);
      return;
    }
    const block = this.bytes.slice(from, this.size);
    this.size = start;
    for (let at = 0; at < block.length; at += FRAME_BYTES) {
      const piece = block.subarray(at, at + FRAME_BYTES);
      const last = at + FRAME_BYTES >= block.length ? FLAG.endHeaders : 0;
      this.#begin(piece.length, at === 0 ? FRAME.headers : FRAME.continuation, (at === 0 ? flags : 0) | last, stream);
      this.append(piece);
    }
  }

  /**
   * A DATA frame of `bytes` from `start` to `end`. Returns a mark of it for `endData`.
   */
  data(stream: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    const mark = this.#taken * MARKS + this.size;
    const length = end - start;
    this.#begin(length, FRAME.data, endStream ? FLAG.endStream : 0, stream);
    this.bytes.set(length === bytes.length ? bytes : bytes.subarray(start, end), this.size);
    this.size += length;
    return mark;
  }

  /** Makes a stream's last DATA frame, if it has not left yet, end the stream; else one without bytes does. */
  endData(stream: number, mark: number): void {
    if (Math.floor(mark / MARKS) === this.#taken) this.bytes[(mark % MARKS) + 4]! |= FLAG.endStream;
    else this.#begin(0, FRAME.data, FLAG.endStream, stream);
  }

  settings(settings: readonly Setting[]): void {
    this.#begin(6 * settings.length, FRAME.settings, 0, 0);
    for (const [identifier, value] of settings) {
      this.bytes[this.size++] = identifier >>> 8;
      this.bytes[this.size++] = identifier;
      this.#uint32(value);
    }
  }

  settingsAck(): void {
    this.#begin(0, FRAME.settings, FLAG.ack, 0);
  }

  /** With the 8 bytes of `bytes` from `start` on. */
  ping(bytes: Uint8Array, start: number, ack: boolean): void {
    this.#begin(8, FRAME.ping, ack ? FLAG.ack : 0, 0);
    this.append(bytes.subarray(start, start + 8));
  }

  /** `why` is for people who look for a fault: ASCII. */
  goaway(lastStream: number, code: number, why = ""): void {
    this.#begin(8 + why.length, FRAME.goaway, 0, 0);
    this.#uint32(lastStream);
    this.#uint32(code);
    this.text(why);
  }

  rstStream(stream: number, code: number): void {
    this.#begin(4, FRAME.rstStream, 0, stream);
    this.#uint32(code);
  }

  /** `stream` 0: the connection's window. */
  windowUpdate(stream: number, bytes: number): void {
    this.#begin(4, FRAME.windowUpdate, 0, stream);
    this.#uint32(bytes);
  }

  #begin(length: number, type: number, flags: number, stream: number): void {
    this.reserve(FRAME_HEAD_BYTES + length);
    this.#head(this.size, length, type, flags, stream);
    this.size += FRAME_HEAD_BYTES;
  }

  #head(at: number, length: number, type: number, flags: number, stream: number): void {
    const { bytes } = this;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = stream >>> 24;
    bytes[at + 6] = stream >>> 16;
    bytes[at + 7] = stream >>> 8;
    bytes[at + 8] = stream;
  }

  #uint32(value: number): void {
    const { bytes } = this;
    bytes[this.size++] = value >>> 24;
    bytes[this.size++] = value >>> 16;
    bytes[this.size++] = value >>> 8;
    bytes[this.size++] = value;
  }
}

/** More than a buffer ever holds: a mark is how often it was taken, and a place in it. */
const MARKS = 2 ** 26;
