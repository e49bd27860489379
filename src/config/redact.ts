import type { ClusterConfig, HeaderChanges, MatchRule, MiddlewareConfig, RouteConfig } from "./schema.ts";

/** Stands where a secret was. */
const REDACTED = "xxx";

/** A cluster's config as APISIX's dump shows it: the port as text, no secret. */
export type RedactedCluster = Readonly<Record<string, unknown>>;
/** A route as `/v1/routes` shows it: no secret. */
export type RedactedRoute = Readonly<Record<string, unknown>>;

/**
 * A cluster's config in the shape of APISIX's dump: `id` only where clusters have one, `service.port` as text, the
 * token as "xxx". Paths of files are no secret and are shown.
 */
export function redactCluster(cluster: ClusterConfig): RedactedCluster {
  const { id, service, client, ...rest } = cluster;
  return {
    ...(id === "" ? {} : { id }),
    ...(service && {
      service: { ...service, ...(service.port === undefined ? {} : { port: String(service.port) }) },
    }),
    client: client.token === undefined ? { ...client } : { ...client, token: REDACTED },
    ...rest,
  };
}

/** Names of headers, parameters and options that hold a secret. */
export const SECRET_NAME = /authorization|cookie|token|key|secret|passw|credential|signature/i;

function redactValues<Value>(values: Readonly<Record<string, Value>>): Record<string, Value | typeof REDACTED> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, SECRET_NAME.test(name) ? REDACTED : value]),
  );
}

const redactHeaders = (changes: HeaderChanges): HeaderChanges => ({
  set: redactValues(changes.set),
  add: redactValues(changes.add),
  remove: changes.remove,
});

/** Rules that only ask whether something is there say nothing of its value. */
const redactMatches = (rules: Readonly<Record<string, MatchRule>>): Record<string, MatchRule> =>
  Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => {
      const tells = typeof rule === "string" || !("present" in rule);
      return [name, tells && SECRET_NAME.test(name) ? REDACTED : rule];
    }),
  );

/** Cookies are secrets whatever their name. */
const redactAll = (rules: Readonly<Record<string, MatchRule>>): Record<string, MatchRule> =>
  Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [
      name,
      typeof rule !== "string" && "present" in rule ? rule : REDACTED,
    ]),
  );

/** Hono's middleware whose options hold no secret; of every other one only the names of options are shown. */
export const HARMLESS: ReadonlySet<string> = new Set([
  "body_limit",
  "cache_control",
  "compress",
  "concurrency_limit",
  "consumer_restriction",
  "cors",
  "csrf",
  "etag",
  "https_redirect",
  "ip_restriction",
  "rate_limit",
  "request_id",
  "secure_headers",
  "set_method",
  "throttle",
  "timeout",
]);

/** The same structure with "xxx" for its values: all of them, or those under a name that tells of a secret. */
function redactOptions(options: unknown, all: boolean): unknown {
  if (Array.isArray(options)) return options.map((item) => redactOptions(item, all));
  if (typeof options !== "object" || options === null) return all ? REDACTED : options;
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, redactOptions(value, all || SECRET_NAME.test(name))]),
  );
}

function redactMiddleware(middleware: MiddlewareConfig): Record<string, unknown> {
  if (typeof middleware.use === "string") {
    const { use, options } = middleware;
    return options === undefined ? { use } : { use, options: redactOptions(options, true) };
  }
  return Object.fromEntries(
    Object.entries(middleware).map(([name, options]) => [name, redactOptions(options, !HARMLESS.has(name))]),
  );
}

/**
 * A route as it may be shown: values of headers and parameters whose name tells of a secret, and the options of
 * middleware that may hold one, are "xxx".
 */
export function redactRoute(route: RouteConfig): RedactedRoute {
  const { headers, query, cookies, request_headers, request_query, response_headers, middleware, ...rest } = route;
  return {
    ...rest,
    ...(headers && { headers: redactMatches(headers) }),
    ...(query && { query: redactMatches(query) }),
    ...(cookies && { cookies: redactAll(cookies) }),
    ...(request_headers && { request_headers: redactHeaders(request_headers) }),
    ...(request_query && { request_query: { ...request_query, set: redactValues(request_query.set) } }),
    ...(response_headers && { response_headers: redactHeaders(response_headers) }),
    middleware: middleware.map(redactMiddleware),
  };
}
