import * as v from "valibot";
import { type RouteConfig, routeSchema } from "../../src/config/route-schema.ts";
import type { RequestFacts } from "../../src/request.ts";

/** A route as a config file would hold it. */
export type RouteInput = v.InferInput<typeof routeSchema>;

/** A route with every default filled in; its id is "route" unless it has one. */
export function routeConfig(input: RouteInput = {}): RouteConfig {
  const route = v.parse(routeSchema, input);
  return {
    ...route,
    id: route.id ?? "route",
    timeouts: { connect: 2000, response: 30_000, idle: 0, ...route.timeouts },
    retries: { attempts: 2, on: ["connect", "reset"], ...route.retries },
    health: { passive: { failures: 2, eject: 10_000 }, active: false },
    middleware: route.middleware ?? [],
    balancer: route.balancer ?? "round_robin",
    pass_host: route.pass_host ?? "pass",
  };
}

/** A request as the routing sees it. */
export interface RequestInput {
  method?: string;
  scheme?: "http" | "https";
  /** As in the Host header. */
  authority?: string;
  /** Path and query, byte for byte. */
  target?: string;
  headers?: HeadersInit;
}

/** The facts of a request, its target not touched by any URL parser. */
export function requestFacts(input: RequestInput = {}): RequestFacts {
  const { method = "GET", scheme = "http", authority = "gateway.test", target = "/", headers } = input;
  const query = target.indexOf("?");
  return {
    method,
    scheme,
    authority,
    host: authority.replace(/:[0-9]*$/, "").toLowerCase(),
    path: query === -1 ? target : target.slice(0, query),
    search: query === -1 ? "" : target.slice(query),
    headers: new Headers(headers),
    peer: "127.0.0.1",
    client: "127.0.0.1",
  };
}
