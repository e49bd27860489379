import type { HealthConfig } from "../balancing/options.ts";
import type { MiddlewareEntry } from "../middleware/catalog.ts";
import type { ProxyRule } from "../proxy/options.ts";
import type { HeaderChanges, RouteRule } from "../routing/options.ts";
import type { RawRoute } from "./route-schema.ts";

/** Routes with every default filled in: what the rest of the program works with. */

/** Trust and identity towards an upstream that speaks TLS. */
export interface UpstreamTlsConfig {
  verify: boolean;
  ca_file?: string | undefined;
  server_name?: string | undefined;
  cert_file?: string | undefined;
  key_file?: string | undefined;
}

/** A route with every default filled in. */
export interface RouteConfig
  extends RouteRule,
    ProxyRule,
    Omit<
      RawRoute,
      | keyof RouteRule
      | keyof ProxyRule
      | "health"
      | "middleware"
      | "upstream_tls"
      | "request_headers"
      | "response_headers"
    > {
  health: HealthConfig;
  middleware: MiddlewareEntry[];
  upstream_tls?: UpstreamTlsConfig | undefined;
  request_headers?: HeaderChanges | undefined;
  response_headers?: HeaderChanges | undefined;
}
