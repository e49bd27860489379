import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import type { SocketAddress } from "../../base/addresses.ts";
import { authority } from "../../base/addresses.ts";
import {
  ListenError,
  type ListenOptions,
  type StreamHandlers,
  type StreamListener,
  type TlsListenOptions,
  type TlsStreamListener,
  takenError,
} from "../listen.ts";
import type { Dial, SocketEvents, StreamSocket } from "../sockets.ts";
import type { ServerCertificate } from "../tls.ts";

/**
 * TCP by node:net and node:tls, which both runtimes have. Measured on loopback against Bun.listen and Bun.connect: the
 * same CPU for each megabyte and connection, with back-pressure, half-close and reset already there. Deno's own sockets
 * take 40 % of node:net's CPU for a megabyte, but cannot reset a connection.
 */

/**
 * A quiet connection is probed after this many milliseconds: a peer that vanished sends no goodbye. How often, and how many
 * probes may stay without an answer, no runtime lets us say: Node and Bun give it up after ten, a second apart.
 */
export const KEEP_ALIVE_MS = 60_000;

/** Pieces up to this size are copied, to leave in one system call with what frames them. */
export const COPIED_BYTES = 65_536;

/** How long a client may take for its TLS handshake, milliseconds. */
export const HANDSHAKE_MS = 10_000;

/** IPv4 that came through an IPv6 socket is IPv4 (RFC 4291 section 2.5.5.2). */
export const plainHost = (host = ""): string => (host.startsWith("::ffff:") ? host.slice(7) : host);

/** Puts the three one behind the other, which fill the buffer; each character is one byte. */
export function framed(buffer: Buffer, before: string, bytes: Uint8Array, after: string): Buffer {
  let at = before.length;
  if (at > 0) buffer.write(before, 0, at, "latin1");
  buffer.set(bytes, at);
  at += bytes.length;
  if (after !== "") buffer.write(after, at, after.length, "latin1");
  return buffer;
}

/** One socket as the core sees it; `raw` is what carries it. */
function nodeSocket(socket: Socket | TLSSocket, raw: Socket): StreamSocket {
  let events: SocketEvents | undefined;
  let broken: Error | undefined;
  let destroyed = false;
  socket.on("data", (bytes: Uint8Array) => events?.data(bytes));
  // A listener for data makes it flow.
  socket.pause();
  socket.on("end", () => events?.ended());
  socket.on("drain", () => events?.drained());
  socket.on("error", (error: Error) => {
    broken ??= error;
  });
  socket.on("close", () => events?.closed(destroyed ? undefined : broken));
  return {
    peer: { host: plainHost(raw.remoteAddress), port: raw.remotePort ?? 0 },
    local: { host: plainHost(raw.localAddress), port: raw.localPort ?? 0 },
    protocol: ("alpnProtocol" in socket && socket.alpnProtocol) || undefined,
    listen(next) {
      events = next;
      if (socket.closed) queueMicrotask(() => events?.closed(broken));
    },
    write: (bytes) => (typeof bytes === "string" ? socket.write(bytes, "latin1") : socket.write(bytes)),
    writeFramed(before, bytes, after) {
      const size = before.length + bytes.length + after.length;
      if (size <= COPIED_BYTES) return socket.write(framed(Buffer.allocUnsafe(size), before, bytes, after));
      if (before !== "") socket.write(before, "latin1");
      const more = socket.write(bytes);
      return after === "" ? more : socket.write(after, "latin1");
    },
    get waiting() {
      return socket.writableLength;
    },
    end: () => void socket.end(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    reset() {
      destroyed = true;
      raw.resetAndDestroy();
      if (raw !== socket) socket.destroy();
    },
    destroy() {
      destroyed = true;
      socket.destroy();
    },
  };
}

function tune(socket: Socket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

/** Connects with node:net, and with node:tls over it where `tls` says how, for the address that is asked for. */
export function nodeDial(tls?: (host: string) => ConnectionOptions): Dial {
  return (to, { signal, preface, background }) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const raw = connect({ host: to.host, port: to.port, allowHalfOpen: true });
      let socket: Socket = raw;
      const fail = (error: unknown): void => {
        signal.removeEventListener("abort", abort);
        socket.destroy();
        raw.destroy();
        reject(error);
      };
      const abort = (): void => fail(signal.reason);
      const lost = (): void => fail(new Error("the connection ended before it stood"));
      const stands = (): void => {
        signal.removeEventListener("abort", abort);
        socket.off("close", lost);
        resolve(nodeSocket(socket, raw));
        // What breaks from now on comes by the socket's own events.
        socket.off("error", fail);
      };
      signal.addEventListener("abort", abort, { once: true });
      raw.on("error", fail);
      raw.once("connect", () => {
        tune(raw);
        if (background) raw.unref();
        if (preface !== undefined) raw.write(preface);
        if (tls === undefined) return stands();
        socket = connectTls({ ...tls(to.host), socket: raw, allowHalfOpen: true } as ConnectionOptions);
        socket.on("error", fail);
        socket.once("close", lost);
        socket.once("secureConnect", stands);
      });
    });
}

