import type { ListenAddress } from "../config/schema.ts";
import { createServerSockets, type ServerSocketData } from "./bun-websocket.ts";
import { type Handler, type Host, ListenError, type Listener, type Signal } from "./host.ts";

const SIGNALS: readonly Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** Bun reads this at its own start: a program cannot raise it for itself. */
const REQUEST_LIMIT = "BUN_CONFIG_MAX_HTTP_REQUESTS";

const warnings =
  process.env[REQUEST_LIMIT] === undefined
    ? [`Bun keeps at most 256 requests to upstreams in flight: set ${REQUEST_LIMIT}=65336 to raise that`]
    : [];

/** The process around a command, on Bun. */
export const bunHost: Host = {
  env: process.env,
  terminal: process.stderr.isTTY === true,
  warnings,
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  write: (lines) => void process.stdout.write(lines),
  listen,
  onSignal(handler) {
    const listeners = SIGNALS.map((signal) => [signal, () => handler(signal)] as const);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
  },
};

/** Listens with `Bun.serve`. Bun's own idle timer is off: it would cut a quiet event stream (the gateway has timeouts). */
function listen(address: ListenAddress, handler: Handler): Listener {
  let server: Bun.Server<ServerSocketData>;
  const sockets = createServerSockets();
  const upgrade = sockets.upgradeOn(() => server);
  try {
    server = Bun.serve({
      hostname: address.host,
      port: address.port,
      idleTimeout: 0,
      // Bun's own limit is 128 MB; the gateway's is `server.limits.body_bytes`.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, bun) => handler(request, bun.requestIP(request)?.address ?? "", upgrade),
      websocket: sockets.handlers,
    });
  } catch (cause) {
    const why =
      (cause as { code?: string }).code === "EADDRINUSE"
        ? "another program listens there; choose another port in the config"
        : (cause as Error).message;
    throw new ListenError(`Cannot listen on ${address.host}:${address.port}: ${why}`, { cause });
  }
  return {
    port: server.port!,
    async stop(timeout) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeout);
      });
      await Promise.race([server.stop(), late]);
      clearTimeout(timer);
      sockets.closeAll();
      await server.stop(true);
    },
  };
}
