import * as v from "valibot";
import { integer, milliseconds, nonEmpty, port, regexSource } from "./values.ts";

const pathText = v.pipe(v.string(), v.startsWith("/", "a path that starts with /"));

/** A path is a prefix by whole segments unless it says otherwise. */
const path = v.union([
  v.pipe(
    pathText,
    v.transform((prefix) => ({ prefix })),
  ),
  v.strictObject({ exact: pathText }),
  v.strictObject({ prefix: pathText }),
  v.strictObject({ regex: regexSource }),
]);

/** A header or query parameter: equal to a text, matching a regular expression, or just there. */
const match = v.union([v.string(), v.strictObject({ regex: regexSource }), v.strictObject({ present: v.boolean() })]);

const headerChanges = v.strictObject({
  set: v.optional(v.record(nonEmpty, v.string()), {}),
  add: v.optional(v.record(nonEmpty, v.string()), {}),
  remove: v.optional(v.array(nonEmpty), []),
});

const timeouts = v.strictObject({
  connect: v.optional(milliseconds),
  response: v.optional(milliseconds),
  idle: v.optional(milliseconds),
});

const retries = v.strictObject({
  attempts: v.optional(integer(1, 10)),
  on: v.optional(v.array(v.picklist(["connect", "reset", 502, 503, 504]))),
});

const health = v.strictObject({
  passive: v.optional(
    v.union([
      v.literal(false),
      v.strictObject({ failures: v.optional(integer(1), 2), eject: v.optional(milliseconds, 10_000) }),
    ]),
  ),
  active: v.optional(
    v.union([
      v.literal(false),
      v.strictObject({
        path: pathText,
        interval: v.optional(integer(100), 5000),
        timeout: v.optional(integer(1), 2000),
        healthy: v.optional(integer(1), 1),
        unhealthy: v.optional(integer(1), 2),
        host: v.optional(nonEmpty),
        statuses: v.optional(v.array(integer(100, 599))),
      }),
    ]),
  ),
});

const hashKey = v.union([
  v.strictObject({ header: nonEmpty }),
  v.strictObject({ cookie: nonEmpty }),
  v.strictObject({ query: nonEmpty }),
  v.strictObject({ client_ip: v.literal(true) }),
]);

const balancer = v.union([
  v.picklist(["round_robin", "least_requests", "random"]),
  v.strictObject({
    consistent_hash: v.union([
      v.pipe(
        v.literal("client_ip"),
        v.transform(() => ({ client_ip: true as const })),
      ),
      hashKey,
    ]),
  }),
  v.strictObject({ sticky_cookie: v.strictObject({ name: nonEmpty }) }),
]);

const middleware = v.union([
  v.strictObject({ use: nonEmpty, options: v.optional(v.unknown()) }),
  v.record(nonEmpty, v.unknown()),
]);

const upstreamTls = v.strictObject({
  verify: v.optional(v.boolean(), true),
  ca_file: v.optional(nonEmpty),
  server_name: v.optional(nonEmpty),
  cert_file: v.optional(nonEmpty),
  key_file: v.optional(nonEmpty),
});

const redirect = v.strictObject({
  status: v.optional(v.picklist([301, 302, 303, 307, 308]), 302),
  scheme: v.optional(v.picklist(["http", "https"])),
  host: v.optional(nonEmpty),
  port: v.optional(port),
  path: v.optional(
    v.union([pathText, v.strictObject({ replace: pathText }), v.strictObject({ replace_prefix: pathText })]),
  ),
});

const rewritePath = v.union([
  v.strictObject({ replace_prefix: pathText }),
  v.strictObject({ replace: pathText }),
  v.strictObject({ regex: regexSource, to: v.string() }),
]);

