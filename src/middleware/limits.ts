import type * as v from "valibot";
import { key } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { integer } from "../base/schema/values.ts";
import type { MiddlewareKind } from "./options.ts";
import type { timeout } from "./timeout.ts";

/**
 * Two of Hono's names whose work the proxy does itself: Hono's `body_limit` holds a body of unknown length in memory,
 * and its `timeout` does not stop the upstream's work.
 */

/** `body_limit`; bytes. */
export const body_limit = {
  help: "The largest body of a request; more is a 413. Beside server.limits.body_bytes the smaller one counts.",
  options: object({ max_size: key(integer(1), { help: "Bytes." }) }),
} satisfies MiddlewareKind;

/** Limits of a route's middleware that the proxy applies. */
interface ProxyLimits {
  /** Largest request body in bytes; 0: no limit. */
  readonly bodyBytes: number;
  /** Milliseconds to the answer's headers; 0: no limit. */
  readonly response: number;
}

type LimitEntry = {
  readonly body_limit?: v.InferOutput<typeof body_limit.options> | undefined;
  readonly timeout?: v.InferOutput<typeof timeout.options> | undefined;
};

const smallest = (limits: readonly (number | undefined)[]): number => {
  const set = limits.filter((limit): limit is number => limit !== undefined && limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
};

/** Whether the proxy alone can apply an entry: no middleware has to run for it unless others come after it. */
export const isProxyLimit = (entry: LimitEntry): boolean =>
  entry.body_limit !== undefined || entry.timeout !== undefined;

/** The strictest of each. */
export const proxyLimits = (entries: readonly LimitEntry[]): ProxyLimits => ({
  bodyBytes: smallest(entries.map((entry) => entry.body_limit?.max_size)),
  response: smallest(entries.map((entry) => entry.timeout?.duration)),
});
