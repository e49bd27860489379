import type { SocketAddress } from "../base/addresses.ts";
import type { ListenOptions, StreamHandlers, StreamListener, TlsListenOptions, TlsStreamListener } from "./listen.ts";
import type { ProcessUsage, Signal } from "./process.ts";
import type { Threads } from "./threads.ts";
import type { CertificateFacts, CertificateFault, ServerCertificate } from "./tls.ts";

/** The process around a command: where it prints, listens and gets signals. Workers has none. */
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
  /** Listens for TCP. Rejects with `ListenError`. */
  listenStream(address: SocketAddress, handlers: StreamHandlers, options?: ListenOptions): Promise<StreamListener>;
  /** Listens for TLS; at least one certificate, the first for clients that name none. Rejects with `ListenError`. */
  listenStreamTls(
    address: SocketAddress,
    handlers: StreamHandlers,
    certificates: readonly ServerCertificate[],
    options?: TlsListenOptions,
  ): Promise<TlsStreamListener>;
  /** How many files, sockets included, the process may have open; undefined: that is not known. */
  openFiles(): number | undefined;
  /** What the process uses of the machine, now. */
  usage(): ProcessUsage;
  /** Whether the port is in use now, be it by one that shares it. */
  isTaken(address: SocketAddress): boolean;
  /** Whether a chain and a key, both in PEM, can be served with. */
  inspectCertificate(cert: string, key: string): CertificateFacts | CertificateFault;
  /** Left out where threads cannot share a port. */
  readonly threads?: Threads | undefined;
  /**
   * Calls `handler` with what was thrown or rejected where nothing catches it, in a timer of a user's module say: it
   * ends the process only where this is not called. Returns the function that ends it.
   */
  onFault(handler: (fault: unknown) => void): () => void;
  /** Calls `handler` at every signal; returns the function that ends it. */
  onSignal(handler: (signal: Signal) => void): () => void;
}
