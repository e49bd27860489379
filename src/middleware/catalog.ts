import * as v from "valibot";
import { keywords, object, wantedBy } from "../base/schema/shapes.ts";
import { shownText } from "../base/schema/values.ts";
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

/** What a middleware takes, or `false`: the one of that name in `defaults` does not count for this route. */
function switchable<const Options extends v.GenericSchema>(options: Options) {
  const union = v.union([options, v.literal(false, "false")], wantedBy(options));
  const run: (typeof union)["~run"] = (dataset, config) =>
    dataset.value === false ? union["~run"](dataset, config) : (options["~run"](dataset, config) as never);
  return v.optional({ ...union, "~run": run });
}

const entries = {
  basic_auth: switchable(basic_auth.options),
  bearer_auth: switchable(bearer_auth.options),
  body_limit: switchable(bodyLimitOptions),
  cache_control: switchable(cache_control.options),
  compress: switchable(compress.options),
  concurrency_limit: switchable(concurrency_limit.options),
  consumer_restriction: switchable(consumer_restriction.options),
  cors: switchable(cors.options),
  csrf: switchable(csrf.options),
  etag: switchable(etag.options),
  https_redirect: switchable(https_redirect.options),
  ip_restriction: switchable(ip_restriction.options),
  jwk: switchable(jwk.options),
  jwt: switchable(jwt.options),
  jwt_auth: switchable(jwt_auth.options),
  key_auth: switchable(key_auth.options),
  rate_limit: switchable(rate_limit.options),
  replace_headers: switchable(replace_headers.options),
  request_id: switchable(request_id.options),
  secure_headers: switchable(secure_headers.options),
  set_headers: switchable(set_headers.options),
  set_method: switchable(set_method.options),
  throttle: switchable(throttle.options),
  timeout: switchable(timeout.options),
  use: switchable(shownText("the path of a module, relative to this file, such as ./mine.ts")),
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
export type WrittenMiddleware = v.InferOutput<typeof middlewareSchema>;
/** One middleware that is to run. */
export type MiddlewareEntry = { [Name in keyof WrittenMiddleware]: Exclude<WrittenMiddleware[Name], false> };

const nameOf = (entry: WrittenMiddleware): keyof WrittenMiddleware =>
  Object.keys(entry).find((key) => key !== "options") as keyof WrittenMiddleware;

/** What an entry is the middleware of: its name, and for a module its path too. */
const kindOf = (entry: WrittenMiddleware): string => (entry.use === undefined ? nameOf(entry) : `use ${entry.use}`);

/** Whether an entry says that something of `defaults` does not count. */
const isOff = (entry: WrittenMiddleware): boolean => entry[nameOf(entry)] === false;

/**
 * The middleware of a route: those of `defaults`, in their order, and then the route's own. Those of one name (of one path, for
 * modules) stand in the place of the defaults' of that name; `NAME: false` takes these away, `use: false` all modules.
 */
export function mergeMiddleware(
  defaults: readonly WrittenMiddleware[],
  own: readonly WrittenMiddleware[],
): MiddlewareEntry[] {
  const byKind = Map.groupBy(own, kindOf);
  const offs = new Set(own.filter(isOff).map(kindOf));
  const placed = new Set<string>();
  const merged = defaults.flatMap((entry) => {
    const kind = kindOf(entry);
    if (placed.has(kind)) return [];
    const mine = byKind.get(kind);
    if (mine !== undefined) placed.add(kind);
    if (mine === undefined && offs.has("use false") && entry.use !== undefined) return [];
    return mine ?? [entry];
  });
  const rest = own.filter((entry) => !placed.has(kindOf(entry)));
  return [...merged, ...rest].filter((entry): entry is MiddlewareEntry => !isOff(entry));
}

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

/** Those that may refuse a client for who it is. */
const GUARDS = [
  "basic_auth",
  "bearer_auth",
  "consumer_restriction",
  "csrf",
  "ip_restriction",
  "jwk",
  "jwt",
  "jwt_auth",
  "key_auth",
] as const;

/** Whether one of these keeps strangers out, as far as that can be told: of a module of the user's own it cannot. */
export const isGuard = (entry: MiddlewareEntry): boolean =>
  entry.use !== undefined || GUARDS.some((name) => entry[name] !== undefined);

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
