import type { StreamSocket } from "../../platform/sockets.ts";
import { CALM } from "./calm.ts";
import { H2_ERROR, Http2ConnectionError, Http2StreamError, http2ErrorName } from "./errors.ts";
import type { FieldLine } from "./field-line.ts";
import { FLAG, FRAME, type FrameHandler, FrameReader, MAX_WINDOW, readUint32 } from "./frames.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder, type ListLimits } from "./hpack-decoder.ts";
import { SessionCore } from "./session-core.ts";
import { readSettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";

/** Of HPACK's table for what comes: what is assumed where no setting says otherwise. */
const TABLE_BYTES = 4096;

/** One end of an HTTP/2 connection: the frames that come to server and client alike (RFC 9113 sections 4 to 6). */
export abstract class Http2Session extends SessionCore implements FrameHandler {
  readonly #reader = new FrameReader(this);
  readonly #decoder = new HpackDecoder(TABLE_BYTES);
  readonly #block: HeaderBlock;
  readonly #limits: ListLimits;
  /** One list serves all blocks. */
  readonly #lines: FieldLine[] = [];
  /** The other side's first settings came. */
  protected begun = false;

  /** `defer` calls a function once at the end of a turn: what is written until then leaves together. */
  constructor(socket: StreamSocket, limits: ListLimits, defer: (flush: () => void) => void) {
    super(socket, defer);
    this.#limits = limits;
    this.#block = new HeaderBlock(limits.bytes);
  }

  protected get heldInput(): number {
    return this.#reader.held + this.#block.size;
  }

  /** The other side is in the middle of a frame, or of a block of fields. */
  protected get midway(): boolean {
    return this.#reader.held > 0 || this.#block.open;
  }

  protected stopReading(): void {
    this.#reader.stop();
  }

  /** Takes what came from the socket, behind the preface. */
  protected receive(bytes: Uint8Array): void {
    // All that is written meanwhile leaves when these bytes are done with.
    this.flushing = true;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.breakOff(error);
    }
    this.flush();
  }

  /** A stream that there is none of yet. */
  protected abstract onNewStream(id: number, lines: readonly FieldLine[], complete: boolean, endStream: boolean): void;

  frame(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.begun) {
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0) throw wrong("the first frame is not SETTINGS");
      this.begun = true;
    }
    if (this.#block.open && (type !== FRAME.continuation || id !== this.#block.stream)) {
      throw wrong("another frame stands within a header block");
    }
    switch (type) {
      case FRAME.data:
        this.#data(flags, id, bytes, start, end);
        break;
      case FRAME.headers:
        this.#headers(flags, id, bytes, start, end);
        break;
      case FRAME.priority:
        this.#priority(id, bytes, start, end);
        break;
      case FRAME.rstStream:
        this.#rstStream(id, bytes, start, end);
        break;
      case FRAME.settings:
        this.#settings(flags, id, bytes, start, end);
        break;
      case FRAME.pushPromise:
        throw wrong("PUSH_PROMISE was not allowed");
      case FRAME.ping:
        this.#ping(flags, id, bytes, start, end);
        break;
      case FRAME.goaway:
        this.#goaway(id, bytes, start, end);
        break;
      case FRAME.windowUpdate:
        this.#windowUpdate(id, bytes, start, end);
        break;
      case FRAME.continuation:
        this.#continuation(flags, id, bytes, start, end);
        break;
      default:
        // Unknown types are ignored (RFC 9113 section 4.1).
        this.calm.spend(CALM.perIdleFrame);
    }
  }

  #data(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    const flow = end - start;
    if (id === 0) throw wrong("DATA is on stream 0");
    let to = end;
    let from = start;
    if ((flags & FLAG.padded) !== 0) {
      to = end - paddingOf(bytes, start, end);
      from = start + 1;
    }
    if (flow > this.receiveWindow) {
      throw new Http2ConnectionError(H2_ERROR.flowControl, "DATA came beyond the connection's window");
    }
    this.receiveWindow -= flow;
    this.bodyBytes += to - from;
    const endStream = (flags & FLAG.endStream) !== 0;
    if (from === to && !endStream) this.calm.spend(CALM.perIdleFrame);
    else this.calm.earn(CALM.perData);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      this.#absent(id, "DATA");
      this.took(flow);
      return;
    }
    if (stream.remoteEnded) {
      this.took(flow);
      this.#streamError(stream, H2_ERROR.streamClosed, "DATA came behind the end of a stream");
      return;
    }
    const error = stream.onData(bytes, from, to, flow, endStream);
    if (error !== 0) this.#streamError(stream, error, "DATA does not fit what was announced");
  }

  #headers(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) throw wrong("HEADERS is on stream 0");
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      to = end - paddingOf(bytes, start, end);
      from++;
    }
    if ((flags & FLAG.priority) !== 0) {
      if (to - from < 5) throw frameSize("HEADERS is too short for its priority");
      if ((readUint32(bytes, from) & MAX_WINDOW) === id) throw wrong("a stream depends on itself");
      from += 5;
    }
    const endStream = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.endHeaders) !== 0) this.#fields(id, bytes, from, to, endStream);
    else this.#block.begin(id, bytes, from, to, endStream);
  }

  #continuation(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#block.open) throw wrong("CONTINUATION continues nothing");
    this.#block.add(bytes, start, end);
    if ((flags & FLAG.endHeaders) === 0) return;
    const { endStream } = this.#block;
    const block = this.#block.take();
    this.#fields(id, block, 0, block.length, endStream);
  }

  /** A whole header block: decoded whatever becomes of its stream, as the table is the connection's. */
  #fields(id: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const lines = this.#lines;
    lines.length = 0;
    const complete = this.#decoder.decode(bytes, start, end, lines, this.#limits);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.past.wasReset(id)) this.calm.spend(CALM.perIdleFrame);
      else this.onNewStream(id, lines, complete, endStream);
    } else if (stream.remoteEnded) {
      this.#streamError(stream, H2_ERROR.streamClosed, "HEADERS came behind the end of a stream");
    } else stream.onFields(lines, complete, endStream);
  }

  #priority(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) throw wrong("PRIORITY is on stream 0");
    if (end - start !== 5) throw frameSize("PRIORITY does not have 5 bytes");
    if ((readUint32(bytes, start) & MAX_WINDOW) === id) throw wrong("a stream depends on itself");
    this.calm.spend(CALM.perIdleFrame);
  }

  #rstStream(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) throw wrong("RST_STREAM is on stream 0");
    if (end - start !== 4) throw frameSize("RST_STREAM does not have 4 bytes");
    this.calm.spend(CALM.perReset);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.isIdle(id)) throw wrong("RST_STREAM is on a stream that did not begin");
      return;
    }
    const code = readUint32(bytes, start);
    this.lose(stream, new Http2StreamError(code, `the other side reset the stream: ${http2ErrorName(code)}`));
  }

  #settings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw wrong("SETTINGS is on a stream");
    if ((flags & FLAG.ack) !== 0) {
      if (start !== end) throw frameSize("SETTINGS acknowledges with settings");
      this.settingsAcked = true;
      return;
    }
    this.calm.spend(CALM.perSettings);
    const { window, tableSizes } = readSettings(bytes, start, end);
    for (const size of tableSizes) this.encoder.setCapacity(size);
    if (window !== undefined) {
      const change = window - this.initialWindow;
      this.initialWindow = window;
      for (const stream of this.streams.values()) {
        if (stream.sender.open(change)) continue;
        throw new Http2ConnectionError(H2_ERROR.flowControl, "settings make a window larger than any can be");
      }
    }
    this.writer.settingsAck();
    this.wrote();
    this.pump();
  }

  #ping(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw wrong("PING is on a stream");
    if (end - start !== 8) throw frameSize("PING does not have 8 bytes");
    if ((flags & FLAG.ack) !== 0) {
      this.calm.spend(CALM.perIdleFrame);
      this.onPong();
      return;
    }
    this.calm.spend(CALM.perPing);
    this.writer.ping(bytes, start, true);
    this.wrote();
  }

  /** A PING of ours was answered. */
  protected abstract onPong(): void;

  #goaway(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw wrong("GOAWAY is on a stream");
    if (end - start < 8) throw frameSize("GOAWAY has less than 8 bytes");
    this.calm.spend(CALM.perIdleFrame);
    this.onGoaway(readUint32(bytes, start) & MAX_WINDOW, readUint32(bytes, start + 4));
  }

  /** The other side takes no streams beyond `lastStream`. */
  protected abstract onGoaway(lastStream: number, code: number): void;

  #windowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw frameSize("WINDOW_UPDATE does not have 4 bytes");
    const more = readUint32(bytes, start) & MAX_WINDOW;
    this.calm.spend(CALM.perIdleFrame);
    if (id === 0) {
      if (more === 0) throw wrong("WINDOW_UPDATE is of 0 bytes");
      this.sendWindow += more;
      if (this.sendWindow > MAX_WINDOW) {
        throw new Http2ConnectionError(H2_ERROR.flowControl, "the connection's window is larger than any can be");
      }
      this.pump();
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.isIdle(id)) throw wrong("WINDOW_UPDATE is on a stream that did not begin");
      return;
    }
    if (more === 0) this.#streamError(stream, H2_ERROR.protocol, "WINDOW_UPDATE is of 0 bytes");
    else if (!stream.sender.open(more)) {
      this.#streamError(stream, H2_ERROR.flowControl, "a stream's window is larger than any can be");
    } else this.pump();
  }

  /** Whether a stream never began (RFC 9113 section 5.1). */
  protected abstract isIdle(id: number): boolean;

  /** A frame is on a stream that there is not. Throws, unless it was on its way when the stream was reset here. */
  #absent(id: number, what: string): void {
    if (this.isIdle(id)) throw wrong(`${what} is on a stream that did not begin`);
    if (this.past.wasReset(id)) return;
    throw new Http2ConnectionError(H2_ERROR.streamClosed, `${what} is on a stream that has ended`);
  }

  #streamError(stream: Http2Stream, code: number, what: string): void {
    this.calm.spend(CALM.perReset);
    this.resetStream(stream, code, new Http2StreamError(code, what));
  }
}

const wrong = (what: string): Http2ConnectionError => new Http2ConnectionError(H2_ERROR.protocol, what);
const frameSize = (what: string): Http2ConnectionError => new Http2ConnectionError(H2_ERROR.frameSize, what);

/** Bytes of padding of a PADDED frame, whose first byte says it. */
function paddingOf(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) throw frameSize("a padded frame is empty");
  const padding = bytes[start]!;
  if (padding >= end - start) throw wrong("a frame has more padding than bytes");
  return padding;
}
