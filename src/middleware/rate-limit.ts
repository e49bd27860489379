import type { Context } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import * as v from "valibot";
import { integer, list, milliseconds, object, oneOf, text, words } from "../config/values.ts";
import { type PassageEnv, plugin } from "./plugin.ts";
import { refusalOptions, refuse } from "./refusal.ts";
import { compileRequestKey, countOptions } from "./request-key.ts";
import { createWindows } from "./windows.ts";

const HEADERS = ["draft-6", "draft-7", "x-ratelimit"] as const;

const options = object({
  limit: integer(1),
  window: v.optional(milliseconds(1000), 60_000),
  ...countOptions,
  exempt: v.optional(list(text("a value of the key"), "values of the key")),
  headers: v.optional(
    oneOf([words(HEADERS), v.literal(false, "false")], `one of ${HEADERS.join(", ")}, false`),
    "draft-6",
  ),
  ...refusalOptions,
});

/** What the library found out about a request. */
interface Count {
  readonly limit: number;
  readonly remaining: number;
  readonly resetTime: Date;
}

const DETAIL = "There were more requests than the gateway takes from one client for this time";

/**
 * `rate_limit`: hono-rate-limiter's, `limit` requests per `window` milliseconds and key, counted in this process, and for
 * this route or its `group`; those whose key is one of `exempt` are not counted. `headers` tell clients what is left: the IETF draft's, or
 * the `X-RateLimit-…` that came before it.
 */
export const rate_limit = plugin(
  options,
  ({ limit, window, key, exempt = [], headers, status, message }, { clock }) => {
    const keyOf = compileRequestKey(key);
    const free = new Set(exempt.flatMap((value) => [value, `= ${value}`]));
    const windows = createWindows({ length: window, clock });
    const secondsLeft = ({ resetTime }: Count): string =>
      String(Math.max(1, Math.ceil((resetTime.getTime() - clock.now()) / 1000)));
    const countOf = (c: Context<PassageEnv>): Count => (c.get as (name: string) => Count)("rateLimit");
    function tell(c: Context<PassageEnv>): void {
      if (headers !== "x-ratelimit") return;
      const count = countOf(c);
      c.header("x-ratelimit-limit", String(count.limit));
      c.header("x-ratelimit-remaining", String(count.remaining));
      c.header("x-ratelimit-reset", secondsLeft(count));
    }
    const limiter = rateLimiter<PassageEnv>({
      windowMs: window,
      limit,
      standardHeaders: headers === "x-ratelimit" ? false : headers,
      keyGenerator: keyOf,
      ...(free.size > 0 && { skip: (c) => free.has(keyOf(c)) }),
      store: windows,
      handler: (c) => {
        tell(c);
        // The library says it only beside the other headers.
        c.header("retry-after", undefined);
        const after = { "retry-after": secondsLeft(countOf(c)) };
        return refuse(c, { code: "rate_limited", detail: message ?? DETAIL, status, headers: after });
      },
    });
    return (c, next) =>
      limiter(c, () => {
        if (free.size === 0 || !free.has(keyOf(c))) tell(c);
        return next();
      });
  },
);
