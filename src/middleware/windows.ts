import type { Clock } from "../clock.ts";

/** Hits of one key in its window. */
export interface Window {
  totalHits: number;
  /** When the count starts anew. */
  resetTime: Date;
}

/** Counts per key, in windows of a fixed length: the store of the rate limiter. Bounded in memory, without timers. */
export interface Windows {
  get(key: string): Window | undefined;
  /** Counts one more and says how many there are. */
  increment(key: string): Window;
  decrement(key: string): void;
  resetKey(key: string): void;
}

/** Past this many keys the oldest are forgotten: somebody makes them up. */
const MAX_KEYS = 100_000;

/** Makes an empty count. `length` of a window in milliseconds. */
export function createWindows({ length, clock }: { length: number; clock: Clock }): Windows {
  /** In the order their windows end: all are of one length, and one that begins anew goes to the end. */
  const windows = new Map<string, Window>();

  function forgetEnded(now: number): void {
    for (const [key, { resetTime }] of windows) {
      if (resetTime.getTime() > now && windows.size < MAX_KEYS) return;
      windows.delete(key);
    }
  }

  return {
    get: (key) => windows.get(key),
    increment(key) {
      const now = clock.now();
      const known = windows.get(key);
      if (known !== undefined && known.resetTime.getTime() > now) {
        known.totalHits++;
        return known;
      }
      windows.delete(key);
      forgetEnded(now);
      const fresh = { totalHits: 1, resetTime: new Date(now + length) };
      windows.set(key, fresh);
      return fresh;
    },
    decrement(key) {
      const known = windows.get(key);
      if (known !== undefined && known.totalHits > 0) known.totalHits--;
    },
    resetKey: (key) => void windows.delete(key),
  };
}
