import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";
import type { BodySink } from "../body.ts";
import { H2_ERROR, Http2StreamError } from "./errors.ts";
import type { SessionCore } from "./session-core.ts";
import type { Http2Stream } from "./stream.ts";

/** A stream as a socket: what comes and goes are bytes of another protocol (RFC 9113 section 8.5, RFC 8441 section 5). */
export class StreamTunnel implements StreamSocket {
  readonly #session: SessionCore;
  readonly #stream: Http2Stream;
  #events: SocketEvents | undefined = undefined;
  #over = false;
  #cause: Error | undefined = undefined;

  constructor(session: SessionCore, stream: Http2Stream) {
    this.#session = session;
    this.#stream = stream;
    stream.receiver?.pause();
  }

  get peer() {
    return this.#session.socket.peer;
  }

  get local() {
    return this.#session.socket.local;
  }

  get waiting(): number {
    return this.#stream.sender.held;
  }

  listen(events: SocketEvents): void {
    const first = this.#events === undefined;
    this.#events = events;
    if (this.#over) queueMicrotask(() => events.closed(this.#cause));
    else if (first) this.#stream.receiver?.pipe(this.#sink());
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#over || bytes.length === 0) return true;
    this.#stream.sender.data(typeof bytes === "string" ? bytesOf(bytes) : bytes);
    return !this.#stream.sender.stalled;
  }

  writeFramed(before: string, bytes: Uint8Array, after: string): boolean {
    if (before === "" && after === "") return this.write(bytes);
    const whole = new Uint8Array(before.length + bytes.length + after.length);
    whole.set(bytesOf(before));
    whole.set(bytes, before.length);
    whole.set(bytesOf(after), before.length + bytes.length);
    return this.write(whole);
  }

  end(): void {
    if (!this.#over) this.#stream.sender.end(undefined);
  }

  pause(): void {
    this.#stream.receiver?.pause();
  }

  resume(): void {
    this.#stream.receiver?.resume();
  }

  /** RST of TCP is CANCEL here (RFC 9113 section 8.5 has CONNECT_ERROR for the other direction). */
  reset(): void {
    this.#end(H2_ERROR.cancel);
  }

  destroy(): void {
    this.#end(this.#stream.localEnded ? H2_ERROR.noError : H2_ERROR.cancel);
  }

  /** What waited has left. */
  onDrained(): void {
    if (!this.#over) this.#events?.drained();
  }

  /** The stream is gone. `cause`: it broke off. */
  onClosed(cause: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#cause = cause;
    this.#events?.closed(cause);
  }

  #end(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#session.resetStream(this.#stream, code, new Http2StreamError(code, "the tunnel was closed here"));
    const events = this.#events;
    // As of a socket, it comes behind the call.
    if (events !== undefined) queueMicrotask(() => events.closed(undefined));
  }

  #sink(): BodySink {
    return {
      data: (bytes) => this.#events!.data(bytes),
      end: () => this.#events!.ended(),
      // That the stream is gone is noticed by the stream.
      fail: () => {},
    };
  }
}

/** Each character as one byte. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
