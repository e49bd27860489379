import { authority } from "../base/addresses.ts";
import type { ListenAddress } from "../config/schema.ts";
import type { ProcessUsage } from "../telemetry/process-metrics.ts";
import type { StreamListener, StreamSocket } from "./sockets.ts";
import type { Threads } from "./threads.ts";
import type { Upgrade } from "./websocket.ts";

/** A handler of requests: `peer` is the address of the connection's other end, `upgrade` accepts its WebSockets. */
export type Handler = (request: Request, peer: string, upgrade: Upgrade) => Response | Promise<Response>;

/** A listening server. */
export interface Listener {
  /** The port it really listens on. */
  readonly port: number;
  /**
   * Stops accepting connections; resolves when the last answer under way is complete and the last WebSocket closed, or
   * after `timeout` ms, when WebSockets are closed as going away and what else is left is cut off. `farewell` is called
   * then: what it ends of the answers has a moment to leave.
   */
  stop(timeout: number, farewell?: () => void): Promise<void>;
}

/** How to listen. */
export interface ListenOptions {
  /**
   * Others of this user may take connections on the same port: other threads, and a gateway that follows this one. Left
   * out, nobody else may.
   */
  readonly share?: boolean | undefined;
}

/** A certificate to serve with. */
export interface ServerCertificate {
  /** The chain in PEM, the server's own first. */
  readonly cert: string;
  /** Its key in PEM. */
  readonly key: string;
  /** Host names it is for, lower case; `*.` in front stands for one label. */
  readonly names: readonly string[];
}

/** How to serve with TLS. */
export interface ServerTls {
  /** At least one; the first also serves clients that name none of the hosts. */
  readonly certificates: readonly ServerCertificate[];
  readonly http2: boolean;
  /** Also on UDP, on the same port. */
  readonly http3: boolean;
}

/** A listening server with TLS. */
export interface TlsListener extends Listener {
  /** New connections get these certificates; those there are go on. Throws `ListenError`: then nothing has changed. */
  renew(certificates: readonly ServerCertificate[]): void;
}

/** Who is told of what comes to a listening TCP port. */
export interface StreamHandlers {
  /** A connection stands, its TLS handshake included; it does not read yet. */
  connection(socket: StreamSocket): void;
  /**
   * Of a listener with TLS: whether another connection may begin its handshake while `pending` others are at theirs. One
   * that may not is closed unread.
   */
  admits(pending: number): boolean;
  /** A client's TLS handshake failed, or took too long: there is no connection. */
  refused(error: Error): void;
}

/** A listening TCP port with TLS. */
export interface TlsStreamListener extends StreamListener {
  /** New connections get these certificates; those there are go on. Throws `ListenError`: then nothing has changed. */
  renew(certificates: readonly ServerCertificate[]): void;
}

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Its DNS names, lower case. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** Why a certificate and its key cannot be used; `why` goes on after the name of the file. */
export interface CertificateFault {
  readonly fault: "cert" | "key";
  readonly why: string;
}

/** An address that could not be listened on, in words. */
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
export const takenError = (address: ListenAddress, cause?: unknown): ListenError =>
  new ListenError(`Cannot listen on ${authority(address)}: another program listens there`, { cause, taken: true });

/** Signals a gateway acts on. */
export type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** The process around a command: where it prints, listens and is told to stop. Workers has none. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What this machine, or pod, is called; undefined: that is not known. */
  readonly machine: string | undefined;
  /** Whether standard error is a terminal: logs are then pretty. */
  readonly terminal: boolean;
  /** One line to standard output, without its line end. */
  stdout(line: string): void;
  /** One line to standard error, without its line end. */
  stderr(line: string): void;
  /** Raw text to standard error: a line that is written over. Only where that is a `terminal`. */
  draw(text: string): void;
  /** Characters of a line of the terminal; undefined: not known. */
  columns(): number | undefined;
  /** Whole lines to standard output, line ends included: the access log. */
  write(lines: string): void;
  /** Throws `ListenError`. */
  listen(address: ListenAddress, handler: Handler, options?: ListenOptions): Listener;
  /** Throws `ListenError`. The port is shared with other listeners of this user: see `isTaken`. */
  listenTls(address: ListenAddress, handler: Handler, tls: ServerTls): TlsListener;
  /** Listens for TCP. Rejects with `ListenError`. */
  listenStream(address: ListenAddress, handlers: StreamHandlers, options?: ListenOptions): Promise<StreamListener>;
  /** Listens for TLS; at least one certificate, the first for clients that name none. Rejects with `ListenError`. */
  listenStreamTls(
    address: ListenAddress,
    handlers: StreamHandlers,
    certificates: readonly ServerCertificate[],
    options?: ListenOptions,
  ): Promise<TlsStreamListener>;
  /** What the process uses of the machine, now. */
  usage(): ProcessUsage;
  /** Whether somebody listens there now, be it one that shares its port. */
  isTaken(address: ListenAddress): boolean;
  /** Whether a chain and a key, both in PEM, can be served with. */
  inspectCertificate(cert: string, key: string): CertificateFacts | CertificateFault;
  /** Left out where threads cannot share a port. */
  readonly threads?: Threads | undefined;
  /**
   * Calls `handler` with what was thrown or rejected where nothing catches it, in a timer of a user's module say: it ends the
   * process only where this is not called. Returns the function that ends it.
   */
  onFault(handler: (fault: unknown) => void): () => void;
  /** Calls `handler` at every signal; returns the function that ends it. */
  onSignal(handler: (signal: Signal) => void): () => void;
}

/** The address as a URL's authority; the wildcard addresses are shown as the loopback one, which a user can call. */
export function shownAuthority(host: string, port: number): string {
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return shown.includes(":") ? `[${shown}]:${port}` : `${shown}:${port}`;
}
