import { Buffer } from "node:buffer";
import type { SocketAddress } from "../../base/addresses.ts";
import { ListenError, type StreamHandlers, type TlsListenOptions, type TlsStreamListener } from "../listen.ts";
import { COPIED_BYTES, framed, HANDSHAKE_MS, listenFault, plainHost } from "../node/streams.ts";
import type { Dial, SocketEvents, StreamSocket } from "../sockets.ts";
import type { ClientTls, ServerCertificate } from "../tls.ts";
import { type DenoConn, type DenoTlsConn, type DenoTlsListener, deno, UNVERIFIED } from "./api.ts";

/**
 * TLS by Deno's own sockets: its node:tls goes on reading after `pause`, and keeps all of it in memory
 * (Deno 2.9.6). Deno's own can be read as slowly as one likes.
 */

const READ_BYTES = 65_536;
/** What may wait to be written before the sender has to stop. */
const WAITING_BYTES = 65_536;

function close(conn: DenoConn | undefined): void {
  try {
    conn?.close();
  } catch {
    // It was closed already, or TLS has taken it over.
  }
}

/** One connection of Deno's as the core sees it. A reset is a close here: Deno has no other. */
function denoSocket(conn: DenoConn, protocol?: string): StreamSocket {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let events: SocketEvents | undefined;
  let flowing = false;
  let reading = false;
  let writing = false;
  let full = false;
  /** What each direction has come to. */
  let readEnded = false;
  let writeEnd: "open" | "asked" | "done" = "open";
  let over = false;

  function finish(cause: Error | undefined): void {
    if (over) return;
    over = true;
    close(conn);
    queueMicrotask(() => events?.closed(cause));
  }

  const finishWhenDone = (): void => {
    if (readEnded && writeEnd === "done") finish(undefined);
  };

  async function read(): Promise<void> {
    if (reading || readEnded) return;
    reading = true;
    const buffer = new Uint8Array(READ_BYTES);
    try {
      while (flowing && !over) {
        const count = await conn.read(buffer).catch((error: Error) => {
          // Many close without TLS's goodbye.
          if (error.name === "UnexpectedEof") return null;
          throw error;
        });
        if (over) return;
        if (count === null) {
          readEnded = true;
          events?.ended();
          return finishWhenDone();
        }
        events?.data(buffer.slice(0, count));
      }
    } catch (error) {
      finish(error as Error);
    } finally {
      reading = false;
    }
  }

  async function write(): Promise<void> {
    if (writing) return;
    writing = true;
    try {
      for (let next = waiting.shift(); next !== undefined && !over; next = waiting.shift()) {
        for (let at = 0; at < next.byteLength; ) {
          const taken = await conn.write(next.subarray(at));
          at += taken;
          waitingBytes -= taken;
        }
        if (!full || waitingBytes >= WAITING_BYTES || over) continue;
        full = false;
        events?.drained();
      }
      if (writeEnd === "asked" && !over) {
        await conn.closeWrite();
        writeEnd = "done";
        finishWhenDone();
      }
    } catch (error) {
      finish(error as Error);
    } finally {
      writing = false;
    }
  }

  function send(bytes: Uint8Array): boolean {
    if (over) return true;
    waiting.push(bytes);
    waitingBytes += bytes.byteLength;
    void write();
    full ||= waitingBytes >= WAITING_BYTES;
    return !full;
  }

  return {
    peer: { host: plainHost(conn.remoteAddr.hostname), port: conn.remoteAddr.port },
    local: { host: plainHost(conn.localAddr.hostname), port: conn.localAddr.port },
    protocol,
    listen(next) {
      events = next;
    },
    write: (data) => send(typeof data === "string" ? Buffer.from(data, "latin1") : data),
    writeFramed(before, bytes, after) {
      const size = before.length + bytes.length + after.length;
      if (size <= COPIED_BYTES) return send(framed(Buffer.allocUnsafe(size), before, bytes, after));
      if (before !== "") send(Buffer.from(before, "latin1"));
      const more = send(bytes);
      return after === "" ? more : send(Buffer.from(after, "latin1"));
    },
    get waiting() {
      return waitingBytes;
    },
    end() {
      if (writeEnd !== "open") return;
      writeEnd = "asked";
      void write();
    },
    pause() {
      flowing = false;
    },
    resume() {
      flowing = true;
      void read();
    },
    reset: () => finish(undefined),
    destroy: () => finish(undefined),
  };
}

