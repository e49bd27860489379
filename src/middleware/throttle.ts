import * as v from "valibot";
import { key, withDefault } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { boolean } from "../base/schema/values.ts";
import { boundedKey, type Kept } from "./key-space.ts";
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

/** The bucket of one key. */
interface Bucket extends Kept {
  excess: number;
  /** When it last got a request, in the clock's milliseconds. */
  at: number;
}

const DETAIL = "Requests came faster than the gateway takes them from one client";

/**
 * `throttle`: a leaky bucket per key. Requests pass at `rate` a second; up to `burst` that come sooner wait for their
 * turn (or pass at once with `delay: false`), more are refused. Counted in this process, for this route or its `group`.
 */
export const throttle = plugin(
  {
    help: "Slows requests down to a rate, and refuses what exceeds a burst (a leaky bucket), counted in this process.",
    options,
    counts: true,
  },
  ({ rate, burst, delay, key, status, message }, { clock, keys }) => {
    const leaked = (at: number, now: number): number => (rate * (now - at)) / 1000;
    // The request that passes is not part of `excess`, and the next one may not come before it has leaked.
    const buckets = keys.table<Bucket>(({ excess, at }, now) => excess + 1 <= leaked(at, now));
    /** Adds a request. Milliseconds until its turn; undefined: the bucket would overflow, and it is not added. */
    function add(key: string, owner: string): number | undefined {
      const now = clock.now();
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, { excess: 0, at: now, owner });
        return 0;
      }
      // An empty bucket has room for the request that passes at once; a fuller one makes it wait.
      const excess = Math.max(0, bucket.excess + 1 - leaked(bucket.at, now));
      if (excess > burst) return undefined;
      bucket.excess = excess;
      bucket.at = now;
      return (excess / rate) * 1000;
    }
    const keyOf = compileRequestKey(key);
    return async (c, next) => {
      const bounded = boundedKey(keyOf(c));
      const wait = add(typeof bounded === "string" ? bounded : await bounded, ownerOf(c));
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
