import * as v from "valibot";
import { isCidr } from "../base/addresses.ts";
import { keywords, object, oneOf, record, words } from "../base/schema/shapes.ts";
import {
  boolean,
  headerName,
  headerValue,
  integer,
  milliseconds,
  port,
  shown,
  shownText,
  shownUrl,
  text,
} from "../base/schema/values.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import { PATHS } from "../http/readings.ts";
import { discoverySchema } from "./discovery-schema.ts";
import { certificates, listen } from "./listen-schema.ts";
import { defaultsSchema, type RouteConfig, routeSchema } from "./route-schema.ts";
import { type StreamConfig, streamSchema } from "./stream-schema.ts";

/** `server.listen`. */
export const serverListen = v.optional(listen("0.0.0.0"), "0.0.0.0:8080");
/** `admin.listen`. */
export const adminListen = v.optional(listen("127.0.0.1"), "127.0.0.1:9090");

const limits = object({
  header_bytes: v.optional(integer(1024), 16_384),
  headers: v.optional(integer(1), 100),
  url_bytes: v.optional(integer(64), 8192),
  body_bytes: v.optional(integer(0), 0),
  body_rate: v.optional(integer(0), 128),
  body_window: v.optional(milliseconds(100), 30_000),
});

const CIDR = "an IPv4 or IPv6 address or CIDR block such as 10.0.0.0/8";

const cidr = v.pipe(
  shown(v.string(CIDR)),
  v.check(isCidr, CIDR),
  keywords({ pattern: "^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$" }),
);

const server = object({
  listen: serverListen,
  tls: v.optional(certificates),
  http2: v.optional(boolean, true),
  http3: v.optional(boolean, false),
  redirect_http: v.optional(port),
  workers: v.optional(oneOf([v.literal("auto", "auto"), integer(1, 256)], "auto or a whole number from 1 to 256"), 1),
  trusted_proxies: v.optional(v.array(cidr, "a list of addresses or CIDR blocks"), []),
  limits: v.optional(limits, {}),
  paths: v.optional(words(PATHS), "reject"),
  underscore_headers: v.optional(words(["pass", "drop"]), "pass"),
  via: v.optional(boolean, false),
  upstream_headers: v.optional(boolean, false),
  zone: v.optional(shownText("the name of a zone")),
  access_log: v.optional(
    oneOf([words(["json", "combined"]), v.literal(false, "false")], "one of json, combined, false"),
    "json",
  ),
  log_level: v.optional(words(["debug", "info", "warn", "error"]), "info"),
  drain_delay: v.optional(milliseconds(), 0),
  drain: v.optional(milliseconds(), 10_000),
});

const admin = oneOf(
  [
    v.literal(false, "false"),
    object({
      listen: adminListen,
      token: v.optional(text("a token, or a text such as ${ADMIN_TOKEN}")),
    }),
  ],
  "false, or a mapping of listen, token",
);

const OTLP = "an http or https URL such as http://collector:4318";
const SAMPLE = "a number from 0 to 1";

const tracing = object({
  otlp_endpoint: v.pipe(shownUrl(v.string(OTLP)), v.url(OTLP), v.regex(/^https?:/i, OTLP)),
  sample: v.optional(v.pipe(v.number(SAMPLE), v.minValue(0, SAMPLE), v.maxValue(1, SAMPLE)), 1),
  headers: v.optional(record(headerName, headerValue, "a mapping of header names to texts"), {}),
});

/** The whole file. This is the one definition of the format: the loader, the JSON Schema and the types come from it. */
export const fileSchema = object({
  server: v.optional(server, {}),
  admin: v.optional(admin, {}),
  discovery: v.optional(discoverySchema, {}),
  defaults: v.optional(defaultsSchema, {}),
  routes: v.optional(v.array(routeSchema, "a list of routes"), []),
  streams: v.optional(v.array(streamSchema, "a list of streams"), []),
  tracing: v.optional(tracing),
});

/** The file as written and checked, before defaults that depend on other keys or the surroundings. */
export type WrittenFile = v.InferOutput<typeof fileSchema>;

/** `server:`, defaults filled in. */
export type ServerConfig = WrittenFile["server"];
/** `admin:`; false: there is none. */
export type AdminConfig = WrittenFile["admin"];
/** `tracing:`. */
export type TracingConfig = v.InferOutput<typeof tracing>;

/** `discovery.kubernetes` in one shape, whichever of APISIX's two it was written in. */
export interface DiscoveryConfig {
  /** True when the file lists clusters: a service reference then needs an id. */
  multi: boolean;
  clusters: ClusterOptions[];
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

export type { CertificatesConfig, ListenAddress } from "./listen-schema.ts";
export type * from "./route-schema.ts";
export type { StreamConfig, StreamTimeoutsConfig } from "./stream-schema.ts";
