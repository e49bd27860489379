import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { showPath } from "../../../src/config/issues.ts";
import { imported } from "./support.ts";

/** The key, a value of it, and what becomes of it: "carried", or what its leftover says (a regular expression). */
type Row = readonly [key: string, value: unknown, becomes: string];

const NODES = { "127.0.0.1:1980": 1 };
const UPSTREAM = { type: "roundrobin", nodes: NODES };
const CARRIED = "carried";

/** Keys of a route; of the schema `route` in apisix/schema_def.lua. */
const ROUTE: readonly Row[] = [
  ["create_time", 1700000000, CARRIED],
  ["update_time", 1700000000, CARRIED],
  ["id", "1", CARRIED],
  ["uri", "/y", CARRIED],
  ["name", "shop", CARRIED],
  ["desc", "the shop", CARRIED],
  ["priority", 3, CARRIED],
  ["methods", ["GET"], CARRIED],
  ["host", "a.example.org", CARRIED],
  ["hosts", ["a.example.org"], CARRIED],
  ["remote_addr", "10.0.0.1", CARRIED],
  ["remote_addrs", ["10.0.0.0/8"], CARRIED],
  ["timeout", { connect: 1, send: 1, read: 1 }, CARRIED],
  ["vars", [["arg_a", "==", "1"]], CARRIED],
  ["filter_func", "function(vars) return true end", "left out.*filter_func is Lua code"],
  ["script", "return {}", "left out.*script is Lua code"],
  ["script_id", "1", "left out.*script_id is Lua code"],
  ["labels", { a: "b" }, CARRIED],
  ["service_id", "s", CARRIED],
  ["plugin_config_id", "c", CARRIED],
  ["upstream_id", "u", CARRIED],
  ["service_protocol", "http", "scheme of the upstream"],
  ["enable_websocket", true, CARRIED],
  ["status", 1, CARRIED],
  ["status", 0, "switched off"],
  ["unheard_of", 1, "nothing like it"],
];

/** Keys of an upstream; of the schema `upstream` there. */
const UPSTREAM_KEYS: readonly Row[] = [
  ["create_time", 1, CARRIED],
  ["update_time", 1, CARRIED],
  ["nodes", [{ host: "127.0.0.1", port: 80, weight: 1, priority: 1 }], CARRIED],
  ["nodes", [{ host: "127.0.0.1", port: 80, weight: 1, metadata: { a: 1 } }], "no data"],
  ["retries", 2, CARRIED],
  ["retry_timeout", 3, CARRIED],
  ["timeout", { connect: 1, send: 1, read: 1 }, CARRIED],
  ["tls", { client_cert: "c", client_key: "k" }, "upstream_tls.cert_file"],
  ["keepalive_pool", { size: 1, idle_timeout: 60, requests: 1000 }, CARRIED],
  ["type", "least_conn", CARRIED],
  ["type", "ewma", CARRIED],
  ["type", "custom", "no such way"],
  ["hash_on", "vars", "no effect without"],
  ["key", "remote_addr", "no effect without"],
  ["scheme", "https", CARRIED],
  ["scheme", "grpc", "scheme of its upstream is grpc"],
  ["discovery_args", { group_name: "g" }, "Kubernetes only"],
  ["pass_host", "node", CARRIED],
  ["upstream_host", "a.example.org", "no effect without pass_host: rewrite"],
  ["name", "n", CARRIED],
  ["desc", "d", CARRIED],
  ["labels", { a: "b" }, CARRIED],
  ["id", "1", CARRIED],
  ["checks.active.type", "http", CARRIED],
  ["checks.active.type", "tcp", "HTTP requests"],
  ["checks.active.timeout", 1, CARRIED],
  ["checks.active.concurrency", 10, "its own time"],
  ["checks.active.host", "a.example.org", CARRIED],
  ["checks.active.port", 80, "own port"],
  ["checks.active.http_path", "/status", CARRIED],
  ["checks.active.https_verify_certificate", false, "upstream_tls"],
  ["checks.active.req_headers", ["User-Agent: x"], "no headers of its own"],
  ["checks.active.healthy.interval", 1, CARRIED],
  ["checks.active.healthy.http_statuses", [200], CARRIED],
  ["checks.active.healthy.successes", 2, CARRIED],
  ["checks.active.unhealthy.interval", 1, CARRIED],
  ["checks.active.unhealthy.http_statuses", [500], CARRIED],
  ["checks.active.unhealthy.http_failures", 2, CARRIED],
  ["checks.active.unhealthy.tcp_failures", 2, CARRIED],
  ["checks.active.unhealthy.timeouts", 2, CARRIED],
  ["checks.passive.type", "http", CARRIED],
  ["checks.passive.healthy", { successes: 1 }, "answers do not count"],
  ["checks.passive.unhealthy.http_statuses", [500], "answers do not count"],
  ["checks.passive.unhealthy.http_failures", 2, "answers do not count"],
  ["checks.passive.unhealthy.tcp_failures", 2, CARRIED],
  ["checks.passive.unhealthy.timeouts", 2, CARRIED],
];

