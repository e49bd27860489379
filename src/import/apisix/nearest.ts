import type { Path } from "../../config/issues.ts";
import type { Unread } from "../input.ts";

/**
 * Keys that are not read, by the beginning of their place (`*` is any key or index), with what comes nearest to them.
 */
const TRIFLES: Readonly<Record<string, string>> = {
  "apisix.control": "admin.listen is where the gateway tells of itself",
  "apisix.data_encryption": "nothing is kept encrypted here: write secrets as ${NAME}",
  "apisix.disable_sync_configuration_during_start": "the file is read before the gateway starts",
  "apisix.dns_resolver": "names are resolved by the system's own resolver",
  "apisix.dns_resolver_valid": "names are resolved by the system's own resolver",
  "apisix.enable_admin_cors": "the admin API only shows what is there: see admin.listen",
  "apisix.enable_control": "admin.listen is where the gateway tells of itself",
  "apisix.enable_debug": "server.log_level says how much is logged",
  "apisix.enable_dev_mode": "server.workers says how many threads there are",
  "apisix.enable_http2": "server.http2 is on unless it is false",
  "apisix.enable_resolv_search_opt": "names are resolved by the system's own resolver",
  "apisix.enable_reuseport": "server.workers says how many threads there are",
  "apisix.enable_server_tokens": "answers do not name the gateway: see server.via",
  "apisix.events": "it is of APISIX's own processes",
  "apisix.extra_lua_cpath": "there is no Lua here: middleware of your own are modules, see use",
  "apisix.extra_lua_path": "there is no Lua here: middleware of your own are modules, see use",
  "apisix.lru": "it is of APISIX's own caches",
  "apisix.proxy_mode": "streams and routes are served where they are there",
  "apisix.resolver_timeout": "names are resolved by the system's own resolver",
  "apisix.status": "GET /healthz and /readyz of admin.listen tell whether it is ready",
  "apisix.worker_startup_time_threshold": "it is of APISIX's own processes",
  "deployment.admin": "the admin API only shows what is there: admin.listen, admin.token",
  "deployment.etcd": "routes are in a file here, and no store is asked",
  "nginx_config.enable_cpu_affinity": "it is of nginx's own processes",
  "nginx_config.envs": "every variable of the environment can be used: ${NAME}",
  "nginx_config.error_log": "what is not an access log goes to stderr",
  "nginx_config.error_log_level": "server.log_level says how much is logged",
  "nginx_config.event": "it is of nginx's own processes",
  "nginx_config.http.access_log": "server.access_log goes to stdout: json, combined or false",
  "nginx_config.http.access_log_buffer": "server.access_log goes to stdout",
  "nginx_config.http.access_log_format": "server.access_log has two forms: json and combined",
  "nginx_config.http.access_log_format_escape": "server.access_log has two forms: json and combined",
  "nginx_config.http.charset": "what an upstream answers is passed on as it is",
  "nginx_config.http.custom_lua_shared_dict": "there is no Lua here",
  "nginx_config.http.enable_access_log": "server.access_log: false turns it off",
  "nginx_config.http.lua_shared_dict": "there is no Lua here",
  "nginx_config.http.proxy_ssl_server_name":
    "upstream_tls.server_name names it; the host is sent unless that says otherwise",
  "nginx_config.http.variables_hash_max_size": "it is of nginx's own processes",
  "nginx_config.main_configuration_snippet": "it is a text of nginx's configuration",
  "nginx_config.max_pending_timers": "it is of nginx's own processes",
  "nginx_config.max_running_timers": "it is of nginx's own processes",
  "nginx_config.meta": "it is of nginx's own processes",
  "nginx_config.stream": "streams are not logged, and there is no Lua here",
  "nginx_config.user": "it is of nginx's own processes",
  "nginx_config.worker_processes":
    "server.workers: limits count in each worker, so one is kept unless you say otherwise",
  "nginx_config.worker_rlimit_core": "it is of nginx's own processes",
  "nginx_config.worker_rlimit_nofile": "the system's limit of open files holds",
  "nginx_config.worker_shutdown_timeout": "server.drain says how long requests under way may take at the end",
  "plugin_attr.prometheus": "GET /metrics of admin.listen, under names of its own",
  "plugin_attr.*": "plugins have no attributes of their own here",
  plugin_metadata: "plugins have no metadata here",
  protos: "nothing is translated into gRPC here",
  "routes.*.service_protocol": "the scheme of the upstream says what is spoken",
  secrets: "secrets are variables of the environment here: ${NAME}",
  stream_plugins: "streams have no plugins here",
};

