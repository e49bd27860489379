import { type Clock, systemClock } from "../../src/clock.ts";
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
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one on a free port (or the given one). An answer that a fault drops closes the connection. */
export function serveEmbedded(options: Partial<ApiserverOptions> = {}, port = 0): ServedApiserver {
  const api = embedded(options);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    async fetch(request) {
      try {
        return await api.fetch(request);
      } catch (error) {
        // Bun.serve has no way to hang up: a body that fails before its first byte is the nearest to it.
        return new Response(
          new ReadableStream({
            pull: (out) => out.error(error),
          }),
        );
      }
    },
  });
  const stop = async (): Promise<void> => {
    api.close();
    await server.stop(true);
  };
  return { api, url: `http://127.0.0.1:${server.port}`, stop, [Symbol.asyncDispose]: stop };
}