/** Keys of config.yaml; of conf/config.yaml.example. */
const CONFIG: readonly Row[] = [
  ["apisix.node_listen", 9080, CARRIED],
  ["apisix.node_listen", [{ ip: "127.0.0.2", port: 9082 }], CARRIED],
  ["apisix.enable_admin", true, "admin API only shows"],
  ["apisix.enable_dev_mode", false, "server.workers"],
  ["apisix.enable_reuseport", true, "server.workers"],
  ["apisix.show_upstream_status_in_response_header", true, CARRIED],
  ["apisix.enable_ipv6", true, "server.listen"],
  ["apisix.enable_http2", true, "server.http2"],
  ["apisix.proxy_protocol.listen_http_port", 9181, "begin with the request"],
  ["apisix.enable_server_tokens", true, "server.via"],
  ["apisix.extra_lua_path", "", "no Lua"],
  ["apisix.extra_lua_cpath", "", "no Lua"],
  ["apisix.lua_module_hook", "a.b", "no Lua"],
  ["apisix.proxy_cache.cache_ttl", "10s", "not kept"],
  ["apisix.delete_uri_tail_slash", false, CARRIED],
  ["apisix.delete_uri_tail_slash", true, "a slash at a path's end counts"],
  ["apisix.normalize_uri_like_servlet", true, "compared"],
  ["apisix.router.http", "radixtree_uri", CARRIED],
  ["apisix.router.ssl", "radixtree_sni", CARRIED],
  ["apisix.proxy_mode", "http", "where they are there"],
  ["apisix.stream_proxy.tcp", [9100], CARRIED],
  ["apisix.stream_proxy.udp", [9200], "streams are TCP"],
  ["apisix.dns_resolver", ["1.1.1.1"], "system's own resolver"],
  ["apisix.dns_resolver_valid", 30, "system's own resolver"],
  ["apisix.resolver_timeout", 5, "system's own resolver"],
  ["apisix.enable_resolv_search_opt", true, "system's own resolver"],
  ["apisix.ssl.enable", true, CARRIED],
  ["apisix.ssl.listen", [{ port: 9443 }], CARRIED],
  ["apisix.ssl.listen", [{ port: 9443, enable_http3: true }], "no HTTP/3"],
  ["apisix.ssl.ssl_trusted_certificate", "system", "upstream_tls.ca_file"],
  ["apisix.ssl.ssl_protocols", "TLSv1.2 TLSv1.3", "chooses the versions"],
  ["apisix.ssl.ssl_ciphers", "A", "chooses the ciphers"],
  ["apisix.ssl.ssl_session_tickets", false, "chooses how sessions"],
  ["apisix.ssl.fallback_sni", "a.example.org", "server.tls"],
  ["apisix.enable_control", true, "admin.listen"],
  ["apisix.control", { ip: "127.0.0.1", port: 9090 }, "admin.listen"],
  ["apisix.disable_sync_configuration_during_start", false, "before the gateway starts"],
  ["apisix.worker_startup_time_threshold", 60, "own processes"],
  ["apisix.data_encryption.keyring", ["qeddd145sfvddff3"], "NAME"],
  ["apisix.events.module", "lua-resty-events", "own processes"],
  ["apisix.status", { ip: "127.0.0.1", port: 7085 }, "/readyz"],
  ["apisix.trusted_addresses", ["127.0.0.1"], CARRIED],
  ["apisix.lru.secret.ttl", 300, "own caches"],
  ["nginx_config.user", "root", "own processes"],
  ["nginx_config.error_log", "logs/error.log", "stderr"],
  ["nginx_config.error_log_level", "warn", "server.log_level"],
  ["nginx_config.worker_processes", 4, "server.workers"],
  ["nginx_config.enable_cpu_affinity", false, "own processes"],
  ["nginx_config.worker_rlimit_nofile", 20480, "open files"],
  ["nginx_config.worker_shutdown_timeout", "240s", "server.drain"],
  ["nginx_config.max_pending_timers", 1, "own processes"],
  ["nginx_config.event.worker_connections", 10620, "own processes"],
  ["nginx_config.envs", ["A"], "NAME"],
  ["nginx_config.meta.lua_shared_dict", { a: "1m" }, "own processes"],
  ["nginx_config.stream.enable_access_log", false, "not logged"],
  ["nginx_config.main_configuration_snippet", "user root;", "nginx's configuration"],
  ["nginx_config.http_configuration_snippet", "# nothing", CARRIED],
  ["nginx_config.http_configuration_snippet", "gzip on;", "nginx's configuration$"],
  ["nginx_config.http_server_configuration_snippet", "deny all;", "all routes are shut"],
  ["nginx_config.http.enable_access_log", true, "server.access_log"],
  ["nginx_config.http.access_log", "logs/access.log", "server.access_log"],
  ["nginx_config.http.access_log_buffer", 16384, "server.access_log"],
  ["nginx_config.http.access_log_format", "x", "server.access_log"],
  ["nginx_config.http.access_log_format_escape", "json", "server.access_log"],
  ["nginx_config.http.keepalive_timeout", "60s", "75 s"],
  ["nginx_config.http.client_header_timeout", "60s", "head"],
  ["nginx_config.http.client_body_timeout", "60s", "body_rate"],
  ["nginx_config.http.client_max_body_size", "10m", CARRIED],
  ["nginx_config.http.send_timeout", "10s", "timeouts.idle"],
  ["nginx_config.http.underscores_in_headers", "on", CARRIED],
  ["nginx_config.http.real_ip_header", "X-Forwarded-For", CARRIED],
  ["nginx_config.http.real_ip_recursive", "off", CARRIED],
  ["nginx_config.http.real_ip_from", ["127.0.0.1", "unix:"], CARRIED],
  ["nginx_config.http.proxy_ssl_server_name", true, "server_name"],
  ["nginx_config.http.upstream.keepalive", 320, CARRIED],
  ["nginx_config.http.upstream.keepalive_requests", 1000, CARRIED],
  ["nginx_config.http.upstream.keepalive_timeout", "60s", CARRIED],
  ["nginx_config.http.charset", "utf-8", "as it is"],
  ["nginx_config.http.variables_hash_max_size", 2048, "own processes"],
  ["nginx_config.http.lua_shared_dict", { a: "1m" }, "no Lua"],
  ["nginx_config.http.custom_lua_shared_dict", { a: "1m" }, "no Lua"],
  ["discovery.kubernetes.service.schema", "https", CARRIED],
  ["discovery.kubernetes.service.host", "10.0.0.1", CARRIED],
  ["discovery.kubernetes.service.port", "6443", CARRIED],
  ["discovery.kubernetes.client.token", "t", CARRIED],
  ["discovery.kubernetes.client.token_file", "/t", CARRIED],
  ["discovery.kubernetes.namespace_selector.equal", "default", CARRIED],
  ["discovery.kubernetes.namespace_selector.not_equal", "default", CARRIED],
  ["discovery.kubernetes.namespace_selector.match", ["default"], CARRIED],
  ["discovery.kubernetes.namespace_selector.not_match", ["default"], CARRIED],
  ["discovery.kubernetes.label_selector", "a=b", CARRIED],
  ["discovery.kubernetes.default_weight", 50, CARRIED],
  ["discovery.kubernetes.watch_endpoint_slices", true, CARRIED],
  ["discovery.kubernetes.shared_size", "1m", CARRIED],
  ["discovery.dns.servers", ["127.0.0.1:8600"], "Kubernetes only"],
  ["discovery.eureka.host", ["http://127.0.0.1:8761"], "Kubernetes only"],
  ["discovery.nacos.host", ["http://127.0.0.1:8848"], "Kubernetes only"],
  ["discovery.consul.servers", ["http://127.0.0.1:8500"], "Kubernetes only"],
  ["discovery.consul_kv.servers", ["http://127.0.0.1:8500"], "Kubernetes only"],
  ["graphql.max_size", 1, "GraphQL"],
  ["ext-plugin.cmd", ["ls"], "other processes"],
  ["plugins", ["cors"], CARRIED],
  ["stream_plugins", ["ip-restriction"], "streams have no plugins"],
  ["wasm.plugins", [{ name: "w" }], "WebAssembly"],
  ["xrpc.protocols", [{ name: "p" }], "read no protocol"],
  ["plugin_attr.log-rotate.interval", 1, "no attributes"],
  ["plugin_attr.skywalking.service_name", "a", "otlp_endpoint"],
  ["plugin_attr.opentelemetry.collector.address", "127.0.0.1:4318", "otlp_endpoint"],
  ["plugin_attr.prometheus.export_addr", { ip: "127.0.0.1", port: 9091 }, "/metrics"],
  ["plugin_attr.redirect.https_port", 8443, CARRIED],
  ["plugin_attr.zipkin.set_ngx_var", false, "otlp_endpoint"],
  ["deployment.role", "traditional", CARRIED],
  ["deployment.role", "control_plane", "no control plane"],
  ["deployment.role_traditional.config_provider", "yaml", CARRIED],
  ["deployment.role_data_plane.config_provider", "yaml", CARRIED],
  ["deployment.role_data_plane.config_provider", "etcd", "in a file"],
  ["deployment.admin.admin_key", [{ name: "admin", key: "", role: "admin" }], "admin.token"],
  ["deployment.etcd.host", ["http://127.0.0.1:2379"], "no store"],
];

