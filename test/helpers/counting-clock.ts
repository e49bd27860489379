import type { Clock } from "../../src/base/clock.ts";

/** A clock that knows how many of its timers are armed. */
export interface CountingClock extends Clock {
  armed(): number;
}

/** The given clock, with its timers and sleeps counted. */
export function countingClock(clock: Clock): CountingClock {
  const armed = new Set<object>();
  return {
    now: clock.now,
    after(ms, fn) {
      const timer = {};
      armed.add(timer);
      const cancel = clock.after(ms, () => {
        armed.delete(timer);
        fn();
      });
      return () => {
        armed.delete(timer);
        cancel();
      };
    },
    sleep(ms, signal) {
      const timer = {};
      armed.add(timer);
      return clock.sleep(ms, signal).finally(() => armed.delete(timer));
    },
    armed: () => armed.size,
  };
}
