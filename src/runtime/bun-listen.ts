import type { ListenAddress } from "../config/schema.ts";
import { problem } from "../proxy/problem.ts";
import { createServerSockets, type ServerSocketData } from "./bun-websocket.ts";
import { type Handler, ListenError, type Listener } from "./host.ts";

/** What a server has beside plain HTTP/1.1. */
export interface ServerExtras {
  readonly tls?: Bun.TLSOptions[];
  readonly http2?: boolean;
  readonly http3?: boolean;
  /** Others of this user may listen on the same port. */
  readonly reusePort: boolean;
}

/** For the goodbyes of WebSockets and event streams to leave, milliseconds. */
const GOODBYE_MS = 250;

/** One line of the log about a handler that failed. */
const unforeseen = (error: Error): string =>
  JSON.stringify({ "@timestamp": new Date(), level: "ERROR", message: "Unforeseen error", stack: error.stack });

/**
 * Listens with `Bun.serve`. Bun's own idle timer is off: it would cut a quiet event stream (the gateway has timeouts). A
 * handler that fails is answered 500 in outward words; Bun's own answer would be a page with our source on it.
 */
export function openServer(
  address: ListenAddress,
  handler: Handler,
  extras?: ServerExtras,
  report: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Listener {
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
      development: false,
      // Said, because Bun's default without `development` is to share.
      reusePort: false,
      error(error) {
        report(unforeseen(error));
        return problem("internal", "The gateway could not handle this request");
      },
      ...extras,
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
    async stop(timeout, farewell) {
      const done = server.stop();
      if (await within(done, timeout)) return;
      farewell?.();
      sockets.closeAll();
      await within(done, GOODBYE_MS);
      await server.stop(true);
    },
  };
}

/** Whether it settles in so many milliseconds. */
async function within(done: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = await Promise.race([done.then(() => true), late]);
  clearTimeout(timer);
  return settled;
}

/** Whether somebody listens there now: only where nobody does may a port be had for oneself. */
export function isTaken(address: ListenAddress): boolean {
  if (address.port === 0) return false;
  try {
    void openServer(address, () => new Response()).stop(0);
    return false;
  } catch (error) {
    if (((error as Error).cause as { code?: string }).code === "EADDRINUSE") return true;
    throw error;
  }
}
