import type * as v from "valibot";
import { object } from "../base/schema/shapes.ts";
import { integer } from "../base/schema/values.ts";
import type { timeout } from "./timeout.ts";

/**
 * Two of Hono's names whose work the proxy does itself: Hono's `body_limit` holds a body of unknown length in memory, and
 * its `timeout` leaves the upstream working on what nobody waits for.
 */

/** Options of `body_limit`: bytes. */
export const bodyLimitOptions = object({ max_size: integer(1) });

/** What a route's middleware asks of the proxy. */
export interface ProxyLimits {
  /** Largest request body in bytes; 0: no limit. */
  readonly bodyBytes: number;
  /** Milliseconds to the answer's headers; 0: no limit. */
  readonly response: number;
}

type Written = {
  readonly body_limit?: v.InferOutput<typeof bodyLimitOptions> | undefined;
  readonly timeout?: v.InferOutput<typeof timeout.options> | undefined;
};

const smallest = (limits: readonly (number | undefined)[]): number => {
  const set = limits.filter((limit): limit is number => limit !== undefined && limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
};

/** Whether an entry asks nothing but of the proxy: no middleware has to run for it where none stands behind it. */
export const isProxyLimit = (entry: Written): boolean => entry.body_limit !== undefined || entry.timeout !== undefined;

/** The strictest of each. */
export const proxyLimits = (entries: readonly Written[]): ProxyLimits => ({
  bodyBytes: smallest(entries.map((entry) => entry.body_limit?.max_size)),
  response: smallest(entries.map((entry) => entry.timeout?.duration)),
});
