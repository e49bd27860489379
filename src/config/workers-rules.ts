import { fault, type Place, placeAt, placesIn, present, type Rules, under, valueFault, warn } from "./rules.ts";
import { checkWithoutThreads } from "./threads-rules.ts";

/** Why a key cannot be kept on Cloudflare Workers; the sentences go on after the key's path. */
const FILE = "names a file, and Workers has none";
const TLS = "is not available on Workers: a binding (Workers VPC or a service) decides whom its TLS trusts";
const NO_LISTENER = "is not available on Workers: Cloudflare's edge accepts the connections";

const NO_TRACING =
  "is not available on Workers: spans are sent in batches after the request, when nothing runs there; Cloudflare's own tracing (observability in wrangler.toml) sends them";

/** Keys of `discovery.kubernetes` by where they stand under a cluster. */
const CLUSTER_KEYS: readonly (readonly [under: string | undefined, keys: Readonly<Record<string, string>>])[] = [
  [undefined, { snapshot_file: `${FILE}: bind the Durable Object SnapshotHolder to keep a shared snapshot` }],
  ["service", { ca_file: `${FILE}: ${TLS.split(": ")[1]}`, server_name: TLS }],
  [
    "client",
    {
      token_file: `${FILE}: write token: \${NAME} and set it with \`wrangler secret put NAME\``,
      cert_file: `${FILE}: bind an mTLS certificate as the APISERVER fetcher`,
      key_file: `${FILE}: bind an mTLS certificate as the APISERVER fetcher`,
      kubeconfig: `${FILE}: write service and client instead`,
      context: "belongs to client.kubeconfig, which Workers cannot read",
    },
  ],
];

const SERVER_KEYS: Readonly<Record<string, string>> = {
  tls: NO_LISTENER,
  http3: NO_LISTENER,
  redirect_http: NO_LISTENER,
};

/** Ignored there, and harmless: said, so that nobody waits for an effect. */
const IGNORED_SERVER_KEYS = ["listen", "http2", "drain", "drain_delay"];

const UPSTREAM_TLS_KEYS: Readonly<Record<string, string>> = {
  ca_file: FILE,
  cert_file: FILE,
  key_file: FILE,
  server_name: TLS,
};

function refuse(rules: Rules, place: Place, keys: Readonly<Record<string, string>>): void {
  for (const key of present(place, Object.keys(keys))) fault(rules, place, key, keys[key]!);
}

/** Anything but polling would hold a stream open between requests; a mode that is left out means polling here. */
function onlyPolls(rules: Rules, cluster: Place): void {
  const { mode } = cluster.value;
  if (typeof mode !== "string" || mode === "poll") return;
  const why =
    mode === "request"
      ? "asks the apiserver for every request, each a subrequest of a limited number"
      : "needs a stream that outlives the request that opened it, which Workers does not allow";
  valueFault(rules, cluster, "mode", `must be poll on Workers (or left out): ${mode} ${why}`);
}

function checkRoute(rules: Rules, route: Place): void {
  const tls = under(rules.source, route, "upstream_tls");
  refuse(rules, tls, UPSTREAM_TLS_KEYS);
  if (tls.value.verify === false) valueFault(rules, tls, "verify", TLS);
  if (route.value.pass_host === "rewrite" || route.value.pass_host === "pass") {
    const why = "Workers' fetch sends the host of the address it asks (X-Forwarded-Host has the client's)";
    valueFault(rules, route, "pass_host", `must be node on Workers (or left out): ${why}`);
  }
  const health = under(rules.source, route, "health");
  const active = health.value.active;
  if (active !== undefined && active !== null && active !== false) {
    fault(rules, health, "active", "is not available on Workers: nothing runs there between requests");
  }
  for (const middleware of placesIn(rules.source, [...route.path, "middleware"])) {
    if (present(middleware, ["use"]).length > 0) fault(rules, middleware, "use", FILE);
  }
}

/**
 * What a config may not ask for on Cloudflare Workers, where there are no files, no listeners, no TLS settings of one's own
 * and nothing between requests: each key is refused by name, with the reason.
 */
export function checkForWorkers(rules: Rules): void {
  const { source } = rules;
  const kubernetes = ["discovery", "kubernetes"];
  const listed = placesIn(source, kubernetes);
  for (const cluster of listed.length > 0 ? listed : [placeAt(source, kubernetes)]) {
    for (const [part, keys] of CLUSTER_KEYS) refuse(rules, part ? under(source, cluster, part) : cluster, keys);
    const service = under(source, cluster, "service");
    if (service.value.ssl_verify === false) valueFault(rules, service, "ssl_verify", TLS);
    onlyPolls(rules, cluster);
  }
  const server = placeAt(source, ["server"]);
  refuse(rules, server, SERVER_KEYS);
  checkWithoutThreads(rules);
  for (const key of present(server, IGNORED_SERVER_KEYS)) warn(rules, server, key, "has no effect on Workers");
  const admin = placeAt(source, []);
  if (present(admin, ["tracing"]).length > 0) fault(rules, admin, "tracing", NO_TRACING);
  if (present(admin, ["admin"]).length > 0 && admin.value.admin !== false) {
    warn(rules, admin, "admin", "has no effect on Workers: there is no second address to listen on");
  }
  const streams = placeAt(source, []).value.streams;
  if (Array.isArray(streams) && streams.length > 0) {
    const why = "Workers has no listener for TCP; run the streams on Bun or Deno";
    fault(rules, placeAt(source, []), "streams", `is not available on Workers: ${why}`);
  }
  for (const route of [placeAt(source, ["defaults"]), ...placesIn(source, ["routes"])]) checkRoute(rules, route);
}
