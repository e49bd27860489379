import { COPIED_BYTES, framed, plainHost } from "../node/streams.ts";
import type { SocketEvents, StreamSocket } from "../sockets.ts";

/** What types of Bun leave out: each character of the text leaves as one byte, and bytes are counted. */
interface LatinWriter {
  write(text: string, encoding: "latin1"): number;
}

/** Pieces are put together here before they leave: Bun is through with it when its `write` returns. */
const scratch = Buffer.allocUnsafe(COPIED_BYTES);

/** A socket of Bun's as the core sees it. */
export class BunSocket implements StreamSocket {
  events: SocketEvents | undefined;
  over = false;
  waiting = 0;
  /** What Bun did not take yet. */
  #queue: Uint8Array[] | undefined;
  readonly #socket: Bun.Socket<BunSocket>;
  #ending = false;
  #ended = false;

  constructor(socket: Bun.Socket<BunSocket>) {
    this.#socket = socket;
  }

  get peer() {
    return { host: plainHost(this.#socket.remoteAddress), port: this.#socket.remotePort };
  }

  get local() {
    return { host: plainHost(this.#socket.localAddress), port: this.#socket.localPort };
  }

  listen(events: SocketEvents): void {
    this.events = events;
    if (this.over) queueMicrotask(() => events.closed(undefined));
  }

  write(data: Uint8Array | string): boolean {
    if (this.over) return true;
    if (this.#queue !== undefined) {
      this.#wait(typeof data === "string" ? Buffer.from(data, "latin1") : data);
      return false;
    }
    const taken =
      typeof data === "string"
        ? (this.#socket as unknown as LatinWriter).write(data, "latin1")
        : this.#socket.write(data);
    // -1: it is closing, and will say so.
    if (taken === data.length || taken < 0) return true;
    this.#wait(typeof data === "string" ? Buffer.from(data.slice(taken), "latin1") : data.subarray(taken));
    return false;
  }

  writeFramed(before: string, bytes: Uint8Array, after: string): boolean {
    const size = before.length + bytes.length + after.length;
    if (size > COPIED_BYTES) {
      if (before !== "") this.write(before);
      const more = this.write(bytes);
      return after === "" ? more : this.write(after);
    }
    if (this.over) return true;
    if (this.#queue !== undefined) {
      this.#wait(framed(Buffer.allocUnsafe(size), before, bytes, after));
      return false;
    }
    framed(scratch, before, bytes, after);
    // Bun copies what it does not hand to the system at once, or says that it did not take it.
    const taken = this.#socket.write(scratch, 0, size);
    if (taken === size || taken < 0) return true;
    this.#wait(new Uint8Array(scratch.subarray(taken, size)));
    return false;
  }

  #wait(bytes: Uint8Array): void {
    if (this.#queue === undefined) this.#queue = [bytes];
    else this.#queue.push(bytes);
    this.waiting += bytes.length;
  }

  /** Bun takes more. */
  drain(): void {
    const queue = this.#queue;
    if (queue !== undefined) {
      for (let bytes = queue[0]; bytes !== undefined; bytes = queue[0]) {
        const taken = this.#socket.write(bytes);
        if (taken < 0) return;
        this.waiting -= taken;
        if (taken < bytes.length) {
          queue[0] = bytes.subarray(taken);
          return;
        }
        queue.shift();
      }
      this.#queue = undefined;
    }
    if (this.#ending) this.#socket.shutdown();
    this.events?.drained();
  }

  /** The other side will send no more. */
  ended(): void {
    this.#ended = true;
    this.events?.ended();
  }

  /** It is gone. After `end` Bun says only this of the other side's end. */
  close(cause: Error | undefined): void {
    if (cause === undefined && !this.#ended && !this.over) this.ended();
    this.over = true;
    this.#queue = undefined;
    this.waiting = 0;
    this.events?.closed(cause);
  }

  end(): void {
    this.#ending = true;
    if (this.#queue === undefined) this.#socket.shutdown();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  reset(): void {
    this.over = true;
    this.#socket.terminate();
  }

  destroy(): void {
    this.over = true;
    this.#socket.close();
  }
}

/** What `Bun.listen` and `Bun.connect` call for a socket whose `data` is a `BunSocket`. */
export const bunSocketHandlers: Bun.SocketHandler<BunSocket> = {
  data: (socket, bytes) => socket.data.events?.data(bytes),
  drain: (socket) => socket.data.drain(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data.close(error),
};