/** A TLS connection to be: Deno shows a client certificate only where it connects by itself. */
async function secure(
  to: SocketAddress,
  tls: ClientTls,
  preface: Uint8Array | undefined,
  made: (conn: DenoConn) => void,
): Promise<DenoTlsConn> {
  const caCerts = tls.ca === undefined ? undefined : { caCerts: [tls.ca] };
  if (tls.cert !== undefined && tls.key !== undefined) {
    if (preface !== undefined) throw new Error("Deno cannot send proxy_protocol and show a client certificate");
    const identity = { cert: tls.cert, key: tls.key };
    return await deno.connectTls({ hostname: to.host, port: to.port, ...caCerts, ...identity });
  }
  const conn = await deno.connect({ hostname: to.host, port: to.port });
  made(conn);
  for (let at = 0; preface !== undefined && at < preface.byteLength; ) at += await conn.write(preface.subarray(at));
  return await deno.startTls(conn, { hostname: tls.serverName ?? to.host, ...caCerts });
}

/** Connects with TLS. Throws where Deno has no way to do what is asked. */
export function dialTls(tls: ClientTls): Dial {
  if (!tls.verify) throw new Error(UNVERIFIED);
  if (tls.cert !== undefined && tls.serverName !== undefined) {
    throw new Error("Deno cannot show a client certificate and check the server's for another name than the address");
  }
  return async (to, { signal, preface }) => {
    signal.throwIfAborted();
    let conn: DenoConn | undefined;
    let aborted = false;
    const stop = Promise.withResolvers<never>();
    const abort = (): void => {
      aborted = true;
      close(conn);
      stop.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const made = (next: DenoConn): void => {
      conn = next;
      if (aborted) close(conn);
    };
    const stands = async (): Promise<StreamSocket> => {
      const found = await secure(to, tls, preface, made);
      made(found);
      found.setNoDelay?.(true);
      found.setKeepAlive?.(true);
      await found.handshake();
      return denoSocket(found);
    };
    try {
      return await Promise.race([stands(), stop.promise]);
    } catch (error) {
      close(conn);
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

/** Listens with TLS. Deno's listener has one certificate. Rejects with `ListenError`. */
export async function listenDenoTls(
  address: SocketAddress,
  handlers: StreamHandlers,
  certificates: readonly ServerCertificate[],
  { share = false, protocols, handshakeTimeout = HANDSHAKE_MS }: TlsListenOptions = {},
): Promise<TlsStreamListener> {
  const open = (port: number, of: readonly ServerCertificate[]): DenoTlsListener => {
    if (of.length > 1) {
      throw new ListenError(`Cannot listen with several certificates: Deno's listener has one; keep one in tls`);
    }
    const { cert, key } = of[0]!;
    try {
      const alpn = protocols && { alpnProtocols: [...protocols] };
      return deno.listenTls({ hostname: address.host, port, cert, key, reusePort: true, ...alpn });
    } catch (cause) {
      throw listenFault(address, cause);
    }
  };

  /** Connections at their handshakes. */
  let pending = 0;

  async function take(listener: DenoTlsListener): Promise<void> {
    for (;;) {
      let conn: Awaited<ReturnType<DenoTlsListener["accept"]>>;
      try {
        conn = await listener.accept();
      } catch (error) {
        // Closed; anything else concerns that connection alone.
        if ((error as Error).name === "BadResource" || (error as Error).name === "Interrupted") return;
        handlers.refused(error as Error);
        continue;
      }
      if (!handlers.admits(pending)) {
        close(conn);
        continue;
      }
      pending++;
      const timer = setTimeout(() => close(conn), handshakeTimeout);
      conn
        .handshake()
        .finally(() => {
          clearTimeout(timer);
          pending--;
        })
        .then(({ alpnProtocol }) => {
          conn.setNoDelay?.(true);
          conn.setKeepAlive?.(true);
          handlers.connection(denoSocket(conn, alpnProtocol ?? undefined));
        })
        .catch((error: Error) => {
          handlers.refused(error);
          close(conn);
        });
    }
  }

  // A port that may be shared would be shared with a stranger too; this one may not.
  if (address.port !== 0 && !share) {
    try {
      deno.listen({ hostname: address.host, port: address.port }).close();
    } catch (cause) {
      throw listenFault(address, cause);
    }
  }
  let current = open(address.port, certificates);
  void take(current);
  return {
    port: current.addr.port,
    close: () => current.close(),
    renew(next) {
      const before = current;
      current = open(before.addr.port, next);
      void take(current);
      before.close();
    },
  };
}
