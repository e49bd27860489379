import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type ApiserverOptions, createApiserver, type EmbeddedApiserver } from "../../src/demo/apiserver.ts";

/** A deterministic `Random` (mulberry32). */
export function seededRandom(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves on, running what falls due in order; promises settle in between. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  readonly pending: number;
}

/** Lets promises that are ready settle. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Makes a clock at `start`, ms since the epoch. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  const timers = new Set<{ due: number; fn: () => void }>();
  const after = (ms: number, fn: () => void): (() => void) => {
    const timer = { due: now + ms, fn };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    now: () => now,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const cancel = after(ms, resolve);
        signal?.addEventListener("abort", () => {
          cancel();
          reject(signal.reason);
        });
      }),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const next = [...timers].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        timers.delete(next);
        now = next.due;
        next.fn();
        await settle();
      }
      now = until;
      await settle();
    },
    get pending() {
      return timers.size;
    },
  };
}

/** An embedded apiserver for tests: the machine's clock and a fixed random unless given. */
export const embedded = (options: Partial<ApiserverOptions> = {}): EmbeddedApiserver =>
  createApiserver({ clock: systemClock, random: seededRandom(), ...options });

/** An embedded apiserver behind a real listener on loopback. */
export interface ServedApiserver extends AsyncDisposable {
  readonly api: EmbeddedApiserver;
  /** `http://HOST:PORT` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Sends an answer; a body that fails closes the connection in the middle. */
async function send(answer: Response, out: ServerResponse): Promise<void> {
  out.writeHead(answer.status, Object.fromEntries(answer.headers));
  out.flushHeaders();
  const reader = answer.body?.getReader();
  out.on("close", () => void reader?.cancel().catch(() => {}));
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    if (!out.write(part.value)) await once(out, "drain");
  }
  out.end();
}

/**
 * Starts one on a free port (or the given one). It is `node:http` because that can hang up, before an answer and within
 * it: a dropped request loses its connection without a byte.
 */
export async function serveEmbedded(
  options: Partial<ApiserverOptions> = {},
  port = 0,
  host = "127.0.0.1",
): Promise<ServedApiserver> {
  const api = embedded(options);
  const server = createServer(async (request, out) => {
    const gone = new AbortController();
    out.on("close", () => gone.abort(new DOMException("The client is gone", "AbortError")));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const hasBody = request.method !== "GET" && request.method !== "HEAD" && chunks.length > 0;
      const url = `http://${request.headers.host}${request.url}`;
      const headers = request.headers as Record<string, string>;
      const init = { method: request.method!, headers, signal: gone.signal };
      await send(await api.fetch(new Request(url, hasBody ? { ...init, body: Buffer.concat(chunks) } : init)), out);
    } catch {
      request.socket.destroy();
    }
  });
  server.listen(port, host);
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    api.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const bound = (server.address() as AddressInfo).port;
  return { api, url: `http://${host}:${bound}`, stop, [Symbol.asyncDispose]: stop };
}

/** The server does not tell its version: nobody then asks it for lists as streams. Returns what takes that back. */
export const listsByPages = (api: EmbeddedApiserver): (() => void) =>
  api.faults.add({ match: ({ path }) => path === "/version", effect: { kind: "status", code: 404 } });
