import { key } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { integer } from "../base/schema/values.ts";
import { boundedKey } from "./key-space.ts";
import { plugin } from "./plugin.ts";
import { reject, rejectionOptions } from "./rejection.ts";
import { compileRequestKey, countOptions } from "./request-key.ts";

const options = object({
  limit: key(integer(1), { help: "Requests at a time." }),
  ...countOptions,
  ...rejectionOptions("rate_limited"),
});

const DETAIL = "There are more requests at a time than the gateway takes from one client";

/**
 * `concurrency_limit`: at most `limit` requests per key at a time, each counted until its answer is complete (a
 * WebSocket until it is open), in this process, for this route or its `group`.
 */
export const concurrency_limit = plugin(
  {
    help: "How many requests may be under way at a time, counted in this process; more are refused. A request counts until its answer is complete, a WebSocket until it is open.",
    options,
    counts: true,
  },
  ({ limit, key, status, message }) => {
    const running = new Map<string, number>();
    const keyOf = compileRequestKey(key);
    return async (c, next) => {
      const bounded = boundedKey(keyOf(c));
      const id = typeof bounded === "string" ? bounded : await bounded;
      const now = running.get(id) ?? 0;
      if (now >= limit) return reject(c, { code: "rate_limited", detail: message ?? DETAIL, status });
      running.set(id, now + 1);
      c.env.ends.push(() => {
        const rest = running.get(id)! - 1;
        if (rest === 0) running.delete(id);
        else running.set(id, rest);
      });
      await next();
    };
  },
);
