/** Keys of other gateways that are written here by habit, and what stands here in their place. */

const SERVICE = "service: namespace/name:port, or nodes: [{host, port}],";

const APISIX_ROUTE: Readonly<Record<string, string>> = {
  uri: "path",
  uris: "path, in a route for each of them,",
  host: "hosts: [NAME]",
  upstream: SERVICE,
  upstream_id: SERVICE,
  service_id: SERVICE,
  plugins: "middleware",
  vars: "headers, query or cookies",
  remote_addr: "middleware: [{ip_restriction: …}]",
  remote_addrs: "middleware: [{ip_restriction: …}]",
  name: "id",
  desc: "a comment",
  enable_websocket: "nothing, WebSockets always pass,",
  timeout: "timeouts",
};

const APISIX_STREAM: Readonly<Record<string, string>> = {
  server_port: "listen",
  upstream: SERVICE,
  upstream_id: SERVICE,
};

/** At the top of APISIX's own files. */
const APISIX_FILE = [
  ...["apisix", "deployment", "plugins", "upstreams", "services"],
  ...["consumers", "global_rules", "ssls", "stream_routes"],
];

const OCELOT_FILE = ["Routes", "ReRoutes", "GlobalConfiguration", "Aggregates", "DynamicRoutes"];

const OCELOT_ROUTE = [
  "UpstreamPathTemplate",
  "DownstreamPathTemplate",
  "UpstreamHttpMethod",
  "ServiceName",
  "DownstreamScheme",
];

const instead = (keys: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(keys, key) ? `APISIX's ${key} is ${keys[key]} here` : undefined;

const ofFile = (product: string, keys: readonly string[], key: string): string | undefined =>
  keys.includes(key)
    ? `it is ${product}'s: \`podway import ${product.toLowerCase()} FILE\` converts such a file`
    : undefined;

/** The hint for a key at the top of another gateway's file, as the end of a sentence; undefined: it is no such key. */
export const foreignToFiles = (key: string): string | undefined =>
  ofFile("APISIX", APISIX_FILE, key) ?? ofFile("Ocelot", OCELOT_FILE, key);

/** The same of a route. */
export const foreignToRoutes = (key: string): string | undefined =>
  instead(APISIX_ROUTE, key) ?? ofFile("Ocelot", OCELOT_ROUTE, key);

/** The same of a stream. */
export const foreignToStreams = (key: string): string | undefined => instead(APISIX_STREAM, key);
