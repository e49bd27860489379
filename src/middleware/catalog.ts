import * as v from "valibot";
import { keywords, object, shownText } from "../config/values.ts";
import { csrf, ip_restriction } from "./access.ts";
import { cache_control, compress, etag, secure_headers } from "./answers.ts";
import { concurrency_limit } from "./concurrency-limit.ts";
import { consumer_restriction } from "./consumers.ts";
import { cors } from "./cors.ts";
import { replace_headers, set_headers } from "./headers.ts";
import { jwt_auth } from "./jwt-auth.ts";
import { key_auth } from "./keys.ts";
import { bodyLimitOptions } from "./limits.ts";
import { basic_auth, bearer_auth } from "./passwords.ts";
import type { Middleware, MiddlewareParts, Plugin } from "./plugin.ts";
import { rate_limit } from "./rate-limit.ts";
import { request_id } from "./request-id.ts";
import { https_redirect, set_method } from "./requests.ts";
import { throttle } from "./throttle.ts";
import { timeout } from "./timeout.ts";
import { jwk, jwt } from "./tokens.ts";

const WANTED = "a mapping of one middleware such as {cors: {…}} or {use: ./mine.ts, options: {…}}";

const entries = {
  basic_auth: v.optional(basic_auth.options),
  bearer_auth: v.optional(bearer_auth.options),
  body_limit: v.optional(bodyLimitOptions),
  cache_control: v.optional(cache_control.options),
  compress: v.optional(compress.options),
  concurrency_limit: v.optional(concurrency_limit.options),
  consumer_restriction: v.optional(consumer_restriction.options),
  cors: v.optional(cors.options),
  csrf: v.optional(csrf.options),
  etag: v.optional(etag.options),
  https_redirect: v.optional(https_redirect.options),
  ip_restriction: v.optional(ip_restriction.options),
  jwk: v.optional(jwk.options),
  jwt: v.optional(jwt.options),
  jwt_auth: v.optional(jwt_auth.options),
  key_auth: v.optional(key_auth.options),
  rate_limit: v.optional(rate_limit.options),
  replace_headers: v.optional(replace_headers.options),
  request_id: v.optional(request_id.options),
  secure_headers: v.optional(secure_headers.options),
  set_headers: v.optional(set_headers.options),
  set_method: v.optional(set_method.options),
  throttle: v.optional(throttle.options),
  timeout: v.optional(timeout.options),
  use: v.optional(shownText("the path of a module, relative to this file, such as ./mine.ts")),
  options: v.optional(v.unknown()),
} as const;

/** One entry of `middleware:`: exactly one name, or `use` with the user's own module. */
export const middlewareSchema = v.pipe(
  object(entries, WANTED),
  v.check((entry) => {
    const named = Object.keys(entry).filter((key) => key !== "options");
    return named.length === 1 && (!("options" in entry) || named[0] === "use");
  }, WANTED),
  keywords({
    anyOf: [
      { minProperties: 1, maxProperties: 1, not: { required: ["options"] } },
      { minProperties: 2, maxProperties: 2, required: ["use", "options"] },
    ],
  }),
);

/** One middleware as written and checked. */
export type MiddlewareEntry = v.InferOutput<typeof middlewareSchema>;

const PLUGINS: Readonly<Record<string, Plugin>> = {
  basic_auth,
  bearer_auth,
  cache_control,
  compress,
  concurrency_limit,
  consumer_restriction,
  cors,
  csrf,
  etag,
  https_redirect,
  ip_restriction,
  jwk,
  jwt,
  jwt_auth,
  key_auth,
  rate_limit,
  replace_headers,
  request_id,
  secure_headers,
  set_headers,
  set_method,
  throttle,
  timeout,
};

/** Makes a middleware the catalog has; undefined for those that are none (`use`, and `body_limit`, which the proxy does itself). */
export function makePlugin(entry: MiddlewareEntry, parts: MiddlewareParts): Middleware | undefined {
  for (const [name, options] of Object.entries(entry)) {
    const known = PLUGINS[name];
    if (known !== undefined) return known.make(options, parts);
  }
  return undefined;
}

/** What counts, and so may share its count by `group`. */
export const COUNTING = ["concurrency_limit", "rate_limit", "throttle"] as const;

/**
 * What makes two entries one middleware, with one memory: for those of a `group` what they are, else the place where they stand
 * (`place`: the route and the position in it).
 */
export function identityOf(entry: MiddlewareEntry, place: readonly unknown[]): string {
  const shared = COUNTING.some((name) => entry[name]?.group !== undefined);
  return JSON.stringify(shared ? entry : [...place, entry]);
}
