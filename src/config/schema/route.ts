import * as v from "valibot";
import type { HealthConfig } from "../../balancing/options.ts";
import { type KeyRules, key, mapping, optional, withDefault } from "../../base/schema/key.ts";
import { list, object, oneOf, record, words } from "../../base/schema/shapes.ts";
import { headerName, nonEmpty, shownText, token } from "../../base/schema/values.ts";
import { PATHS } from "../../http/readings.ts";
import type { MiddlewareEntry, RawMiddleware } from "../../middleware/catalog.ts";
import type { ProxyRule } from "../../proxy/options.ts";
import type { HeaderChanges, RouteRule } from "../../routing/options.ts";
import { queryChanges } from "./changes.ts";
import { foreignToRoutes } from "./foreign-keys.ts";
import { hostPattern, match, method } from "./match.ts";
import { path, plainPath, redirectSchema, rewritePath } from "./path.ts";
import { FINDING, priority, SERVICE_REFERENCE, targets } from "./target.ts";
import { forwarding, patience } from "./upstream.ts";

/** An entry of `middleware:`. */
type MiddlewareSchema = v.GenericSchema<unknown, RawMiddleware>;

/** What `defaults` may say of every route. */
const shared = (entry: MiddlewareSchema) =>
  ({
    ...patience,
    middleware: optional(v.array(entry, "a list of middleware"), {
      help: "What requests go through first, in this order. One that defaults have too stands in its place; NAME: false takes it away.",
    }),
    ...forwarding,
  }) as const;

/** Keys that change how a request reaches an upstream: a redirect has none. */
const FORWARDING = [
  ...["strip_prefix", "rewrite_path", "request_query", "cluster", "namespace", "port_name", "scheme", "upstream_tls"],
  ...["pass_host", "upstream_host", "balancer", "timeouts", "retries", "keepalive", "health", "request_headers"],
];

const ROUTE_RULES: KeyRules = {
  one: ["service", "services", "nodes", "redirect"],
  none: "must have one of service, services, nodes, redirect: it says nothing about where requests go",
  apart: [["strip_prefix", "rewrite_path"]],
  alone: { redirect: FORWARDING, nodes: FINDING },
};

const ID = "a text or a number that is unique among the routes";

/** One entry of `routes:`. `entry`: one of `middleware:`. */
export const routeSchema = (entry: MiddlewareSchema) =>
  mapping(
    object(
      {
        id: optional(oneOf([shownText(ID), v.pipe(v.number(ID), v.transform(String))], ID), {
          help: "By default the route's place in the list.",
        }),
        priority: key(priority, { help: "Comes before every other precedence." }),
        hosts: optional(list(hostPattern, "host names"), {
          help: "Hosts of requests, without port; *.example.org is every name below it. By default any.",
        }),
        path: withDefault(path, "/", {
          help: "A path matches by whole segments: /v1 is /v1, /v1/ and /v1/x, but not /v1x.",
        }),
        paths: optional(words(PATHS), { help: "How this route reads such paths, in place of server.paths." }),
        methods: optional(list(method, "HTTP methods"), {
          help: "Methods of requests, taken literally: HEAD is not GET. By default any.",
        }),
        headers: optional(record(headerName, match, "a mapping of header names to what they must be"), {
          help: "Headers a request must have, each with the value that it must have: a text is the whole value.",
        }),
        query: optional(record(nonEmpty, match, "a mapping of query parameters to what they must be"), {
          help: "Query parameters a request must have, each with the value that it must have, decoded: a text is the whole value.",
        }),
        cookies: optional(
          record(token("a cookie's name"), match, "a mapping of names of cookies to what they must be"),
          { help: "Cookies a request must have, each with the value that it must have: a text is the whole value." },
        ),
        strip_prefix: optional(plainPath, { help: "Taken off the path: /v1/x becomes /x under /v1." }),
        rewrite_path: optional(rewritePath, { help: "How the path is changed on its way to the upstream." }),
        request_query: optional(queryChanges, { help: "Changes of the query an upstream gets." }),
        service: optional(shownText(SERVICE_REFERENCE), { help: "Requests go to the nodes of this service." }),
        ...targets,
        scheme: optional(words(["http", "https", "ws", "wss"]), {
          help: "How upstreams are spoken to, by default http; WebSockets follow from it. Where nothing else names a port, it is the one of this name; ws is http, and wss is https.",
        }),
        redirect: optional(redirectSchema, {
          help: "The route answers by itself with this Location: it needs one of scheme, host, port, path, or a location.",
        }),
        ...shared(entry),
      },
      "a route: a mapping with one of service, services, nodes, redirect",
    ),
    { rules: ROUTE_RULES, foreign: foreignToRoutes },
  );

/** `defaults:` of the file: what every route has unless it says otherwise. */
export const defaultsSchema = (entry: MiddlewareSchema) => object(shared(entry));

/** An entry of `routes:` as written and checked, before `defaults` are merged in. */
export type RawRoute = v.InferOutput<ReturnType<typeof routeSchema>>;
/** `defaults:` as written and checked. */
export type RawDefaults = v.InferOutput<ReturnType<typeof defaultsSchema>>;

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
