import { type Clock, systemClock } from "../base/clock.ts";

/** The machine's clock, for what must not keep a program from ending: a time-out of something else, or tidying up. */
export const backgroundClock: Clock = {
  ...systemClock,
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
