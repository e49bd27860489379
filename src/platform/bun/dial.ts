import { KEEP_ALIVE_MS, plainHost } from "../node/streams.ts";
import type { Dial, SocketEvents, StreamSocket } from "../sockets.ts";

/** Characters that Bun would send as more than one byte. */
const NOT_ASCII = /[\u0080-\uffff]/;

/** A socket of Bun's as the core sees it. */
class BunSocket implements StreamSocket {
  events: SocketEvents | undefined;
  over = false;
  /** What Bun did not take yet. */
  waiting: Uint8Array[] = [];
  readonly #socket: Bun.Socket<BunSocket>;
  #ending = false;

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
    const bytes = typeof data === "string" && NOT_ASCII.test(data) ? Buffer.from(data, "latin1") : data;
    if (this.waiting.length === 0) {
      const taken = this.#socket.write(bytes);
      // -1: it is closing, and will say so.
      if (taken === bytes.length || taken < 0) return true;
      this.waiting.push(typeof bytes === "string" ? Buffer.from(bytes.slice(taken), "latin1") : bytes.subarray(taken));
    } else this.waiting.push(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return false;
  }

  /** Bun takes more. */
  drain(): void {
    while (this.waiting.length > 0) {
      const bytes = this.waiting[0]!;
      const taken = this.#socket.write(bytes);
      if (taken < 0) return;
      if (taken < bytes.length) {
        this.waiting[0] = bytes.subarray(taken);
        return;
      }
      this.waiting.shift();
    }
    if (this.#ending) this.#socket.shutdown();
    this.events?.drained();
  }

  end(): void {
    this.#ending = true;
    if (this.waiting.length === 0) this.#socket.shutdown();
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

const HANDLERS: Bun.SocketHandler<BunSocket> = {
  data: (socket, bytes) => socket.data.events?.data(bytes),
  drain: (socket) => socket.data.drain(),
  end: (socket) => socket.data.events?.ended(),
  close(socket, error) {
    const { data } = socket;
    data.over = true;
    data.waiting = [];
    data.events?.closed(error);
  },
};

/**
 * Connects with `Bun.connect`, for HTTP: node:net's streams take a fifth of a bare proxy's time on top where bodies are
 * large. An attempt that is given up cannot be taken back from Bun 1.4.5: its socket stays until the system gives up
 * too (about two minutes where packets are swallowed), and is closed if it comes to stand.
 */
export const bunDial: Dial = async (to, { signal, preface, background }) => {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const opening = Bun.connect<BunSocket>({
    hostname: to.host,
    port: to.port,
    allowHalfOpen: true,
    data: undefined as unknown as BunSocket,
    socket: {
      ...HANDLERS,
      open(socket) {
        socket.data = new BunSocket(socket);
        socket.pause();
      },
    },
  });
  try {
    const socket = await Promise.race([opening, aborted.promise]);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    if (background) socket.unref();
    if (preface !== undefined) socket.data.write(preface);
    return socket.data;
  } catch (error) {
    opening.then((socket) => socket.close()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
};
