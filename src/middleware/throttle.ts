import * as v from "valibot";
import type { Clock } from "../base/clock.ts";
import { key, withDefault } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { boolean } from "../base/schema/values.ts";
import { boundedKey, type Kept, type KeySpace } from "./key-space.ts";
import { plugin } from "./plugin.ts";
import { reject, rejectionOptions } from "./rejection.ts";
import { compileRequestKey, countOptions, ownerOf } from "./request-key.ts";

const RATE = "requests per second: a number above 0, at most 1000000";
const BURST = "a number from 0 to 1000000";

const options = object({
  rate: key(v.pipe(v.number(RATE), v.gtValue(0, RATE), v.maxValue(1_000_000, RATE)), {
    help: "Requests a second that pass.",
  }),
  burst: withDefault(v.pipe(v.number(BURST), v.minValue(0, BURST), v.maxValue(1_000_000, BURST)), 0, {
    help: "Requests beyond the rate that are taken before more are refused.",
  }),
  delay: withDefault(boolean, true, {
    help: "Whether those of a burst wait for their turn; false: they pass at once.",
  }),
  ...countOptions,
  ...rejectionOptions("rate_limited"),
});

/** What is in a bucket. */
interface Bucket extends Kept {
  excess: number;
  /** When it was last poured into, in the clock's milliseconds. */
  at: number;
}

/** A leaky bucket per key. */
export interface Buckets {
  /**
   * Pours one request in. Milliseconds until its turn; undefined: the bucket would run over, and it is not taken. `owner`: the
   * client that asks.
   */
  pour(key: string, owner: string): number | undefined;
}

/** What buckets are made with. */
export interface BucketsOptions {
  /** Requests a second that leak. */
  readonly rate: number;
  /** Requests it holds beyond the one that passes. */
  readonly burst: number;
  readonly clock: Clock;
  readonly keys: KeySpace;
}

/** Makes empty buckets. */
export function createBuckets({ rate, burst, clock, keys }: BucketsOptions): Buckets {
  const leaked = (at: number, now: number): number => (rate * (now - at)) / 1000;
  // The request that passes leaves no trace in `excess`, and the next one may not come before it has leaked.
  const buckets = keys.table<Bucket>(({ excess, at }, now) => excess + 1 <= leaked(at, now));
  return {
    pour(key, owner) {
      const now = clock.now();
      const known = buckets.get(key);
      if (known === undefined) {
        buckets.set(key, { excess: 0, at: now, owner });
        return 0;
      }
      // A bucket that has run dry has room for the request that passes at once; a fuller one makes it wait.
      const excess = Math.max(0, known.excess + 1 - leaked(known.at, now));
      if (excess > burst) return undefined;
      known.excess = excess;
      known.at = now;
      return (excess / rate) * 1000;
    },
  };
}

const DETAIL = "Requests came faster than the gateway takes them from one client";

/**
 * `throttle`: a leaky bucket per key. Requests pass at `rate` a second; up to `burst` that come sooner wait for their turn
 * (or pass at once with `delay: false`), more are refused. Counted in this process, for this route or its `group`.
 */
export const throttle = plugin(
  {
    help: "Slows requests down to a rate, and refuses what exceeds a burst (a leaky bucket), counted in this process.",
    options,
    counts: true,
  },
  ({ rate, burst, delay, key, status, message }, { clock, keys }) => {
    const buckets = createBuckets({ rate, burst, clock, keys });
    const keyOf = compileRequestKey(key);
    return async (c, next) => {
      const bounded = boundedKey(keyOf(c));
      const wait = buckets.pour(typeof bounded === "string" ? bounded : await bounded, ownerOf(c));
      if (wait === undefined) return reject(c, { code: "rate_limited", detail: message ?? DETAIL, status });
      if (delay && wait >= 1) {
        const { signal } = c.req.raw;
        await clock.sleep(wait, signal).catch(() => {});
        if (signal.aborted) return reject(c, { code: "client_gone", detail: "The client left before its turn" });
      }
      await next();
    };
  },
);
