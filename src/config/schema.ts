import * as v from "valibot";
import { mapping, optional, withDefault } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import type { MiddlewareKinds } from "../middleware/options.ts";
import type { TracingOptions } from "../telemetry/tracing/types.ts";
import { discoverySchema } from "./schema/discovery.ts";
import { foreignToFiles } from "./schema/foreign-keys.ts";
import { middlewareSchema } from "./schema/middleware.ts";
import { defaultsSchema, type RouteConfig, routeSchema } from "./schema/route.ts";
import { admin, server, tracing } from "./schema/server.ts";
import { type StreamConfig, streamSchema } from "./schema/stream.ts";
import { IGNORED } from "./schema/unsupported.ts";

const fileSchema = (route: ReturnType<typeof routeSchema>, defaults: ReturnType<typeof defaultsSchema>) =>
  mapping(
    object({
      server: withDefault(server, {}, { help: "How this gateway takes requests." }),
      admin: withDefault(
        admin,
        {},
        {
          help: "The admin API: health, metrics, discovery, the console.",
          ignoredOnWorkers: `${IGNORED}: there is no second address to listen on`,
        },
      ),
      discovery: withDefault(discoverySchema, {}, { help: "Where services are found." }),
      defaults: withDefault(defaults, {}, { help: "What every route has unless it says otherwise." }),
      routes: withDefault(v.array(route, "a list of routes"), [], {
        help: "Which requests go where. The first in the Gateway API's precedence that matches takes a request.",
      }),
      streams: withDefault(v.array(streamSchema, "a list of streams"), [], {
        help: "TCP listeners whose connections go to a service.",
        workers: "is not available on Workers: Workers has no listener for TCP; run the streams on Bun or Deno",
      }),
      tracing: optional(tracing, {
        help: "Spans of requests, sent by OTLP over HTTP.",
        workers:
          "is not available on Workers: spans are sent in batches after the request, when nothing runs there; Cloudflare's own tracing (observability in wrangler.toml) sends them",
      }),
    }),
    { foreign: foreignToFiles },
  );

/** The format of the config file: the one definition that loader, redaction, JSON Schema and docs go by. */
export interface FileFormat {
  readonly file: ReturnType<typeof fileSchema>;
  readonly route: ReturnType<typeof routeSchema>;
  /** An entry of `middleware:`. */
  readonly middleware: ReturnType<typeof middlewareSchema>;
  readonly kinds: MiddlewareKinds;
}

/** The format with these kinds of middleware. */
export function fileFormat(kinds: MiddlewareKinds): FileFormat {
  const middleware = middlewareSchema(kinds);
  const route = routeSchema(middleware);
  return { file: fileSchema(route, defaultsSchema(middleware)), route, middleware, kinds };
}

/** The file as written and checked, before defaults that depend on other keys or the surroundings. */
export type RawFile = v.InferOutput<FileFormat["file"]>;

/** `server:`, defaults filled in. */
export type ServerConfig = RawFile["server"];
/** `admin:`; false: there is none. */
export type AdminConfig = RawFile["admin"];

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
  tracing: TracingOptions | undefined;
}

export type { CertificatesConfig } from "./schema/listen.ts";
export type * from "./schema/route.ts";
export type { StreamConfig } from "./schema/stream.ts";
