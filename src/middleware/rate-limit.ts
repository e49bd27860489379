import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { rateLimiter } from "hono-rate-limiter";
import * as v from "valibot";
import { headerName, integer, milliseconds, object, oneOf, token, words } from "../config/values.ts";
import { problem } from "../proxy/problem.ts";
import { parseAddress } from "../proxy/trust.ts";
import { type PassageEnv, plugin } from "./plugin.ts";
import { createWindows } from "./windows.ts";

const KEY = "client_ip, all, or a mapping of exactly one of header, cookie";

const options = object({
  limit: integer(1),
  window: v.optional(milliseconds(1000), 60_000),
  key: v.optional(
    oneOf(
      [words(["client_ip", "all"]), object({ header: headerName }), object({ cookie: token("a cookie's name") })],
      KEY,
    ),
    "client_ip",
  ),
  headers: v.optional(
    oneOf([words(["draft-6", "draft-7"]), v.literal(false, "false")], "one of draft-6, draft-7, false"),
    "draft-6",
  ),
});

type Key = v.InferOutput<typeof options>["key"];

/** One customer has a whole /64 of IPv6 addresses: they count as one. */
function addressKey(client: string): string {
  const bytes = client.includes(":") ? parseAddress(client) : undefined;
  return bytes === undefined || bytes.length === 4 ? client : `${bytes.slice(0, 8).join(".")}/64`;
}

/** Who a request counts for; without the header or cookie that tells, its address. */
function keyOf(c: Context<PassageEnv>, key: Key): string {
  const { client, headers } = c.env.facts;
  if (key === "all") return "";
  if (key === "client_ip") return addressKey(client);
  const told = "header" in key ? headers.get(key.header) : getCookie(c, key.cookie);
  return told ? `= ${told}` : addressKey(client);
}

/**
 * `rate_limit`: hono-rate-limiter's, `limit` requests per `window` milliseconds and key, counted in this process and for
 * this route. `headers` are the IETF draft's that tells clients what is left.
 */
export const rate_limit = plugin(options, ({ limit, window, key, headers }, { clock }) => {
  const windows = createWindows({ length: window, clock });
  return rateLimiter<PassageEnv>({
    windowMs: window,
    limit,
    standardHeaders: headers,
    keyGenerator: (c) => keyOf(c, key),
    store: windows,
    handler: (c) => {
      const { resetTime } = (c.get as (name: string) => { resetTime: Date })("rateLimit");
      const seconds = Math.max(1, Math.ceil((resetTime.getTime() - clock.now()) / 1000));
      // The library says it only beside the other headers.
      c.header("retry-after", undefined);
      return problem("rate_limited", "There were more requests than the gateway takes from one client for this time", {
        headers: { "retry-after": String(seconds) },
      });
    },
  });
});
