import type { SocketAddress } from "../../base/addresses.ts";
import { bodyState, setBodyState } from "../../base/body-state.ts";
import { type Handler, ListenError, type Listener, takenError } from "../listen.ts";
import { createServerSockets, type ServerSocketData } from "./websocket.ts";

/** What a server has beside plain HTTP/1.1. */
export interface ServerExtras {
  /** Others of this user may listen on the same port. */
  readonly reusePort: boolean;
}

/** What tests set. */
interface ServerOptions {
  /** Takes a line of the log about a handler that failed. @default standard error */
  readonly report?: (line: string) => void;
  /** @default KEEP_ALIVE_S */
  readonly keepAlive?: number;
}

/**
 * Seconds that a connection is kept without a request. Bun itself gives a client 12 s from connecting to the end of its
 * first head, but watches no head after that.
 */
const KEEP_ALIVE_S = 75;

/** For the goodbyes of WebSockets and event streams to leave, milliseconds. */
const GOODBYE_MS = 250;

/** One line of the log about a handler that failed. */
const unforeseen = (error: Error): string =>
  JSON.stringify({ "@timestamp": new Date(), level: "ERROR", message: "Unforeseen error", stack: error.stack });

/** As a gateway's own answers are (RFC 9457). */
function failed(): Response {
  const detail = "The gateway could not handle this request";
  const [code, status, title] = ["internal", 500, "Gateway error"] as const;
  const body = JSON.stringify({ type: `urn:podway:problem:${code}`, code, status, title, detail });
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
  const answer = new Response(body, { status, headers });
  setBodyState(answer, "whole");
  return answer;
}

/** Watches the connection of a request again, once its answer is whole. A WebSocket that was accepted has no answer. */
function restAfter(answer: Response | undefined, rest: () => void): void {
  const state = answer && bodyState(answer);
  if (state === "whole") rest();
  else if (state !== undefined) state.onEnd = rest;
}

/**
 * Listens with `Bun.serve`. Bun's own idle timer is off while a request is answered: it would cut a quiet event stream
 * (the gateway has timeouts). A handler that fails is answered 500 in outward words; Bun's own answer would be a page
 * with our source on it.
 */
export function openServer(
  address: SocketAddress,
  handler: Handler,
  extras?: ServerExtras,
  { report = (line) => void process.stderr.write(`${line}\n`), keepAlive = KEEP_ALIVE_S }: ServerOptions = {},
): Listener {
  let server: Bun.Server<ServerSocketData>;
  const serve = (request: Request, bun: Bun.Server<ServerSocketData>): Response | Promise<Response> => {
    const answered = handler(request, bun.requestIP(request)?.address ?? "", upgrade);
    const rest = (answer: Response): Response => {
      // Bun would write a length of 0 (RFC 9110 section 8.6 wants the GET's or none). This says "not known".
      if (request.method === "HEAD" && !answer.headers.has("content-length"))
        answer.headers.set("transfer-encoding", "chunked");
      restAfter(answer, () => bun.timeout(request, keepAlive));
      return answer;
    };
    bun.timeout(request, 0);
    return answered instanceof Promise ? answered.then(rest) : rest(answered);
  };
  const sockets = createServerSockets();
  const upgrade = sockets.upgradeOn(() => server);
  try {
    server = Bun.serve({
      hostname: address.host,
      port: address.port,
      idleTimeout: keepAlive,
      // Bun's own limit is 128 MB; the gateway's is `server.limits.body_bytes`.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: serve,
      websocket: sockets.handlers,
      development: false,
      // Said, because Bun's default without `development` is to share.
      reusePort: false,
      error(error) {
        report(unforeseen(error));
        return failed();
      },
      ...extras,
    });
  } catch (cause) {
    if ((cause as { code?: string }).code === "EADDRINUSE") throw takenError(address, cause);
    throw new ListenError(`Cannot listen on ${address.host}:${address.port}: ${(cause as Error).message}`, { cause });
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

/** Whether the port is in use now: only one that is not may be had alone. */
export function isTaken(address: SocketAddress): boolean {
  if (address.port === 0) return false;
  try {
    void openServer(address, () => new Response()).stop(0);
    return false;
  } catch (error) {
    if (error instanceof ListenError && error.taken) return true;
    throw error;
  }
}
