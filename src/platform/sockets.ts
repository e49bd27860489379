import type { SocketAddress } from "../base/addresses.ts";

/** Events of a socket; none comes after `closed`. */
export interface SocketEvents {
  /** Bytes came; they are the receiver's to keep. */
  data(bytes: Uint8Array): void;
  /** The other side will send no more (FIN, or TLS's close_notify); it may still read. */
  ended(): void;
  /** What `write` took has left far enough to take more. */
  drained(): void;
  /** It is gone. `cause`: it broke (a reset, say); undefined: both directions had ended, or it was destroyed here. */
  closed(cause: Error | undefined): void;
}

/**
 * A connection as the core sees it: TCP, or TLS over it. It does not read until `resume`, so that what its other
 * side sends stays with the kernel, and TCP's own flow control slows the sender down.
 */
export interface StreamSocket {
  /** The other end. */
  readonly peer: SocketAddress;
  /** This end. */
  readonly local: SocketAddress;
  /** What both ends agreed on in the TLS handshake (ALPN, RFC 7301); undefined: on nothing. */
  readonly protocol?: string | undefined;
  /** Takes the events from now on, in place of the listener before. */
  listen(events: SocketEvents): void;
  /**
   * Sends; of a text each character as one byte (Latin-1). False: enough is waiting, stop until `drained`; the bytes
   * are taken all the same.
   */
  write(bytes: Uint8Array | string): boolean;
  /** Sends the three one behind the other, as `write` does: in one system call, unless they are many bytes. */
  writeFramed(before: string, bytes: Uint8Array, after: string): boolean;
  /** Bytes that `write` took and the system did not take yet. While they stay the same, the other side takes nothing. */
  readonly waiting: number;
  /** Sends what waits, then says that no more will come; the other direction goes on. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Breaks the connection, as its other side is to see (RST, where the runtime has it); what waits is dropped. */
  reset(): void;
  /** Closes it both ways, at once. */
  destroy(): void;
}

/** What a connection to an upstream is made with. */
export interface DialOptions {
  /** Ends the attempt: the promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** What is sent first, before TLS. */
  readonly preface?: Uint8Array | undefined;
  /** The connection must not keep the program from ending. */
  readonly background?: boolean | undefined;
}

/** Connects; resolves when the connection stands, its TLS handshake included. Rejects with why it does not. */
export type Dial = (to: SocketAddress, options: DialOptions) => Promise<StreamSocket>;
