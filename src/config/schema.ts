import * as v from "valibot";
import { type ClusterConfig, discoverySchema } from "./discovery-schema.ts";
import { defaultsSchema, type RouteConfig, routeSchema } from "./route-schema.ts";
import { integer, milliseconds, nonEmpty, port } from "./values.ts";

/** Where to listen. `host` may be a name, an IPv4 or an IPv6 address without brackets. */
export interface ListenAddress {
  host: string;
  /** 0 lets the system choose. */
  port: number;
}

const listenPort = integer(0, 65_535);
const listenText = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]+):)?(?<port>[0-9]{1,5})$/;

/** "host:port", "[::1]:port", a port, or {host, port}; a missing host is `defaultHost`. */
const listen = (defaultHost: string) =>
  v.union([
    v.pipe(
      listenPort,
      v.transform((port): ListenAddress => ({ host: defaultHost, port })),
    ),
    v.pipe(
      v.string(),
      v.regex(listenText, "an address such as 0.0.0.0:8080, [::1]:8080 or 8080"),
      v.transform((text): ListenAddress => {
        const { host, port } = listenText.exec(text)!.groups!;
        return { host: host?.replace(/^\[|\]$/g, "") ?? defaultHost, port: Number(port) };
      }),
      v.check((address) => address.port <= 65_535, "a port from 0 to 65535"),
    ),
    v.strictObject({ host: v.optional(nonEmpty, defaultHost), port: listenPort }),
  ]);

const certificate = v.strictObject({ cert_file: nonEmpty, key_file: nonEmpty, server_name: v.optional(nonEmpty) });

const limits = v.strictObject({
  header_bytes: v.optional(integer(1024), 16_384),
  headers: v.optional(integer(1), 100),
  url_bytes: v.optional(integer(64), 8192),
  body_bytes: v.optional(integer(0), 0),
});

const server = v.strictObject({
  listen: v.optional(listen("0.0.0.0"), { host: "0.0.0.0", port: 8080 }),
  tls: v.optional(v.union([certificate, v.pipe(v.array(certificate), v.minLength(1, "at least one certificate"))])),
  http2: v.optional(v.boolean(), true),
  http3: v.optional(v.boolean(), false),
  redirect_http: v.optional(port),
  workers: v.optional(v.union([v.literal("auto"), integer(1, 256)]), 1),
  trusted_proxies: v.optional(v.array(nonEmpty), []),
  limits: v.optional(limits, {}),
  via: v.optional(v.boolean(), false),
  upstream_headers: v.optional(v.boolean(), false),
  zone: v.optional(nonEmpty),
  access_log: v.optional(v.union([v.picklist(["json", "combined"]), v.literal(false)]), "json"),
  log_level: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
  drain_delay: v.optional(milliseconds, 0),
  drain: v.optional(milliseconds, 10_000),
});

const admin = v.union([
  v.literal(false),
  v.strictObject({
    listen: v.optional(listen("127.0.0.1"), { host: "127.0.0.1", port: 9090 }),
    token: v.optional(nonEmpty),
  }),
]);

const stream = v.strictObject({
  listen: listen("127.0.0.1"),
  service: nonEmpty,
  cluster: v.optional(nonEmpty),
  namespace: v.optional(nonEmpty),
  port_name: v.optional(nonEmpty),
});

const tracing = v.strictObject({
  otlp_endpoint: v.pipe(v.string(), v.url("a URL such as http://collector:4318")),
  sample: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1),
  headers: v.optional(v.record(nonEmpty, v.string()), {}),
});

/** The whole file. This is the one definition of the format: the loader, the JSON Schema and the types come from it. */
export const fileSchema = v.strictObject({
  server: v.optional(server, {}),
  admin: v.optional(admin, {}),
  discovery: v.optional(discoverySchema, {}),
  defaults: v.optional(defaultsSchema, {}),
  routes: v.optional(v.array(routeSchema), []),
  streams: v.optional(v.array(stream), []),
  tracing: v.optional(tracing),
});

type File = v.InferOutput<typeof fileSchema>;

export type ServerConfig = File["server"];
export type AdminConfig = File["admin"];
export type StreamConfig = v.InferOutput<typeof stream>;
export type TracingConfig = v.InferOutput<typeof tracing>;

/** `discovery.kubernetes` in one shape, whichever of APISIX's two it was written in. */
export interface DiscoveryConfig {
  /** True when the file lists clusters: a service reference then needs an id. */
  multi: boolean;
  clusters: ClusterConfig[];
}

/** The file, checked, with every default filled in: what the rest of the program trusts. */
export interface Config {
  server: ServerConfig;
  admin: AdminConfig;
  /** undefined: discovery is off. */
  discovery: DiscoveryConfig | undefined;
  routes: RouteConfig[];
  streams: StreamConfig[];
  tracing: TracingConfig | undefined;
}

export type { ClusterConfig, DiscoveryMode } from "./discovery-schema.ts";
export type * from "./route-schema.ts";