/** Sections of a standalone file. */
const SECTIONS: readonly Row[] = [
  ["services", [{ id: "x", plugins: {} }], "no route uses it"],
  ["upstreams", [{ id: "x", nodes: NODES }], "no route uses it"],
  ["plugin_configs", [{ id: "x", plugins: {} }], "no route uses it"],
  ["consumers", [{ username: "a", plugins: { "key-auth": { key: "k" } } }], "no route asks"],
  ["consumer_groups", [{ id: "g", plugins: {} }], "no consumer is in it"],
  ["global_rules", [{ id: "1", plugins: { cors: {} } }], CARRIED],
  ["ssls", [{ id: "1", sni: "a", cert: "c", key: "k" }], "server.tls"],
  ["stream_routes", [{ id: "1", server_port: 9100, upstream: UPSTREAM }], CARRIED],
  ["stream_routes", [{ id: "1", server_port: 9100, upstream: { ...UPSTREAM, retries: 3 } }], CARRIED],
  ["stream_routes", [{ id: "1", server_port: 9100, remote_addr: "10.0.0.1", upstream: UPSTREAM }], "left out"],
  [
    "stream_routes",
    [{ id: "1", server_port: 9100, plugins: { "ip-restriction": { whitelist: [] } }, upstream: UPSTREAM }],
    "may refuse connections",
  ],
  ["plugin_metadata", [{ id: "http-logger" }], "no metadata"],
  ["secrets", [{ id: "vault/1" }], "NAME"],
  ["protos", [{ id: "1", content: "x" }], "gRPC"],
];