const DIFFERENCES: Readonly<Record<string, string>> = {
  "apisix.lua_module_hook": "there is no Lua here: middleware of your own are modules, see use",
  "apisix.proxy_cache": "answers are not kept here",
  "apisix.proxy_protocol": "connections begin with the request here",
  "apisix.ssl.fallback_sni": "of server.tls the first certificate is for names that no other has",
  "apisix.ssl.listen.*.enable_http3": "HTTP/1.1 and HTTP/2 are spoken here, no HTTP/3",
  "apisix.ssl.listen.*.ip": "server.listen names the one address",
  "apisix.ssl.ssl_ciphers": "the runtime chooses the ciphers",
  "apisix.ssl.ssl_protocols": "the runtime chooses the versions of TLS",
  "apisix.ssl.ssl_session_tickets": "the runtime chooses how sessions are resumed",
  "apisix.ssl.ssl_trusted_certificate": "upstream_tls.ca_file names the authorities of upstreams",
  "discovery.*": "services are found in Kubernetes only: discovery.kubernetes",
  "ext-plugin": "plugins of other processes cannot be run: middleware of your own are modules, see use",
  graphql: "requests are not read as GraphQL here",
  "nginx_config.http.client_body_timeout": "server.limits.body_rate and body_window say how slow an upload may be",
  "nginx_config.http.client_header_timeout": "how long a head may take is not set here",
  "nginx_config.http.keepalive_timeout": "a kept connection without a request is closed after 75 s",
  "nginx_config.http.send_timeout": "timeouts.idle says how long a body may be silent",
  "plugin_attr.opentelemetry": "tracing.otlp_endpoint is where spans are sent",
  "plugin_attr.zipkin": "tracing.otlp_endpoint is where spans are sent, as OTLP",
  "plugin_attr.skywalking": "tracing.otlp_endpoint is where spans are sent, as OTLP",
  "*.*.plugins.gzip.*": "compress chooses what it compresses by the type of the answer",
  wasm: "WebAssembly filters cannot be run: middleware of your own are modules, see use",
  xrpc: "streams pass bytes through and read no protocol",
};

/** Of upstreams and what stands in them, wherever they are. */
const UPSTREAM: Readonly<Record<string, string>> = {
  "checks.active.concurrency": "each node is probed at its own time",
  "checks.active.https_verify_certificate": "a probe checks certificates as upstream_tls says",
  "checks.active.port": "a probe goes to the node's own port",
  "checks.active.req_headers": "a probe sends no headers of its own but health.active.host",
  hash_on: "it has no effect without type: chash",
  key: "it has no effect without type: chash",
  discovery_args: "services are found in Kubernetes only: discovery.kubernetes",
  "nodes.*.metadata": "nodes carry no data here",
};

const fits = (pattern: readonly string[], path: Path): boolean =>
  pattern.length <= path.length && pattern.every((part, index) => part === "*" || part === String(path[index]));

const found = (table: Readonly<Record<string, string>>, path: Path): string | undefined =>
  Object.entries(table).find(([pattern]) => fits(pattern.split("."), path))?.[1];

/** What comes nearest to a place that is not read; undefined: nothing does. */
export function nearestPlace(path: Path): Unread | undefined {
  const difference = found(DIFFERENCES, path);
  if (difference !== undefined) return { reason: difference, rank: "difference" };
  const trifle = found(TRIFLES, path);
  if (trifle !== undefined) return { reason: trifle, rank: "trifle" };
  const upstream = path.findLastIndex((key) => key === "upstream" || key === "upstreams");
  const below = path.slice(path[upstream] === "upstreams" ? upstream + 2 : upstream + 1);
  const reason = upstream === -1 ? undefined : found(UPSTREAM, below);
  return reason === undefined ? undefined : { reason, rank: "difference" };
}

const TRACING = "tracing.otlp_endpoint is where spans are sent, for all routes";
const LOG = "server.access_log is written to stdout, for all routes: another program can pass it on";

/** What comes nearest to a plugin that the gateway does not have; undefined: nothing. */
export function nearestPlugin(name: string): string | undefined {
  if (/logger$|^(?:loggly|syslog|splunk-hec-logging|google-cloud-logging|tencent-cloud-cls|lago)$/.test(name))
    return LOG;
  return Object.hasOwn(PLUGINS, name) ? PLUGINS[name] : undefined;
}

const PLUGINS: Readonly<Record<string, string>> = {
  "api-breaker": "health.passive leaves out a node whose connections fail",
  brotli: "compress makes gzip and deflate",
  csrf: "the middleware csrf compares origins, and has no tokens",
  datadog: "GET /metrics of the admin API has the counts",
  "fault-injection": "the demo can fail on purpose, the gateway cannot",
  "forward-auth": "a middleware of your own can ask: see use",
  "node-status": "GET /metrics of the admin API has the counts",
  "openid-connect": "the middleware jwk checks tokens of an issuer; sessions are not kept",
  opentelemetry: TRACING,
  "proxy-cache": "answers are not kept here; cache_control sets what caches may do",
  "proxy-control": "bodies are passed on as they come",
  "proxy-buffering": "bodies are passed on as they come",
  "request-validation": "a middleware of your own can read bodies: see use",
  "server-info": "GET /v1/version of the admin API tells of the server",
  skywalking: TRACING,
  "uri-blocker": "a route of its own for such paths can refuse: path with regex, ip_restriction",
  zipkin: TRACING,
};
