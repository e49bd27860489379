import * as v from "valibot";
import { isAddress, isHostName, isIpv6, stripBrackets } from "../base/addresses.ts";
import { keywords, list, object, oneOf, record, wantedBy, words } from "../base/schema/shapes.ts";
import {
  anyText,
  boolean,
  HOST_SHAPE,
  headerName,
  headerValue,
  host,
  integer,
  milliseconds,
  nonEmpty,
  port,
  regexSource,
  shown,
  shownText,
  shownUrl,
  token,
} from "../base/schema/values.ts";
import { PATHS } from "../http/readings.ts";
import { type MiddlewareEntry, middlewareSchema } from "../middleware/catalog.ts";
import { pathTemplateFault } from "../routing/path-template.ts";
import { isTemplate, TEMPLATE_PARTS } from "../routing/template.ts";

const PATH = "a path that starts with /, without ? and #";

/** A path requests are compared with: the query and the fragment are no part of it. */
const pathText = v.pipe(
  shown(v.string(PATH)),
  v.startsWith("/", PATH),
  v.check((path) => !/[?#]/.test(path), PATH),
  keywords({ pattern: "^/[^?#]*$" }),
);

const PREFIX = "a path that starts with /, without a * at its end (it stands for all paths below it as it is)";

const prefixText = v.pipe(
  pathText,
  v.check((path) => !path.endsWith("/*"), PREFIX),
  keywords({ pattern: "^/(?:[^?#]*(?:[^*?#]|[^/?#]\\*))?$" }),
);

/** Where a redirect points: a query in it is meant. */
const targetPath = v.pipe(v.string("a path that starts with /"), v.startsWith("/", "a path that starts with /"));
const shownTarget = shown(targetPath);

const TEMPLATE = "a path such as /orders/{id}/{rest*}, whose names differ";

/** A path with named parts. */
const pathTemplate = v.pipe(
  pathText,
  v.check((path) => pathTemplateFault(path) === undefined, TEMPLATE),
  keywords({ pattern: "^/(?:[^?#{}]|\\{[A-Za-z_][A-Za-z0-9_-]*\\*?\\})*$" }),
);

const anyCase = { ignore_case: v.optional(boolean) } as const;

/** A prefix written as a text alone. */
const prefixOf = (prefix: string): { prefix: string; ignore_case?: boolean | undefined } => ({ prefix });

/** A path is a prefix by whole segments unless it says otherwise. */
const path = oneOf(
  [
    v.pipe(prefixText, v.transform(prefixOf)),
    object({ exact: pathText, ...anyCase }),
    object({ prefix: prefixText, ...anyCase }),
    object({ starts_with: pathText, ...anyCase }),
    object({ template: pathTemplate, optional_slash: v.optional(boolean), ...anyCase }),
    object({ regex: shown(regexSource), ...anyCase }),
  ],
  "a path that starts with /, or a mapping of exactly one of exact, prefix, starts_with, template, regex",
);

const matchRegex = object({ regex: regexSource });
const matchIn = object({ in: list(anyText, "texts") });

/**
 * A header, cookie or query parameter: equal to a text or one of several, matching a regular expression, or just there;
 * `not`, which one that is not there fits too.
 */
const match = oneOf(
  [
    anyText,
    matchRegex,
    matchIn,
    object({ present: boolean }),
    object({ not: oneOf([anyText, matchRegex, matchIn], "a text, or a mapping of exactly one of regex, in") }),
  ],
  "a text, or a mapping of exactly one of regex, in, present, not",
);

const HEADER_CHANGES = "a mapping of header names to texts or lists of texts";

/** A field, several of one name, or `false`: what `defaults` say of it does not count. */
const headerValues = oneOf(
  [headerValue, list(headerValue, "texts"), v.literal(false, "false")],
  "a text, a list of texts, or false",
);

const headerChanges = object({
  set: v.optional(record(headerName, headerValues, HEADER_CHANGES), {}),
  add: v.optional(record(headerName, headerValues, HEADER_CHANGES), {}),
  remove: v.optional(v.array(headerName, "a list of header names"), []),
});

const PARAMETERS = "a mapping of parameters to texts or lists of texts, in which {name} is a part of the request";

/** Names as they mean, values with parts of the request. */
const queryChanges = object({
  set: v.optional(
    record(nonEmpty, oneOf([anyText, list(anyText, "texts")], "a text, or a list of texts"), PARAMETERS),
    {},
  ),
  remove: v.optional(v.array(nonEmpty, "a list of parameters"), []),
});

const timeouts = object({
  connect: v.optional(milliseconds()),
  try: v.optional(milliseconds()),
  response: v.optional(milliseconds()),
  idle: v.optional(milliseconds()),
});

const ATTEMPTS = "all (every address), or a whole number from 1 to 10";

const retries = object({
  attempts: v.optional(oneOf([v.literal("all", "all"), integer(1, 10)], ATTEMPTS)),
  on: v.optional(
    v.array(
      words(["connect", "reset", "timeout", 500, 502, 503, 504]),
      "a list of connect, reset, timeout, 500, 502, 503, 504",
    ),
  ),
});

const keepalive = object({
  requests: v.optional(integer(0)),
  age: v.optional(milliseconds()),
  idle: v.optional(milliseconds(1)),
});

/** `health.passive` as a mapping. */
export const passive = object({ failures: v.optional(integer(1)), eject: v.optional(milliseconds()) });

const active = object({
  path: shownUrl(targetPath),
  interval: v.optional(milliseconds(100)),
  timeout: v.optional(milliseconds(1)),
  healthy: v.optional(integer(1)),
  unhealthy: v.optional(integer(1)),
  host: v.optional(shownText("a host name")),
  statuses: v.optional(list(integer(100, 599), "HTTP statuses")),
});

const off = v.literal(false, "false");

const health = object({
  passive: v.optional(oneOf([off, passive], "false, or a mapping of failures, eject")),
  active: v.optional(
    oneOf([off, active], "false, or a mapping of path, interval, timeout, healthy, unhealthy, host, statuses"),
  ),
});

const HASH_KEY = "client_ip, or a mapping of exactly one of header, cookie, query, client_ip";

const hashKey = oneOf(
  [
    v.pipe(
      v.literal("client_ip", "client_ip"),
      v.transform(() => ({ client_ip: true as const })),
    ),
    object({ header: headerName }),
    object({ cookie: token("a cookie's name") }),
    object({ query: nonEmpty }),
    object({ client_ip: v.literal(true, "true") }),
  ],
  HASH_KEY,
);

const balancer = oneOf(
  [
    words(["round_robin", "least_requests", "random"]),
    object({ consistent_hash: hashKey }),
    object({ sticky_cookie: object({ name: token("a cookie's name") }) }),
  ],
  "one of round_robin, least_requests, random, or a mapping of exactly one of consistent_hash, sticky_cookie",
);

/** Trust and identity towards an upstream. */
export const upstreamTls = object({
  verify: v.optional(boolean),
  ca_file: v.optional(shownText("the path of a PEM file")),
  server_name: v.optional(shownText("the name in the upstream's certificate")),
  cert_file: v.optional(shownText("the path of a PEM file")),
  key_file: v.optional(shownText("the path of a PEM file")),
});

const LOCATION = `a URL or a path for the Location header, in ASCII (other letters percent-encoded), in which these stand for parts of the request: ${TEMPLATE_PARTS}`;

const location = v.pipe(
  shownUrl(v.string(LOCATION)),
  v.regex(/^(?:[a-z][a-z0-9+.-]*:|\/|\{)[!-~]*$/i, LOCATION),
  v.check(isTemplate, LOCATION),
);

const redirect = object({
  status: v.optional(words([301, 302, 303, 307, 308]), 302),
  scheme: v.optional(words(["http", "https"])),
  host: v.optional(host),
  port: v.optional(port),
  path: v.optional(
    oneOf(
      [shownTarget, object({ replace: shownTarget }), object({ replace_prefix: shownTarget })],
      "a path that starts with /, or a mapping of exactly one of replace, replace_prefix",
    ),
  ),
  location: v.optional(location),
  regex: v.optional(shown(regexSource)),
});

const rewritePath = oneOf(
  [
    object({ replace_prefix: shownTarget }),
    // A whole path of the config's own may be one that nobody else is to know, such as a webhook's.
    object({ replace: targetPath }),
    object({ template: shownTarget }),
    object({ regex: shown(regexSource), to: anyText }),
  ],
  "a mapping of exactly one of replace_prefix, replace, template, or regex with to",
);

const HOST_PATTERN = 'a host name without port, such as sd.example.org or "*.example.org"';

/** What requests' hosts are compared with: lower case, an IPv6 address in brackets, `*.` only in front. */
const hostPattern = v.pipe(
  shown(v.string(HOST_PATTERN)),
  v.toLowerCase(),
  v.check((name) => {
    const bare = stripBrackets(name.startsWith("*.") ? name.slice(2) : name);
    return isHostName(bare) || (isAddress(bare) && !name.startsWith("*."));
  }, HOST_PATTERN),
  keywords({ pattern: `^(?:\\*\\.)?(?:${HOST_SHAPE})$` }),
  v.transform((name) => (isIpv6(name) ? `[${name}]` : name)),
);

const METHOD = "an HTTP method such as GET";

const method = v.pipe(token(METHOD), v.toUpperCase());

const UPSTREAM_HOST = "the host for the upstream's Host header, such as app.example.org or app.example.org:8443";

const upstreamHost = v.pipe(
  shown(v.string(UPSTREAM_HOST)),
  keywords({ pattern: `^(?:${HOST_SHAPE})(?::[0-9]{1,5})?$` }),
  v.check((value) => {
    const { name, port } = /^(?<name>\[.*\]|[^:]*)(?::(?<port>[0-9]{1,5}))?$/.exec(value)?.groups ?? {};
    if (name === undefined || (port !== undefined && Number(port) > 65_535)) return false;
    return isHostName(name) || isAddress(stripBrackets(name));
  }, UPSTREAM_HOST),
);

/** A text of `upstream_tls`, or `false`: none, whatever `defaults` say. */
const orNone = (value: v.GenericSchema<string, string>) =>
  v.optional(oneOf([value, off], `${wantedBy(value)}, or false`));

const shared = {
  timeouts: v.optional(timeouts),
  retries: v.optional(retries),
  keepalive: v.optional(keepalive),
  health: v.optional(health),
  middleware: v.optional(v.array(middlewareSchema, "a list of middleware")),
  balancer: v.optional(balancer),
  pass_host: v.optional(words(["pass", "node", "rewrite"])),
  upstream_host: v.optional(upstreamHost),
  request_headers: v.optional(headerChanges),
  response_headers: v.optional(headerChanges),
  upstream_tls: v.optional(
    object({
      verify: upstreamTls.entries.verify,
      ca_file: orNone(upstreamTls.entries.ca_file.wrapped),
      server_name: orNone(upstreamTls.entries.server_name.wrapped),
      cert_file: orNone(upstreamTls.entries.cert_file.wrapped),
      key_file: orNone(upstreamTls.entries.key_file.wrapped),
    }),
  ),
} as const;

const SERVICE = "a service reference such as namespace/name:port";
const PRIORITY = "a whole number, higher first";

const priority = v.optional(v.pipe(v.number(PRIORITY), v.safeInteger(PRIORITY)), 0);

/** Services by priority, and by weight among those of one priority. */
export const services = list(
  object({ service: shownText(SERVICE), weight: v.optional(integer(0), 1), priority }),
  "services",
);
/** Addresses that never change. */
export const nodes = list(object({ host, port, weight: v.optional(integer(0), 50), priority }), "nodes");

const ID = "a text or a number that is unique among the routes";

/** One entry of `routes:`. */
export const routeSchema = object(
  {
    id: v.optional(oneOf([shownText(ID), v.pipe(v.number(ID), v.transform(String))], ID)),
    priority,
    hosts: v.optional(list(hostPattern, "host names")),
    path: v.optional(path, "/"),
    paths: v.optional(words(PATHS)),
    methods: v.optional(list(method, "HTTP methods")),
    headers: v.optional(record(headerName, match, "a mapping of header names to what they must be")),
    query: v.optional(record(nonEmpty, match, "a mapping of query parameters to what they must be")),
    cookies: v.optional(record(token("a cookie's name"), match, "a mapping of names of cookies to what they must be")),
    strip_prefix: v.optional(pathText),
    rewrite_path: v.optional(rewritePath),
    request_query: v.optional(queryChanges),
    service: v.optional(shownText(SERVICE)),
    services: v.optional(services),
    nodes: v.optional(nodes),
    cluster: v.optional(shownText("the id of a cluster")),
    namespace: v.optional(shownText("a namespace")),
    port_name: v.optional(shownText("the name of a port")),
    scheme: v.optional(words(["http", "https", "ws", "wss"])),
    redirect: v.optional(redirect),
    ...shared,
  },
  "a route: a mapping with one of service, services, nodes, redirect",
);

/** `defaults:` of the file: what every route has unless it says otherwise. */
export const defaultsSchema = object(shared);

type Route = v.InferOutput<typeof routeSchema>;

/** An entry of `routes:` as written and checked, before `defaults` are merged in. */
export type WrittenRoute = Route;
/** `defaults:` as written and checked. */
export type WrittenDefaults = v.InferOutput<typeof defaultsSchema>;

/** How an upstream is spoken to: a WebSocket begins as a request in http or https. */
export const spokenScheme = (scheme: WrittenRoute["scheme"]): "http" | "https" =>
  scheme === "https" || scheme === "wss" ? "https" : "http";

/** `upstream_tls` as written. */
export type WrittenUpstreamTls = v.InferOutput<typeof upstreamTls>;
/** Header changes as written. */
export type WrittenHeaderChanges = v.InferOutput<typeof headerChanges>;
/** One middleware of a route. */
export type MiddlewareConfig = MiddlewareEntry;

export type * from "./route-config.ts";
