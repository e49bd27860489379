import type * as v from "valibot";
import { csrf, ip_restriction } from "./access.ts";
import { cache_control, compress, etag, secure_headers } from "./answers.ts";
import { concurrency_limit } from "./concurrency-limit.ts";
import { consumer_restriction } from "./consumers.ts";
import { cors } from "./cors.ts";
import { replace_headers, set_headers } from "./headers.ts";
import { jwt_auth } from "./jwt-auth.ts";
import { key_auth } from "./key-auth.ts";
import { body_limit } from "./limits.ts";
import type { MiddlewareKind, MiddlewareKinds } from "./options.ts";
import { basic_auth, bearer_auth } from "./passwords.ts";
import type { Middleware, MiddlewareParts, Plugin } from "./plugin.ts";
import { rate_limit } from "./rate-limit.ts";
import { request_id } from "./request-id.ts";
import { https_redirect, set_method } from "./requests.ts";
import { throttle } from "./throttle.ts";
import { timeout } from "./timeout.ts";
import { jwk, jwt } from "./tokens.ts";

/**
 * Every middleware there is, by its name in the config file. The config's schema, checks and help are made from this.
 */
export const MIDDLEWARE = {
  basic_auth,
  bearer_auth,
  body_limit,
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
} as const satisfies MiddlewareKinds;

type Kinds = typeof MIDDLEWARE;

/**
 * One middleware that is to run: one of the names with its options, or `use` with the path of a module and its
 * `options`.
 */
export type MiddlewareEntry = { [Name in keyof Kinds]?: v.InferOutput<Kinds[Name]["options"]> | undefined } & {
  use?: string | undefined;
  options?: unknown;
};

/** One middleware as written and checked; `false`: the one of that name in `defaults` does not count. */
export type RawMiddleware = {
  [Name in keyof MiddlewareEntry]: Name extends "options" ? unknown : MiddlewareEntry[Name] | false;
};

/**
 * Makes a middleware of the catalog; undefined for `use`, and for `body_limit`, which the proxy applies itself.
 */
export function makeMiddleware(entry: MiddlewareEntry, parts: MiddlewareParts): Middleware | undefined {
  for (const [name, options] of Object.entries(entry)) {
    const kind = MIDDLEWARE[name as keyof Kinds] as Plugin | MiddlewareKind | undefined;
    if (kind !== undefined && "make" in kind) return kind.make(options, parts);
  }
  return undefined;
}

/** Whether entries of that name count, and so may share their count by `group`. */
export const isCounting = (name: string): boolean => (MIDDLEWARE as MiddlewareKinds)[name]?.counts === true;

/**
 * Entries with the same key are one middleware with one memory: entries of a `group` by their options, all others by
 * their `place`, the route and the position in it.
 */
export function middlewareKey(entry: MiddlewareEntry, place: readonly unknown[]): string {
  const shared = Object.entries(entry).some(
    ([name, options]) => isCounting(name) && (options as { group?: unknown }).group !== undefined,
  );
  return JSON.stringify(shared ? entry : [...place, entry]);
}
