import type { ActiveHealthConfig, BalancerConfig, PassiveHealthConfig } from "../balancing/options.ts";
import type { MiddlewareEntry } from "../middleware/catalog.ts";
import type { HeaderChanges, RouteRule } from "../routing/options.ts";
import type { WrittenRoute } from "./route-schema.ts";

/** Routes with every default filled in: what the rest of the program works with. */

/** Trust and identity towards an upstream that speaks TLS. */
export interface UpstreamTlsConfig {
  verify: boolean;
  ca_file?: string | undefined;
  server_name?: string | undefined;
  cert_file?: string | undefined;
  key_file?: string | undefined;
}

/** How long each part of a request may take. */
export interface TimeoutsConfig {
  /** Milliseconds to connect; 0 is none. */
  connect: number;
  /** Milliseconds one attempt may take to the answer's headers; 0 is none. */
  try: number;
  /** The same for all attempts together; 0 is none. */
  response: number;
  /** Milliseconds a body may be silent; 0 is none. */
  idle: number;
}
/** When a request is tried on another address. */
export interface RetriesConfig {
  /** Tries in all, the first included; all: as many as there are addresses. */
  attempts: number | "all";
  on: ("connect" | "reset" | "timeout" | 500 | 502 | 503 | 504)[];
}
/** When connections to an upstream are given up between two requests. */
export interface KeepaliveConfig {
  /** Requests one connection carries; 0 is without limit. */
  requests: number;
  /** Milliseconds since it was made; 0 is without limit. */
  age: number;
  /** Milliseconds without a request; undefined: as long as the upstream tells, else four seconds. */
  idle?: number | undefined;
}
/** How nodes that fail are found. */
export interface HealthConfig {
  passive: PassiveHealthConfig | false;
  active: ActiveHealthConfig | false;
}

/** A route with every default filled in. */
export interface RouteConfig
  extends RouteRule,
    Omit<
      WrittenRoute,
      | keyof RouteRule
      | "timeouts"
      | "retries"
      | "keepalive"
      | "health"
      | "middleware"
      | "balancer"
      | "pass_host"
      | "upstream_tls"
      | "request_headers"
      | "response_headers"
    > {
  timeouts: TimeoutsConfig;
  retries: RetriesConfig;
  keepalive: KeepaliveConfig;
  health: HealthConfig;
  middleware: MiddlewareEntry[];
  balancer: BalancerConfig;
  pass_host: "pass" | "node" | "rewrite";
  upstream_tls?: UpstreamTlsConfig | undefined;
  request_headers?: HeaderChanges | undefined;
  response_headers?: HeaderChanges | undefined;
}