/** A plugin with a configuration, whether its route takes requests then, and what its leftover says; "carried": none. */
type PluginRow = readonly [name: string, conf: object, becomes: "open" | "shut", says: string];

const KEYS = { "key-auth": { key: "k" }, "basic-auth": { username: "u", password: "p" } };
const CREDENTIALS = { ...KEYS, "jwt-auth": { key: "j", secret: "a secret of enough length" } };

/** The plugins of conf/config.yaml.example. */
const PLUGINS: readonly PluginRow[] = [
  ["real-ip", { source: "http_x_real_ip" }, "open", "server.trusted_proxies"],
  ["ai", {}, "shut", "no such plugin"],
  ["client-control", { max_body_size: 1 }, "open", CARRIED],
  ["proxy-control", { request_buffering: false }, "open", "as they come"],
  ["request-id", { header_name: "X-A", include_in_response: true }, "open", CARRIED],
  ["zipkin", { endpoint: "http://127.0.0.1" }, "open", "otlp_endpoint"],
  ["skywalking", {}, "open", "otlp_endpoint"],
  ["opentelemetry", {}, "open", "otlp_endpoint"],
  ["ext-plugin-pre-req", {}, "shut", "no such plugin"],
  ["fault-injection", { abort: { http_status: 403 } }, "shut", "no such plugin"],
  ["mocking", { response_example: "x" }, "shut", "no such plugin"],
  ["serverless-pre-function", { functions: [] }, "shut", "no such plugin"],
  ["batch-requests", {}, "shut", "no such plugin"],
  ["cors", { allow_origins: "*", allow_methods: "*", allow_headers: "*", max_age: 5 }, "open", CARRIED],
  ["ip-restriction", { whitelist: ["10.0.0.0/8"] }, "open", CARRIED],
  ["ua-restriction", { denylist: ["x"] }, "shut", "no such plugin"],
  ["referer-restriction", { whitelist: ["x"] }, "shut", "no such plugin"],
  ["csrf", { key: "k" }, "shut", "middleware csrf"],
  ["uri-blocker", { block_rules: ["x"] }, "shut", "path with regex"],
  ["request-validation", {}, "shut", "can read bodies"],
  ["chaitin-waf", {}, "shut", "no such plugin"],
  ["multi-auth", {}, "shut", "no such plugin"],
  ["openid-connect", {}, "shut", "jwk"],
  ["cas-auth", {}, "shut", "no such plugin"],
  ["authz-casbin", {}, "shut", "no such plugin"],
  ["authz-casdoor", {}, "shut", "no such plugin"],
  ["wolf-rbac", {}, "shut", "no such plugin"],
  ["ldap-auth", {}, "shut", "no such plugin"],
  ["hmac-auth", {}, "shut", "no such plugin"],
  ["basic-auth", { hide_credentials: true }, "open", CARRIED],
  ["jwt-auth", { header: "a", query: "b", cookie: "c" }, "open", CARRIED],
  ["jwe-decrypt", {}, "shut", "no such plugin"],
  ["key-auth", { header: "a", query: "b", hide_credentials: true }, "open", CARRIED],
  ["consumer-restriction", { whitelist: ["a"] }, "open", CARRIED],
  ["consumer-restriction", { type: "service_id", whitelist: ["a"] }, "shut", "names only"],
  ["attach-consumer-label", {}, "open", "no such plugin"],
  ["forward-auth", {}, "shut", "see use"],
  ["opa", {}, "shut", "no such plugin"],
  ["authz-keycloak", {}, "shut", "no such plugin"],
  ["proxy-cache", {}, "open", "not kept"],
  ["body-transformer", {}, "open", "no such plugin"],
  ["ai-prompt-guard", {}, "shut", "no such plugin"],
  ["ai-proxy", {}, "shut", "no such plugin"],
  ["ai-rate-limiting", {}, "open", "open without it"],
  ["proxy-mirror", {}, "open", "no such plugin"],
  ["proxy-rewrite", { uri: "/y", method: "GET", host: "h", headers: { set: { a: "b" } } }, "open", CARRIED],
  ["proxy-rewrite", { uri: "/$upstream_addr" }, "shut", "cannot be carried over"],
  ["workflow", { rules: [] }, "shut", "no such plugin"],
  ["api-breaker", {}, "open", "health.passive"],
  ["limit-conn", { conn: 1, burst: 0, key: "remote_addr" }, "open", CARRIED],
  ["limit-conn", { conn: 1, burst: 0, key: "upstream_addr" }, "open", "open without it"],
  ["limit-count", { count: 1, time_window: 60, key: "remote_addr", group: "g" }, "open", CARRIED],
  ["limit-req", { rate: 1, burst: 1, key: "remote_addr", nodelay: true }, "open", CARRIED],
  ["gzip", { min_length: 20 }, "open", CARRIED],
  ["brotli", {}, "open", "gzip"],
  ["traffic-split", { rules: [{ weighted_upstreams: [{ weight: 1 }] }] }, "open", CARRIED],
  ["redirect", { uri: "/y", ret_code: 302, append_query_string: true }, "open", CARRIED],
  ["redirect", { http_to_https: true }, "open", CARRIED],
  ["response-rewrite", { headers: { add: ["a: b"], set: { c: "d" }, remove: ["e"] } }, "open", CARRIED],
  ["response-rewrite", { body: "x" }, "open", "only headers"],
  ["public-api", {}, "shut", "no such plugin"],
  ["prometheus", {}, "open", CARRIED],
  ["datadog", {}, "open", "/metrics"],
  ["echo", { body: "x" }, "open", "no such plugin"],
  ["http-logger", { uri: "http://127.0.0.1" }, "open", "access_log"],
  ["file-logger", { path: "/x" }, "open", "access_log"],
  ["inspect", {}, "open", "no such plugin"],
  ["aws-lambda", {}, "shut", "no such plugin"],
  ["ext-plugin-post-resp", {}, "shut", "no such plugin"],
  ["my-own-plugin", {}, "shut", "no such plugin"],
];

