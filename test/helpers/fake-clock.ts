import type { Clock } from "../../src/base/clock.ts";

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Lets that many milliseconds pass: timers fire in their order, and what they start settles in between. */
  advance(ms: number): Promise<void>;
  /** Lets everything that needs no time run until it rests. */
  settle(): Promise<void>;
  /** Timers that are armed. */
  readonly pending: number;
}

interface Timer {
  due: number;
  order: number;
  fire: () => void;
}

/**
 * Promise chains through streams need several turns of the event loop: a number far above what any chain here takes.
 */
const TURNS = 12;

/** A fake clock. @param start milliseconds since the epoch */
export function createFakeClock(start: number = Date.parse("2026-01-01T00:00:00Z")): FakeClock {
  let now = start;
  let order = 0;
  const timers = new Set<Timer>();

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  const after: Clock["after"] = (ms, fn) => {
    const timer: Timer = { due: now + Math.max(0, ms), order: order++, fire: fn };
    timers.add(timer);
    return () => timers.delete(timer);
  };

  const firstDue = (until: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.due > until) continue;
      if (first === undefined || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  };

  return {
    now: () => now,
    after,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = (): void => {
          cancel();
          reject(signal!.reason);
        };
        const cancel = after(ms, () => {
          signal?.removeEventListener("abort", stop);
          resolve();
        });
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
    settle,
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let timer = firstDue(until); timer !== undefined; timer = firstDue(until)) {
        timers.delete(timer);
        now = timer.due;
        timer.fire();
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
