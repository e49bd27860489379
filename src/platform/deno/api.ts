/**
 * What is used of Deno's own API: its types and Bun's cannot be loaded side by side. https://docs.deno.com/api/deno/
 */

/** A client of Deno's fetch: its own connections, trust and identity. */
export interface DenoHttpClient extends Disposable {
  close(): void;
}

/** A forward proxy, or the address to connect to in place of the URL's and of the environment's proxy. */
export type DenoProxy =
  | { readonly url: string }
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number };

export interface DenoHttpClientOptions {
  readonly proxy?: DenoProxy;
  /** Certificates in PEM, trusted beside Deno's own. */
  readonly caCerts?: string[];
  readonly cert?: string;
  readonly key?: string;
  /** Lets a request bring its own `Host`. */
  readonly allowHost?: boolean;
  readonly http2?: boolean;
  readonly poolMaxIdlePerHost?: number;
}

interface DenoChild {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly status: Promise<{ readonly code: number }>;
  kill(signal: string): void;
}

/** A connection of Deno's own. */
export interface DenoConn {
  readonly remoteAddr: { readonly hostname: string; readonly port: number };
  readonly localAddr: { readonly hostname: string; readonly port: number };
  /** Bytes read; null: the other side has ended. */
  read(into: Uint8Array): Promise<number | null>;
  /** Bytes written, maybe fewer than given. */
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean): void;
}

/** The same with TLS. */
export interface DenoTlsConn extends DenoConn {
  handshake(): Promise<{ readonly alpnProtocol: string | null }>;
}

/** A listening port with TLS. */
export interface DenoTlsListener {
  readonly addr: { readonly port: number };
  accept(): Promise<DenoTlsConn>;
  close(): void;
}

/** Trust and identity of a TLS client. */
export interface DenoTlsOptions {
  /** The name to ask for and to verify. */
  readonly hostname: string;
  readonly caCerts?: string[];
}

interface DenoApi {
  readonly args: readonly string[];
  exitCode: number;
  createHttpClient(options: DenoHttpClientOptions): DenoHttpClient;
  listen(options: { readonly hostname: string; readonly port: number }): { close(): void };
  listenTls(options: {
    readonly hostname: string;
    readonly port: number;
    readonly cert: string;
    readonly key: string;
    readonly reusePort: true;
    readonly alpnProtocols?: string[];
  }): DenoTlsListener;
  connect(options: { readonly hostname: string; readonly port: number }): Promise<DenoConn>;
  connectTls(
    options: DenoTlsOptions & { readonly port: number; readonly cert?: string; readonly key?: string },
  ): Promise<DenoTlsConn>;
  startTls(conn: DenoConn, options: DenoTlsOptions): Promise<DenoTlsConn>;
  readonly Command: new (
    command: string,
    options: {
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly clearEnv: true;
      readonly stdin: "null";
      readonly stdout: "piped";
      readonly stderr: "piped";
    },
  ) => { spawn(): DenoChild };
}

/** `Deno`, typed as far as it is used. */
export const deno: DenoApi = (globalThis as unknown as { Deno: DenoApi }).Deno;

/** Why `upstream_tls.verify: false` is refused. */
export const UNVERIFIED =
  "Deno cannot leave one server's certificate unchecked: name the CA that signed it (ca_file), " +
  "or start Deno with --unsafely-ignore-certificate-errors=HOST and leave verification on";
