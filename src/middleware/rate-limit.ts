import { key, optional, withDefault } from "../base/schema/key.ts";
import { list, object, off, oneOf, words } from "../base/schema/shapes.ts";
import { durationMs, integer, text } from "../base/schema/values.ts";
import { boundedKey, type Kept } from "./key-space.ts";
import { plugin } from "./plugin.ts";
import { reject, rejectionOptions } from "./rejection.ts";
import { compileRequestKey, countOptions, ownerOf } from "./request-key.ts";

const HEADERS = ["draft-6", "draft-7", "x-ratelimit"] as const;

const options = object({
  limit: key(integer(1), { help: "Requests in a window." }),
  window: withDefault(durationMs(1000), 60_000, { help: "Length of a window, which begins with the first request." }),
  ...countOptions,
  exempt: optional(list(text("a value of the key"), "values of the key"), {
    help: "Values of the key that are not counted, such as a client's address; by default none.",
  }),
  headers: withDefault(oneOf([words(HEADERS), off], `one of ${HEADERS.join(", ")}, false`), "draft-6", {
    help: "Which headers tell clients what is left. draft-6: RateLimit-Policy, -Limit, -Remaining and -Reset. draft-7: RateLimit-Policy and RateLimit. x-ratelimit: X-RateLimit-Limit, -Remaining and -Reset. false: none.",
  }),
  ...rejectionOptions("rate_limited"),
});

/** Hits of one key in its window. */
interface Window extends Kept {
  hits: number;
  /** When the count starts again, in the clock's milliseconds. */
  readonly end: number;
}

/** What is left for a client. */
interface Quota {
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the count starts again. */
  readonly reset: number;
  /** Seconds that a count lasts. */
  readonly window: number;
}

type Fields = readonly (readonly [name: string, value: string])[];

/** The header fields that tell clients their quota: those of the IETF's drafts, and the older convention. */
const FIELDS: Readonly<Record<(typeof HEADERS)[number], (quota: Quota) => Fields>> = {
  "draft-6": ({ limit, remaining, reset, window }) => [
    ["ratelimit-policy", `${limit};w=${window}`],
    ["ratelimit-limit", String(limit)],
    ["ratelimit-remaining", String(remaining)],
    ["ratelimit-reset", String(reset)],
  ],
  "draft-7": ({ limit, remaining, reset, window }) => [
    ["ratelimit-policy", `${limit};w=${window}`],
    ["ratelimit", `limit=${limit}, remaining=${remaining}, reset=${reset}`],
  ],
  "x-ratelimit": ({ limit, remaining, reset }) => [
    ["x-ratelimit-limit", String(limit)],
    ["x-ratelimit-remaining", String(remaining)],
    ["x-ratelimit-reset", String(reset)],
  ],
};

const DETAIL = "There were more requests than the gateway takes from one client for this time";

/**
 * `rate_limit`: `limit` requests per `window` milliseconds and key, counted in this process, for this route or its
 * `group`; those whose key is one of `exempt` are not counted. `headers` name the fields with the client's quota.
 */
export const rate_limit = plugin(
  {
    help: "How many requests one client may send, counted in this process; more are refused with Retry-After.",
    options,
    counts: true,
  },
  ({ limit, window, key, exempt = [], headers, status, message }, { clock, keys }) => {
    const keyOf = compileRequestKey(key);
    const free = new Set(exempt.flatMap((value) => [value, `= ${value}`]));
    /** Windows of a fixed length that begin with a key's first hit. */
    const windows = keys.table<Window>(({ end }, now) => end <= now);
    function hit(key: string, owner: string): Window {
      const now = clock.now();
      const current = windows.get(key);
      if (current !== undefined && current.end > now) {
        current.hits++;
        return current;
      }
      const fresh = { hits: 1, end: now + window, owner };
      windows.set(key, fresh);
      return fresh;
    }
    const fieldsOf = headers === false ? undefined : FIELDS[headers];
    const seconds = Math.ceil(window / 1000);
    return async (c, next) => {
      const asked = keyOf(c);
      if (free.has(asked)) return next();
      const bounded = boundedKey(asked);
      const { hits, end } = hit(typeof bounded === "string" ? bounded : await bounded, ownerOf(c));
      const reset = Math.max(1, Math.ceil((end - clock.now()) / 1000));
      const quota = { limit, remaining: Math.max(0, limit - hits), reset, window: seconds };
      for (const [name, value] of fieldsOf?.(quota) ?? []) c.header(name, value);
      if (hits <= limit) return next();
      const after = { "retry-after": String(reset) };
      return reject(c, { code: "rate_limited", detail: message ?? DETAIL, status, headers: after });
    };
  },
);