/** A mapping with a value under a path of keys. */
function under(object: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): object {
  if (rest.length === 0) return { ...object, [key!]: value };
  return { ...object, [key!]: under((object[key!] ?? {}) as Record<string, unknown>, rest, value) };
}

const touches = (path: string, place: string): boolean =>
  path === place ||
  (path.startsWith(place) && /^[.[]/.test(path.slice(place.length))) ||
  (place.startsWith(path) && /^[.[]/.test(place.slice(path.length)));

function verifyRow(content: object, place: string, becomes: string): void {
  const { leftovers, faults } = imported([{ name: "a.yaml", content: JSON.stringify(content) }]);
  assertEquals(faults, []);
  const here = leftovers.filter(({ path }) => touches(path, place)).map(({ message }) => message);
  if (becomes === CARRIED) assertEquals(here, []);
  else {
    assert(here.length > 0, `${place} is not told`);
    assertMatch(here.join("\n"), new RegExp(becomes));
  }
}

/** A file in which every key that refers to something finds it. */
const SHARED = {
  services: [{ id: "s", upstream: UPSTREAM }],
  upstreams: [{ id: "u", ...UPSTREAM }],
  plugin_configs: [{ id: "c", plugins: {} }],
};

const nameOf = ([key, value, becomes]: Row): string => `${key} ${JSON.stringify(value)}: ${becomes}`;

describe("what becomes of every key of APISIX's", () => {
  for (const row of ROUTE) {
    test(`routes[].${nameOf(row)}`, () => {
      const [key, value, becomes] = row;
      const route = { uri: "/x", ...(key === "upstream_id" ? {} : { upstream: UPSTREAM }), [key]: value };
      verifyRow({ ...SHARED, routes: [route] }, showPath(["routes", 0, key]), becomes);
    });
  }
  for (const row of UPSTREAM_KEYS) {
    test(`upstream.${nameOf(row)}`, () => {
      const [key, value, becomes] = row;
      const upstream = under({ ...UPSTREAM }, key.split("."), value);
      verifyRow({ routes: [{ uri: "/x", upstream }] }, showPath(["routes", 0, "upstream", ...key.split(".")]), becomes);
    });
  }
  for (const row of CONFIG) {
    test(nameOf(row), () => {
      const [key, value, becomes] = row;
      verifyRow(
        under({ routes: [{ uri: "/x", upstream: UPSTREAM }] }, key.split("."), value),
        showPath(key.split(".")),
        becomes,
      );
    });
  }
  for (const [name, conf, becomes, says] of PLUGINS) {
    test(`plugins.${name} ${JSON.stringify(conf)}: ${says}, and its route is ${becomes}`, () => {
      const content = {
        routes: [{ uri: "/x", upstream: UPSTREAM, plugins: { [name]: conf } }],
        consumers: [{ username: "a", plugins: CREDENTIALS }],
      };
      verifyRow(content, `routes[0].plugins.${name}`, says);
      const { summary } = imported([{ name: "a.yaml", content: JSON.stringify(content) }]);
      assertEquals(summary.shut, becomes === "shut" ? 1 : 0);
    });
  }
  for (const row of SECTIONS) {
    test(nameOf(row), () => {
      const [key, value, becomes] = row;
      verifyRow({ routes: [{ uri: "/x", upstream: UPSTREAM }], [key]: value }, showPath([key]), becomes);
    });
  }
});
