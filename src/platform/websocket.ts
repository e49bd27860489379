/** Events of one end of a WebSocket connection. */
export interface MessageEvents {
  /** A whole message: text as a string, anything else as bytes. `size` is that of its payload, in bytes. */
  message(data: string | Uint8Array, size: number): void;
  /** A ping came; it has been answered. */
  pinged(): void;
  /** What was sent has left: more may follow. */
  drained(): void;
  /**
   * It is over: once, and nothing follows. Not called on the side that ended it: after `close` or `terminate`. The code
   * and reason of the other side's close frame: 1005 where that had no code, 1006 where there was none (RFC 6455
   * section 7.1.5).
   */
  closed(code: number, reason: string): void;
}

/**
 * One end of an open WebSocket connection (RFC 6455), in whole messages. Pings of the other side are answered by it.
 */
export interface MessageSocket {
  /** Begins to read. Called once, before anything else. */
  listen(events: MessageEvents): void;
  /** False: it waits to be written, and so should the sender, until `drained`. */
  send(message: string | Uint8Array): boolean;
  /** Stops reading, so that the other side's network buffers fill; what was read already still comes. */
  pause(): void;
  resume(): void;
  /** Says goodbye after what was sent; 1005: without a code. Whatever comes back is dropped. */
  close(code: number, reason: string): void;
  /** Ends the connection without a word. */
  terminate(): void;
}

/** The client's end of a WebSocket, and the answer the handler has to give back for it. */
export interface Upgraded {
  readonly response: Response;
  readonly socket: MessageSocket;
}

/**
 * Accepts a client's WebSocket handshake, its answer carrying `headers`: the subprotocol is theirs to choose.
 * undefined: the client is gone, or the connection cannot be upgraded.
 */
export type Upgrade = (request: Request, headers: Headers) => Upgraded | undefined;

/**
 * Largest message either way, in bytes: a message is held in memory as a whole, since the runtimes hand over and take
 * whole ones.
 */
export const MESSAGE_BYTES: number = 16 * 1024 * 1024;
