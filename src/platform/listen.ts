import { authority, type SocketAddress } from "../base/addresses.ts";
import type { StreamSocket } from "./sockets.ts";
import type { ServerCertificate } from "./tls.ts";

/** A listening server. */
export interface Listener {
  /** The port it really listens on. */
  readonly port: number;
  /**
   * Stops accepting connections; resolves when the last answer under way is complete and the last tunnel gone, or after
   * `timeout` ms, when what is left is cut off. `farewell` is called before: what it ends of the answers has a moment to
   * leave.
   */
  stop(timeout: number, farewell?: () => void): Promise<void>;
}

/** How to listen. */
export interface ListenOptions {
  /**
   * Others of this user may take connections on the same port: other threads, and a gateway that follows this one. Left
   * out, no other may.
   */
  readonly share?: boolean | undefined;
}

/** How to listen with TLS. */
export interface TlsListenOptions extends ListenOptions {
  /** The protocols that are spoken, the best first (ALPN). A client that asks for others alone fails. @default any */
  readonly protocols?: readonly string[] | undefined;
  /** How long a client may take for its handshake, milliseconds. @default 10000 */
  readonly handshakeTimeout?: number | undefined;
}

/** Handlers of what comes to a listening TCP port. */
export interface StreamHandlers {
  /** A connection stands, its TLS handshake included; it does not read yet. */
  connection(socket: StreamSocket): void;
  /**
   * Of a listener with TLS: whether another connection may begin its handshake while `pending` others are at theirs.
   * One that may not is closed unread.
   */
  admits(pending: number): boolean;
  /** A client's TLS handshake failed, or took too long: there is no connection. */
  refused(error: Error): void;
}

/** A listening TCP port. */
export interface StreamListener {
  /** The port it really listens on. */
  readonly port: number;
  /** Takes no more connections; those there are go on. */
  close(): void;
}

/** A listening TCP port with TLS. */
export interface TlsStreamListener extends StreamListener {
  /** New connections get these certificates; those there are go on. Throws `ListenError`: then nothing has changed. */
  renew(certificates: readonly ServerCertificate[]): void;
}

/** An address that could not be listened on. */
export class ListenError extends Error {
  override name = "ListenError";
  /** Another program listens there. */
  readonly taken: boolean;

  constructor(message: string, options: { cause?: unknown; taken?: boolean } = {}) {
    super(message, options);
    this.taken = options.taken ?? false;
  }
}

/** What listening on an address that another program has ends with. */
export const takenError = (address: SocketAddress, cause?: unknown): ListenError =>
  new ListenError(`Cannot listen on ${authority(address)}: another program listens there`, { cause, taken: true });

/** The address as a URL's authority; the wildcard addresses are shown as the loopback one, which a user can call. */
export function shownAuthority(host: string, port: number): string {
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return shown.includes(":") ? `[${shown}]:${port}` : `${shown}:${port}`;
}