/** Why an address cannot be listened on. */
export function listenFault(address: SocketAddress, cause: unknown): ListenError {
  const { code, name, message } = cause as NodeJS.ErrnoException;
  if (code === "EADDRINUSE" || name === "AddrInUse") return takenError(address, cause);
  return new ListenError(`Cannot listen on ${authority(address)}: ${message}`, { cause });
}

function listening(
  server: Server,
  address: SocketAddress,
  { share = false }: ListenOptions = {},
): Promise<StreamListener> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(listenFault(address, cause)));
    server.listen({ host: address.host, port: address.port, reusePort: share }, () => {
      // A failed accept (no file descriptors left, say) concerns that connection alone.
      server.on("error", () => {});
      const { port } = server.address() as { port: number };
      resolve({ port, close: () => void server.close() });
    });
  });
}

/** Listens for TCP. Rejects with `ListenError`. */
export function listenStream(
  address: SocketAddress,
  handlers: StreamHandlers,
  options?: ListenOptions,
): Promise<StreamListener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    tune(socket);
    handlers.connection(nodeSocket(socket, socket));
  });
  return listening(server, address, options);
}

interface NamedContext {
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** `*.` in front stands for one label (RFC 6125 section 6.4.3). */
const covers = (pattern: string, name: string): boolean =>
  pattern === name || (pattern.startsWith("*.") && name.slice(name.indexOf(".")) === pattern.slice(1));

/** Listens for TLS with node:tls. Rejects with `ListenError`. */
export async function listenStreamTls(
  address: SocketAddress,
  handlers: StreamHandlers,
  certificates: readonly ServerCertificate[],
  options: TlsListenOptions = {},
): Promise<TlsStreamListener> {
  const contextsOf = (of: readonly ServerCertificate[]): NamedContext[] =>
    of.map(({ cert, key, names }) => ({ names, context: createSecureContext({ cert, key }) }));
  let contexts = contextsOf(certificates);
  /** Connections at their handshakes. */
  const pending = new Set<Socket>();
  const { cert, key } = certificates[0]!;
  const server = createTlsServer(
    {
      cert,
      key,
      allowHalfOpen: true,
      handshakeTimeout: options.handshakeTimeout ?? HANDSHAKE_MS,
      ...(options.protocols && { ALPNProtocols: [...options.protocols] }),
      SNICallback(name, answer) {
        const asked = name.toLowerCase();
        const named = contexts.find(({ names }) => names.some((pattern) => covers(pattern, asked)));
        answer(null, (named ?? contexts[0]!).context);
      },
    },
    (socket) => {
      pending.delete(socket);
      tune(socket);
      handlers.connection(nodeSocket(socket, socket));
    },
  );
  // On Bun this is the socket that TLS is spoken on, too.
  server.on("connection", (socket: Socket) => {
    if (!handlers.admits(pending.size)) return void socket.destroy();
    pending.add(socket);
    socket.once("close", () => pending.delete(socket));
  });
  server.on("tlsClientError", (error: Error, socket: Socket) => {
    // One that was not admitted has been counted as such.
    if (!pending.delete(socket)) return;
    handlers.refused(error);
    // Bun tells of a handshake that takes too long, and leaves its connection open.
    socket.destroy();
  });
  const listener = await listening(server, address, options);
  return {
    ...listener,
    renew(next) {
      contexts = contextsOf(next);
      // Clients that name no host do not ask the callback.
      server.setSecureContext({ cert: next[0]!.cert, key: next[0]!.key });
    },
  };
}
