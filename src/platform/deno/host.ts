import process from "node:process";
import type { SocketAddress } from "../../base/addresses.ts";
import { outliveReaders } from "../closed-pipes.ts";
import type { Host } from "../host.ts";
import { type Handler, ListenError, type Listener, takenError } from "../listen.ts";
import { inspectCertificate } from "../node/certificate.ts";
import { listenStream } from "../node/streams.ts";
import { nodeOpenFiles, nodeUsage } from "../node/usage.ts";
import type { Signal } from "../process.ts";
import { resolved } from "../resolved.ts";
import { type DenoServeOptions, type DenoServer, deno } from "./api.ts";
import { listenDenoTls } from "./streams.ts";
import { createDenoSockets } from "./websocket.ts";

const SIGNALS: readonly Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** For the goodbyes of WebSockets to leave, milliseconds. */
const GOODBYE_MS = 100;

function listenError(address: SocketAddress, cause: unknown): ListenError {
  if ((cause as Error).name === "AddrInUse") return takenError(address, cause);
  return new ListenError(`Cannot listen on ${address.host}:${address.port}: ${(cause as Error).message}`, { cause });
}

/** Whether the port is in use now. Throws `ListenError` where it cannot be listened on at all. */
function isTaken(address: SocketAddress): boolean {
  if (address.port === 0) return false;
  try {
    deno.listen({ hostname: address.host, port: address.port }).close();
    return false;
  } catch (cause) {
    if ((cause as Error).name === "AddrInUse") return true;
    throw listenError(address, cause);
  }
}

/** Serves with these options. Throws `ListenError`. */
function open(address: SocketAddress, handler: Handler, extras: Partial<DenoServeOptions> = {}): Listener {
  const sockets = createDenoSockets();
  const bad = (): Response => new Response("Bad Request", { status: 400 });
  let server: DenoServer;
  try {
    server = deno.serve(
      {
        hostname: address.host,
        port: address.port,
        onListen: () => {},
        onError: bad,
        ...extras,
      },
      (request, { remoteAddr }) => {
        const peer = remoteAddr.hostname ?? "";
        let clean: Request | undefined;
        try {
          clean = resolved(request);
        } catch {
          return bad();
        }
        if (clean === undefined) return handler(request, peer, sockets.upgrade);
        return handler(clean, peer, (_changed, headers) => sockets.upgrade(request, headers));
      },
    );
  } catch (cause) {
    throw listenError(address, cause);
  }
  return {
    port: server.addr.port,
    async stop(timeout, farewell) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const wait = (ms: number): Promise<void> =>
        new Promise((resolve) => {
          timer = setTimeout(resolve, ms);
        });
      // Deno's server cannot be cut off once it was asked to end in peace: what is left then ends with the process.
      const ended = server.shutdown();
      await Promise.race([ended, wait(timeout)]);
      clearTimeout(timer);
      farewell?.();
      sockets.closeAll();
      await Promise.race([ended, wait(GOODBYE_MS)]);
      clearTimeout(timer);
    },
  };
}

outliveReaders();

/** The process around a command, on Deno. */
export const denoHost: Host = {
  env: process.env,
  // Asking the system would take one more permission.
  machine: process.env.HOSTNAME,
  terminal: process.stderr.isTTY === true,
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  draw: (text) => void process.stderr.write(text),
  columns: () => process.stderr.columns,
  write: (lines) => void process.stdout.write(lines),
  listen: (address, handler, { share = false } = {}) => open(address, handler, share ? { reusePort: true } : {}),
  isTaken,
  listenStream,
  listenStreamTls: listenDenoTls,
  inspectCertificate,
  openFiles: nodeOpenFiles,
  usage: nodeUsage,
  onFault(handler) {
    const onRejection = (event: Event): void => {
      event.preventDefault();
      handler((event as Event & { readonly reason: unknown }).reason);
    };
    const onError = (event: Event): void => {
      event.preventDefault();
      handler((event as Event & { readonly error: unknown }).error);
    };
    globalThis.addEventListener("unhandledrejection", onRejection);
    globalThis.addEventListener("error", onError);
    return () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    };
  },
  onSignal(handler) {
    const listeners = SIGNALS.map((signal) => [signal, () => handler(signal)] as const);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
  },
};
