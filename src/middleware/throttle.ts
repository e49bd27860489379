import * as v from "valibot";
import type { Clock } from "../clock.ts";
import { boolean, object } from "../config/values.ts";
import { plugin } from "./plugin.ts";
import { refusalOptions, refuse } from "./refusal.ts";
import { compileRequestKey, countOptions } from "./request-key.ts";

const RATE = "requests per second: a number above 0, at most 1000000";
const BURST = "a number from 0 to 1000000";

const options = object({
  rate: v.pipe(v.number(RATE), v.gtValue(0, RATE), v.maxValue(1_000_000, RATE)),
  burst: v.optional(v.pipe(v.number(BURST), v.minValue(0, BURST), v.maxValue(1_000_000, BURST)), 0),
  delay: v.optional(boolean, true),
  ...countOptions,
  ...refusalOptions,
});

/** Past this many keys those that have drained, and then the oldest, are forgotten: somebody makes them up. */
const MAX_KEYS = 100_000;

/** A leaky bucket per key. */
export interface Buckets {
  /** Pours one request in. Milliseconds until its turn; undefined: the bucket would run over, and it is not taken. */
  pour(key: string): number | undefined;
}

/** Makes empty buckets that leak `rate` requests a second and hold `burst` beyond the one that passes. */
export function createBuckets({ rate, burst, clock }: { rate: number; burst: number; clock: Clock }): Buckets {
  /** In the order in which they were last poured into. */
  const buckets = new Map<string, { excess: number; at: number }>();

  const left = ({ excess, at }: { excess: number; at: number }, now: number): number =>
    Math.max(0, excess - (rate * (now - at)) / 1000);

  function forget(now: number): void {
    for (const [key, bucket] of buckets) {
      if (buckets.size < MAX_KEYS && left(bucket, now) > 0) return;
      buckets.delete(key);
      if (buckets.size < MAX_KEYS / 2) return;
    }
  }

  return {
    pour(key) {
      const now = clock.now();
      const known = buckets.get(key);
      // A bucket that has run dry has room for the request that passes at once; a fuller one makes it wait.
      const excess = known === undefined ? 0 : Math.max(0, known.excess + 1 - (rate * (now - known.at)) / 1000);
      if (excess > burst) return undefined;
      buckets.delete(key);
      if (buckets.size >= MAX_KEYS) forget(now);
      buckets.set(key, { excess, at: now });
      return (excess / rate) * 1000;
    },
  };
}

const DETAIL = "Requests came faster than the gateway takes them from one client";

/**
 * `throttle`: a leaky bucket per key. Requests pass at `rate` a second; up to `burst` that come sooner wait for their turn
 * (or pass at once with `delay: false`), more are refused. Counted in this process, for this route or its `group`.
 */
export const throttle = plugin(options, ({ rate, burst, delay, key, status, message }, { clock }) => {
  const buckets = createBuckets({ rate, burst, clock });
  const keyOf = compileRequestKey(key);
  return async (c, next) => {
    const wait = buckets.pour(keyOf(c));
    if (wait === undefined) return refuse(c, { code: "rate_limited", detail: message ?? DETAIL, status });
    if (delay && wait >= 1) await clock.sleep(wait, c.req.raw.signal);
    await next();
  };
});
