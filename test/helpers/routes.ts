import * as v from "valibot";
import { applyDefaults } from "../../src/config/defaults.ts";
import type { FileFormat, RouteConfig } from "../../src/config/schema.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import type { IncomingRequest } from "../../src/http/request.ts";

/** A route as a config file would hold it. */
export type RouteInput = v.InferInput<FileFormat["route"]>;

const EMPTY_FILE = v.parse(FORMAT.file, {});

/** A route with every default filled in, as the config loader would; its id is "route" unless it has one. */
export function routeConfig(input: RouteInput = {}): RouteConfig {
  const routes = [v.parse(FORMAT.route, { id: "route", ...input })];
  return applyDefaults({ ...EMPTY_FILE, routes }, { env: {}, pod: {} }).routes[0]!;
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
export function requestFacts(input: RequestInput = {}): IncomingRequest {
  const { method = "GET", scheme = "http", authority = "gateway.test", target = "/", headers } = input;
  const query = target.indexOf("?");
  return {
    started: 0,
    method,
    scheme,
    authority,
    port: "80",
    host: authority.replace(/:[0-9]*$/, "").toLowerCase(),
    path: query === -1 ? target : target.slice(0, query),
    search: query === -1 ? "" : target.slice(query),
    headers: new Headers(headers),
    peer: "127.0.0.1",
    client: "127.0.0.1",
  };
}