const shared = {
  timeouts: v.optional(timeouts),
  retries: v.optional(retries),
  health: v.optional(health),
  middleware: v.optional(v.array(middleware)),
  balancer: v.optional(balancer),
  pass_host: v.optional(v.picklist(["pass", "node", "rewrite"])),
  upstream_host: v.optional(nonEmpty),
  request_headers: v.optional(headerChanges),
  response_headers: v.optional(headerChanges),
  upstream_tls: v.optional(upstreamTls),
} as const;

/** One entry of `routes:`. */
export const routeSchema = v.strictObject({
  id: v.optional(v.union([nonEmpty, v.pipe(v.number(), v.transform(String))])),
  priority: v.optional(v.pipe(v.number(), v.integer("a whole number")), 0),
  hosts: v.optional(v.pipe(v.array(nonEmpty), v.minLength(1, "at least one host"))),
  path: v.optional(path, { prefix: "/" }),
  methods: v.optional(v.pipe(v.array(v.pipe(nonEmpty, v.toUpperCase())), v.minLength(1, "at least one method"))),
  headers: v.optional(v.record(nonEmpty, match)),
  query: v.optional(v.record(nonEmpty, match)),
  strip_prefix: v.optional(pathText),
  rewrite_path: v.optional(rewritePath),
  service: v.optional(nonEmpty),
  services: v.optional(
    v.pipe(
      v.array(v.strictObject({ service: nonEmpty, weight: v.optional(integer(0), 1) })),
      v.minLength(1, "at least one service"),
    ),
  ),
  nodes: v.optional(
    v.pipe(
      v.array(v.strictObject({ host: nonEmpty, port, weight: v.optional(integer(0), 50) })),
      v.minLength(1, "at least one node"),
    ),
  ),
  cluster: v.optional(nonEmpty),
  namespace: v.optional(nonEmpty),
  port_name: v.optional(nonEmpty),
  scheme: v.optional(v.picklist(["http", "https"])),
  redirect: v.optional(redirect),
  ...shared,
});

/** `defaults:` of the file: what every route has unless it says otherwise. */
export const defaultsSchema = v.strictObject({ ...shared, retries: shared.retries });

type Route = v.InferOutput<typeof routeSchema>;

/** A path rule; exactly one of the three. */
export type PathRule = Route["path"];
/** A header or query rule. */
export type MatchRule = v.InferOutput<typeof match>;
export type BalancerConfig = v.InferOutput<typeof balancer>;
export type HeaderChanges = v.InferOutput<typeof headerChanges>;
export type RedirectConfig = v.InferOutput<typeof redirect>;
export type RewritePath = v.InferOutput<typeof rewritePath>;
export type MiddlewareConfig = v.InferOutput<typeof middleware>;
export type UpstreamTlsConfig = v.InferOutput<typeof upstreamTls>;

export interface TimeoutsConfig {
  /** Milliseconds to connect; 0 is none. */
  connect: number;
  /** Milliseconds to the answer's headers; 0 is none. */
  response: number;
  /** Milliseconds a body may be silent; 0 is none. */
  idle: number;
}
export interface RetriesConfig {
  /** Tries in all, the first included. */
  attempts: number;
  on: ("connect" | "reset" | 502 | 503 | 504)[];
}
export interface PassiveHealthConfig {
  failures: number;
  eject: number;
}
export interface ActiveHealthConfig {
  path: string;
  interval: number;
  timeout: number;
  healthy: number;
  unhealthy: number;
  host?: string | undefined;
  statuses?: number[] | undefined;
}
export interface HealthConfig {
  passive: PassiveHealthConfig | false;
  active: ActiveHealthConfig | false;
}

/** A route with every default filled in. */
export interface RouteConfig
  extends Omit<Route, "id" | "timeouts" | "retries" | "health" | "middleware" | "balancer" | "pass_host"> {
  id: string;
  timeouts: TimeoutsConfig;
  retries: RetriesConfig;
  health: HealthConfig;
  middleware: MiddlewareConfig[];
  balancer: BalancerConfig;
  pass_host: "pass" | "node" | "rewrite";
}
