import { sign } from "hono/jwt";

/** What is asked of a gateway that serves an imported configuration, and what has to come. */
export interface Ask {
  /** Method and target. */
  readonly ask: string;
  readonly host?: string;
  readonly headers?: Record<string, string> | (() => Promise<Record<string, string>>);
  readonly body?: string;
  /** The status; 200 unless said otherwise. */
  readonly status?: number;
  /** The port of the fixture's node that answers, or several that may. */
  readonly from?: number | readonly number[];
  readonly target?: string;
  readonly method?: string;
  /** Headers the node got; null: it did not. */
  readonly sent?: Record<string, string | null>;
  /** Headers of the answer; null: not there. */
  readonly answers?: Record<string, string | null>;
  /** The words of a refusal. */
  readonly detail?: string;
}

export interface Case {
  /** Places that are told as not carried over, in the order of the files. */
  readonly left: readonly string[];
  readonly asks: readonly Ask[];
}

const times = (count: number, one: Ask): Ask[] => Array.from({ length: count }, () => one);
const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });
const from = (address: string) => ({ "x-forwarded-for": address });

/** Each fixture with what its original's documentation says of it. */
export const CASES: Readonly<Record<string, Case>> = {
  "first-route": {
    left: [],
    asks: [
      { ask: "GET /ip", from: 1980, target: "/ip" },
      { ask: "POST /ip?x=1", from: 1980, target: "/ip?x=1", method: "POST" },
      { ask: "GET /ip/", status: 404 },
      { ask: "GET /ip/x", status: 404 },
    ],
  },
  paths: {
    left: [],
    asks: [
      { ask: "GET /foo/bar", from: 1982 },
      { ask: "GET /foo/baz", from: 1982 },
      { ask: "GET /foo/bar/x", from: 1983 },
      { ask: "GET /foo/", from: 1983 },
      { ask: "GET /foo", from: 1981 },
      { ask: "GET /foobar", from: 1981 },
      { ask: "GET /fo", from: 1980 },
      { ask: "GET /", from: 1980 },
    ],
  },
  hosts: {
    left: [],
    asks: [
      { ask: "GET /admin/x", host: "shop.example.org", from: 1980 },
      { ask: "GET /", host: "SHOP.example.org:8080", from: 1980 },
      { ask: "GET /", host: "a.b.example.org", from: 1981 },
      { ask: "GET /", host: "example.net", from: 1981 },
      { ask: "GET /", host: "example.org", status: 404 },
      { ask: "GET /admin/x", host: "example.com", from: 1982 },
    ],
  },
  "uri-router": {
    left: [],
    asks: [
      { ask: "GET /cart/1", host: "shop.example.org", from: 1981 },
      { ask: "GET /x", host: "shop.example.org", from: 1980 },
      { ask: "GET /cart/1", host: "vip.example.org", from: 1982 },
      { ask: "GET /x", host: "vip.example.org", status: 404 },
    ],
  },
  "path-parameters": {
    left: [],
    asks: [
      { ask: "GET /blog/dog", from: 1980 },
      { ask: "GET /blog/about", from: 1982 },
      { ask: "GET /blog/dog/comments/7", from: 1981 },
      { ask: "GET /blog/", status: 404 },
      { ask: "GET /blog/dog/x", status: 404 },
    ],
  },
  vars: {
    left: ["routes[5]"],
    asks: [
      { ask: "GET /v/a?version=2", headers: { "x-env": "canary" }, from: 1981 },
      { ask: "GET /v/a?version=4", headers: { "x-env": "canary" }, status: 404 },
      { ask: "GET /v/a?version=2", headers: { "x-env": "prod" }, status: 404 },
      { ask: "GET /either", headers: { cookie: "a=b; beta=1" }, from: 1982 },
      { ask: "GET /either", headers: { "user-agent": "Staff/12" }, from: 1982 },
      { ask: "GET /either", headers: { "user-agent": "Other", cookie: "beta=2" }, status: 404 },
      { ask: "GET /people", headers: { "user-agent": "Firefox" }, from: 1980 },
      { ask: "GET /people", headers: { "user-agent": "somebot" }, status: 404 },
      { ask: "GET /people?raw=1", headers: { "user-agent": "Firefox" }, status: 404 },
      { ask: "GET /v/item-12?version=2", headers: { "x-env": "canary" }, from: 1983 },
      { ask: "GET /v/item-x", status: 404 },
      { ask: "PUT /w", from: 1980 },
      { ask: "GET /w", status: 404 },
      { ask: "GET /age?age=30", status: 403 },
    ],
  },
  "methods-and-status": {
    left: ["routes[2]"],
    asks: [
      { ask: "GET /items", from: 1980 },
      { ask: "POST /items", from: 1981 },
      { ask: "DELETE /items", status: 404 },
      { ask: "GET /old", status: 404 },
    ],
  },
  "shared-objects": {
    left: ["upstreams[2]", "routes[3]"],
    asks: [
      { ask: "GET /a", host: "shop.example.org", from: 1980, answers: { "x-from": "service" } },
      { ask: "GET /a", host: "other.example.org", status: 404 },
      { ask: "GET /b", host: "shop.example.org", from: 1981, answers: { "x-from": "plugin-config" } },
      { ask: "GET /c", host: "shop.example.org", from: 1980, answers: { "x-from": "route" } },
      { ask: "GET /d", status: 403 },
    ],
  },
  weights: {
    left: [],
    asks: [
      ...times(8, { ask: "GET /weighted", from: [1980, 1981] }),
      { ask: "GET /least", from: [1980, 1981] },
      { ask: "GET /ewma", from: 1982 },
    ],
  },
  "consistent-hash": { left: [], asks: [{ ask: "GET /address", from: [1980, 1981] }] },
  "pass-host": {
    left: [],
    asks: [
      { ask: "GET /pass", host: "client.example.org", sent: { host: "client.example.org" } },
      { ask: "GET /node", host: "client.example.org", sent: { host: "127.0.0.1:1980" } },
      { ask: "GET /rewrite", host: "client.example.org", sent: { host: "app.internal" } },
    ],
  },
  "timeouts-and-retries": {
    left: [],
    asks: [
      { ask: "GET /slow", status: 504 },
      ...times(4, { ask: "GET /retry", from: 1980 }),
      { ask: "GET /once", status: 502 },
    ],
  },
  "health-checks": {
    left: [
      "routes[0].upstream.checks.passive.healthy",
      "routes[0].upstream.checks.passive.unhealthy.http_statuses",
      "routes[0].upstream.checks.passive.unhealthy.http_failures",
    ],
    asks: [],
  },
  "proxy-rewrite": {
    left: ["routes[2].plugins.proxy-rewrite.headers.X-Time"],
    asks: [
      {
        ask: "GET /test/index.html?q=1",
        headers: { "x-api-useless": "1", "x-tag": "own" },
        target: "/test/home.html?q=1",
        sent: {
          host: "inner.example.org",
          "x-api-version": "v1",
          "x-api-engine": "podway",
          "x-api-useless": null,
          "x-tag": "own, added",
        },
      },
      { ask: "GET /iresty/a/b/c?d", target: "/a-b-c?d" },
      { ask: "GET /iresty/a", target: "/iresty/a" },
      {
        ask: "GET /flat",
        headers: { "x-gone": "1" },
        method: "POST",
        sent: { "x-a": "1", "x-gone": null, "x-client": "127.0.0.1 /flat" },
      },
    ],
  },
  "response-rewrite": {
    left: ["routes[1].plugins.response-rewrite.status_code", "routes[1].plugins.response-rewrite.body"],
    asks: [
      { ask: "GET /shaped", answers: { "x-server-status": "on", "x-list": "0, a", "x-powered-by": null } },
      { ask: "GET /answered", from: 1980 },
    ],
  },
  redirects: {
    left: [],
    asks: [
      { ask: "GET /test/index.html?a=1", status: 301, answers: { location: "/test/default.html" } },
      { ask: "GET /test?a=1", status: 301, answers: { location: "/test/index.html" } },
      { ask: "GET /moved/x?a=1", status: 302, answers: { location: "https://new.example.org/moved/x?a=1" } },
      { ask: "GET /with-query?a=1", status: 302, answers: { location: "/target?a=1" } },
      { ask: "GET /iresty/12/ab", status: 308, answers: { location: "/ab/12" } },
      { ask: "GET /iresty/ab/12", from: 1981 },
      { ask: "GET /secure?x", host: "a.test", status: 301, answers: { location: "https://a.test:9443/secure?x" } },
      { ask: "POST /secure", host: "a.test", status: 308, answers: { location: "https://a.test:9443/secure" } },
    ],
  },
  cors: {
    left: [],
    asks: [
      { ask: "GET /open", headers: { origin: "https://any.test" }, answers: { "access-control-allow-origin": "*" } },
      {
        ask: "OPTIONS /open",
        headers: { origin: "https://any.test", "access-control-request-method": "PUT" },
        status: 204,
        answers: { "access-control-allow-methods": "*", "access-control-max-age": "5" },
      },
      {
        ask: "GET /some",
        headers: { origin: "https://two.example.org" },
        answers: {
          "access-control-allow-origin": "https://two.example.org",
          "access-control-allow-credentials": "true",
          "access-control-expose-headers": "x-total",
        },
      },
      { ask: "GET /some", headers: { origin: "https://x.test" }, answers: { "access-control-allow-origin": null } },
      {
        ask: "OPTIONS /some",
        headers: { origin: "https://one.example.org", "access-control-request-method": "POST" },
        status: 204,
        answers: { "access-control-allow-methods": "GET,POST", "access-control-allow-headers": "x-token,content-type" },
      },
      {
        ask: "GET /pattern",
        headers: { origin: "https://a.example.net" },
        answers: { "access-control-allow-origin": "https://a.example.net" },
      },
      { ask: "GET /pattern", headers: { origin: "https://a.test" }, answers: { "access-control-allow-origin": null } },
    ],
  },
  addresses: {
    left: ["routes[1].plugins.ip-restriction.message"],
    asks: [
      { ask: "GET /allowed", headers: from("192.0.2.5"), from: 1980 },
      { ask: "GET /allowed", headers: from("2001:db8::1"), from: 1980 },
      { ask: "GET /allowed", headers: from("198.51.100.1"), status: 403 },
      { ask: "GET /allowed", status: 403 },
      { ask: "GET /denied", headers: from("192.0.2.7"), status: 403 },
      { ask: "GET /denied", headers: from("192.0.2.8"), from: 1980 },
      { ask: "GET /from", headers: from("192.0.2.8"), from: 1980 },
      { ask: "GET /from", headers: from("198.51.100.1"), status: 403 },
      { ask: "POST /from", headers: from("192.0.2.8"), body: "x".repeat(1025), status: 413 },
    ],
  },
  "limit-count": {
    left: [
      "routes[1].plugins.limit-count.policy",
      "routes[1].plugins.limit-count.redis_host",
      "routes[1].plugins.limit-count.redis_password",
    ],
    asks: [
      { ask: "GET /quota", from: 1980, answers: { "x-ratelimit-limit": "2", "x-ratelimit-remaining": "1" } },
      { ask: "GET /quota", from: 1980, answers: { "x-ratelimit-remaining": "0" } },
      { ask: "GET /quota", status: 429, detail: "too many" },
      { ask: "GET /by-header", headers: { "x-user": "a" }, from: 1980 },
      { ask: "GET /by-header", headers: { "x-user": "b" }, from: 1980 },
      { ask: "GET /by-header", headers: { "x-user": "a" }, status: 503 },
      { ask: "GET /by-both", headers: { "x-user": "a" }, from: 1980, answers: { "x-ratelimit-limit": null } },
      { ask: "GET /by-both", headers: { "x-user": "b" }, from: 1980 },
      { ask: "GET /by-both", headers: { "x-user": "a" }, status: 503 },
    ],
  },
  "limit-req": {
    left: [],
    asks: [
      { ask: "GET /strict", from: 1980 },
      { ask: "GET /strict", status: 429 },
      ...times(2, { ask: "GET /burst", from: 1980 }),
      { ask: "GET /burst", status: 503 },
    ],
  },
  "limit-conn": { left: ["routes[0].plugins.limit-conn.default_conn_delay"], asks: [{ ask: "GET /slow", from: 1980 }] },
  "key-auth": {
    left: ["consumers[2]"],
    asks: [
      { ask: "GET /default", status: 401 },
      { ask: "GET /default", headers: { apikey: "wrong" }, status: 401 },
      {
        ask: "GET /default",
        headers: { apikey: "auth-one" },
        sent: { "x-consumer-username": "jack", apikey: "auth-one" },
      },
      {
        ask: "GET /default?apikey=rose-key",
        sent: { "x-consumer-username": "rose" },
        target: "/default?apikey=rose-key",
      },
      { ask: "GET /own-names", headers: { apikey: "auth-one" }, status: 401 },
      { ask: "GET /own-names", headers: { authorization: "auth-one" }, sent: { authorization: null } },
      { ask: "GET /own-names?a=b&k=auth-one", target: "/own-names?a=b" },
      { ask: "GET /only-rose", headers: { apikey: "auth-one" }, status: 403 },
      { ask: "GET /only-rose", headers: { apikey: "rose-key" }, from: 1980 },
    ],
  },
  "basic-auth": {
    left: [],
    asks: [
      { ask: "GET /anything", headers: basic("john:john-key"), sent: { "x-consumer-username": "johndoe" } },
      { ask: "GET /anything", headers: basic("jane:jane-key"), sent: { "x-consumer-username": "jane" } },
      { ask: "GET /anything", headers: basic("john:wrong"), status: 401 },
      { ask: "GET /anything", status: 401, answers: { "www-authenticate": 'Basic realm="basic"' } },
      { ask: "GET /hidden", headers: basic("john:john-key"), sent: { authorization: null } },
    ],
  },
  "jwt-auth": {
    left: [],
    asks: [
      {
        ask: "GET /jwt",
        headers: async () => ({ authorization: await sign({ key: "jack-key" }, "jack-hs256-secret", "HS256") }),
        sent: { "x-consumer-username": "jack" },
      },
      {
        ask: "GET /jwt",
        headers: async () => ({ cookie: `jwt=${await sign({ key: "rose-key" }, "rose-secret", "HS512")}` }),
        sent: { "x-consumer-username": "rose" },
      },
      {
        ask: "GET /jwt",
        headers: async () => ({ authorization: await sign({ key: "jack-key", exp: 1 }, "jack-hs256-secret", "HS256") }),
        status: 401,
      },
      { ask: "GET /jwt?jwt=no.token.here", status: 401 },
      { ask: "GET /jwt", status: 401 },
    ],
  },
  canary: { left: [], asks: [{ ask: "GET /headers", from: [1980, 1981] }] },
  "blue-green": {
    left: [],
    asks: [
      { ask: "GET /headers", from: 1980 },
      { ask: "GET /headers", headers: { release: "new_release" }, from: 1981 },
      { ask: "GET /headers?release=new_release", headers: { "x-staff": "yes" }, from: 1981 },
      { ask: "GET /headers?release=new_release", from: 1980 },
      { ask: "GET /headers", headers: { release: "old_release" }, from: 1982 },
      { ask: "GET /headers?release=new_release", headers: { "x-staff": "yes", release: "old_release" }, from: 1981 },
    ],
  },
  "global-rules": {
    left: ["global_rules[0].plugins.prometheus.prefer_name"],
    asks: [
      {
        ask: "GET /one",
        headers: { "x-request-id": "mine-1" },
        from: 1980,
        answers: { "x-gateway": "global", "x-request-id": "mine-1" },
      },
      { ask: "GET /two", from: 1981, answers: { "x-gateway": "global", "x-own": "route" } },
      { ask: "GET /one", headers: from("192.0.2.66"), status: 403 },
      { ask: "GET /one", headers: from("192.0.2.67"), from: 1980 },
    ],
  },
  json: {
    left: [],
    asks: [
      { ask: "GET /hello", from: 1980 },
      { ask: "POST /world/x", body: "1234", from: 1980 },
      { ask: "POST /world/x", body: "12345", status: 413 },
      { ask: "GET /world/x", headers: { "accept-encoding": "gzip" }, answers: { "content-encoding": "gzip" } },
    ],
  },
  guarded: {
    left: [
      "routes[0].plugins.openid-connect",
      "routes[1].plugins.http-logger",
      "routes[1].plugins.serverless-pre-function",
      "routes[2]",
      "routes[3].plugins.key-auth",
    ],
    asks: [
      { ask: "GET /private/x", status: 403 },
      { ask: "GET /public/x", status: 403 },
      { ask: "GET /lua", status: 403 },
      { ask: "GET /keys", status: 403 },
    ],
  },
  "kubernetes-single": {
    left: ["routes[4]"],
    asks: [
      { ask: "GET /shop", from: 1980 },
      { ask: "GET /metrics", from: 1981 },
      { ask: "GET /hidden", status: 503 },
      { ask: "GET /unlabelled", status: 503 },
      { ask: "GET /nacos", status: 403 },
    ],
  },
  "kubernetes-multi": {
    left: [],
    asks: [
      { ask: "GET /release", from: 1980 },
      { ask: "GET /debug", from: 1981 },
    ],
  },
  streams: {
    left: ["stream_routes[1]", "apisix.stream_proxy.udp[0]"],
    asks: [],
  },
  certificates: {
    left: [
      "ssls[0]",
      "routes[0].upstream.tls",
      "routes[1]",
      "plugin_metadata",
      "apisix.node_listen[1]",
      "apisix.ssl.listen[0].enable_http3",
      "deployment.role_traditional.config_provider",
      "deployment.etcd",
    ],
    asks: [{ ask: "GET /rpc", status: 403 }],
  },
};
