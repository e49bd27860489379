/**
 * Keys of the gateways that people come from, by the place (as `placeOf` has it) where they are written by habit, and what
 * is written here in their place.
 */

const SERVICE = "service: namespace/name:port, or nodes: [{host, port}],";

const APISIX: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "routes[]": {
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
  },
  "streams[]": { server_port: "listen", upstream: SERVICE, upstream_id: SERVICE },
};

/** At the top of APISIX's own files. */
const APISIX_FILES: ReadonlySet<string> = new Set([
  ...["apisix", "deployment", "plugins", "upstreams", "services"],
  ...["consumers", "global_rules", "ssls", "stream_routes"],
]);

const OCELOT: Readonly<Record<string, readonly string[]>> = {
  "": ["Routes", "ReRoutes", "GlobalConfiguration", "Aggregates", "DynamicRoutes"],
  "routes[]": [
    "UpstreamPathTemplate",
    "DownstreamPathTemplate",
    "UpstreamHttpMethod",
    "ServiceName",
    "DownstreamScheme",
  ],
};

/** What is written here in place of another gateway's key, as the end of a sentence; undefined: it is no such key. */
export function foreignKey(place: string, key: string): string | undefined {
  const there = APISIX[place];
  if (there !== undefined && Object.hasOwn(there, key)) return `APISIX's ${key} is ${there[key]} here`;
  const file = APISIX_FILES.has(key) && place === "" ? "APISIX" : OCELOT[place]?.includes(key) ? "Ocelot" : undefined;
  return file && `it is ${file}'s: \`podway import ${file.toLowerCase()} FILE\` converts such a file`;
}
