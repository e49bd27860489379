import type { SocketAddress } from "../../base/addresses.ts";
import type { SocketEvents, StreamSocket } from "../../platform/sockets.ts";

/**
 * A client's connection after a change of protocols, as who took it over sees it: the socket itself, but that its end is
 * noticed here as well.
 */
export class ClientTunnel implements StreamSocket, SocketEvents {
  readonly #socket: StreamSocket;
  readonly #onClosed: () => void;
  #events: SocketEvents | undefined = undefined;
  #over = false;

  /** Takes the events of `socket`. `onClosed` is called once, when it is gone. */
  constructor(socket: StreamSocket, onClosed: () => void) {
    this.#socket = socket;
    this.#onClosed = onClosed;
    socket.listen(this);
  }

  get peer() {
    return this.#socket.peer;
  }

  get local() {
    return this.#socket.local;
  }

  get waiting() {
    return this.#socket.waiting;
  }

  listen(events: SocketEvents): void {
    this.#events = events;
    if (this.#over) queueMicrotask(() => events.closed(undefined));
  }

  write(bytes: Uint8Array | string): boolean {
    return this.#socket.write(bytes);
  }

  writeFramed(before: string, bytes: Uint8Array, after: string): boolean {
    return this.#socket.writeFramed(before, bytes, after);
  }

  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  reset(): void {
    this.#socket.reset();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  data(bytes: Uint8Array): void {
    this.#events?.data(bytes);
  }

  ended(): void {
    this.#events?.ended();
  }

  drained(): void {
    this.#events?.drained();
  }

  closed(cause: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#onClosed();
    this.#events?.closed(cause);
  }
}

/** A connection that is gone: for who takes one over too late. */
export class GoneSocket implements StreamSocket {
  readonly peer: SocketAddress;
  readonly local: SocketAddress;
  readonly waiting = 0;

  constructor({ peer, local }: StreamSocket) {
    this.peer = peer;
    this.local = local;
  }

  listen(events: SocketEvents): void {
    queueMicrotask(() => events.closed(undefined));
  }

  write(): boolean {
    return true;
  }

  writeFramed(): boolean {
    return true;
  }

  end(): void {}
  pause(): void {}
  resume(): void {}
  reset(): void {}
  destroy(): void {}
}
