import type { HealthConfig, PassiveHealthConfig } from "../balancing/options.ts";
import { authority, stripBrackets } from "../base/addresses.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import type { Env } from "../platform/process.ts";
import type { HeaderChanges } from "../routing/options.ts";
import { mergeMiddleware } from "./merge-middleware.ts";
import { normalizeLabelSelector } from "./rules/label-selector.ts";
import type { RawDiscovery } from "./schema/discovery.ts";
import type { RawDefaults, RawRoute, RouteConfig, UpstreamTlsConfig } from "./schema/route.ts";
import { type RawStream, STREAM_DEFAULTS, type StreamConfig } from "./schema/stream.ts";
import { ROUTE_DEFAULTS } from "./schema/upstream.ts";
import type { Config, DiscoveryConfig, RawFile } from "./schema.ts";

/** What a pod's service account offers, found by the caller; empty outside a pod. */
export interface PodOffer {
  readonly namespace?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  /** Namespaces of kubeconfigs' contexts, by `contextKey`. */
  readonly contextNamespaces?: Readonly<Record<string, string>> | undefined;
}

/** What defaults depend on beside the file. */
interface DefaultsContext {
  readonly env: Env;
  readonly pod: PodOffer;
}

type RawCluster = Exclude<NonNullable<RawDiscovery["kubernetes"]>, readonly unknown[]>;

/** Names a context of a kubeconfig: the one its file says, where `context` is left out. */
export const contextKey = ({
  kubeconfig = "",
  context = "",
}: {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}): string => `${kubeconfig}\n${context}`;

/** Credentials that make the service account's token superfluous. */
const CREDENTIALS = ["token", "token_file", "cert_file", "kubeconfig"] as const;

function clusterDefaults(id: string, raw: RawCluster, { env, pod }: DefaultsContext): ClusterOptions {
  const { service, client = {}, label_selector, ...rest } = raw;
  const namespace = raw.namespace ?? pod.contextNamespaces?.[contextKey(client)] ?? pod.namespace ?? "default";
  const normal = label_selector === undefined ? undefined : normalizeLabelSelector(label_selector);
  const cluster = {
    ...rest,
    id,
    namespace,
    ...(normal && "selector" in normal ? { label_selector: normal.selector } : {}),
  };
  if (client.kubeconfig !== undefined) return { ...cluster, service, client };
  const single = id === "";
  const schema = service?.schema ?? "https";
  return {
    ...cluster,
    service: {
      ssl_verify: true,
      ...service,
      schema,
      host: service?.host ?? stripBrackets(env.KUBERNETES_SERVICE_HOST ?? ""),
      port: service?.port ?? Number(env.KUBERNETES_SERVICE_PORT),
      ...(single && schema === "https" && !service?.ca_file && pod.caFile ? { ca_file: pod.caFile } : {}),
    },
    client:
      single && pod.tokenFile && CREDENTIALS.every((key) => client[key] === undefined)
        ? { ...client, token_file: pod.tokenFile }
        : client,
  };
}

/** One shape of APISIX's two; in single-cluster mode the pod's surroundings fill what is left out. */
function discoveryDefaults(raw: RawDiscovery, surroundings: DefaultsContext): DiscoveryConfig | undefined {
  const { kubernetes } = raw;
  if (kubernetes === undefined) return undefined;
  if (!Array.isArray(kubernetes)) {
    return { multi: false, clusters: [clusterDefaults("", kubernetes, surroundings)] };
  }
  return { multi: true, clusters: kubernetes.map(({ id, ...cluster }) => clusterDefaults(id, cluster, surroundings)) };
}

type Layer<Part> = Part | false | undefined;

/** Key by key, the last layer that has it; false turns all of it off, a mapping on again. */
function layered<Part extends object>(layers: readonly Layer<Part>[]): Part | false {
  return layers.reduce<Part | false>(
    (made, layer) => (layer === undefined ? made : layer === false ? false : { ...(made || undefined), ...layer }),
    false,
  );
}

function healthDefaults(defaults: RawDefaults["health"], own: RawRoute["health"]): HealthConfig {
  const passive = layered<Partial<PassiveHealthConfig>>([{}, defaults?.passive, own?.passive]);
  const active = layered([defaults?.active, own?.active]);
  return {
    passive: passive && { ...ROUTE_DEFAULTS.passive, ...passive },
    active: active && { ...ROUTE_DEFAULTS.active, ...active },
  };
}

type RawHeaderChanges = NonNullable<RawRoute["request_headers"]>;

const NO_CHANGES: RawHeaderChanges = { set: {}, add: {}, remove: [] };

/** The changes of `defaults` and the route's own; those of a header that the route names are the route's alone. */
function mergeHeaders(
  defaults: RawHeaderChanges | undefined,
  own: RawHeaderChanges | undefined,
): HeaderChanges | undefined {
  if (!defaults && !own) return undefined;
  const theirs = defaults ?? NO_CHANGES;
  const { set, add, remove } = own ?? NO_CHANGES;
  const spoken = new Set([...Object.keys(set), ...Object.keys(add), ...remove]);
  const merged = (key: "set" | "add", mine: RawHeaderChanges["set"]): HeaderChanges["set"] => {
    const kept = Object.entries(theirs[key]).filter(([name]) => !spoken.has(name));
    const all = [...kept, ...Object.entries(mine)];
    return Object.fromEntries(all.filter((entry): entry is [string, string | string[]] => entry[1] !== false));
  };
  return {
    set: merged("set", set),
    add: merged("add", add),
    remove: [...theirs.remove.filter((name) => !spoken.has(name)), ...remove],
  };
}

/** Key by key; `false` takes away what the defaults say. */
function mergeTls(defaults: RawTls | undefined, own: RawTls | undefined): UpstreamTlsConfig | undefined {
  if (!defaults && !own) return undefined;
  const { verify = ROUTE_DEFAULTS.upstream_tls.verify, ...files } = { ...defaults, ...own };
  return { verify, ...Object.fromEntries(Object.entries(files).filter(([, value]) => value !== false)) };
}

type RawTls = NonNullable<RawRoute["upstream_tls"]>;

function routeDefaults(
  raw: RawRoute,
  index: number,
  { defaults, server }: Pick<RawFile, "defaults" | "server">,
): RouteConfig {
  const { id = String(index), upstream_host, upstream_tls, request_headers, response_headers, ...route } = raw;
  const passHost = route.pass_host ?? defaults.pass_host ?? ROUTE_DEFAULTS.pass_host;
  const optional = {
    paths: route.paths ?? (server.paths === "reject" ? undefined : server.paths),
    upstream_host: passHost === "rewrite" ? (upstream_host ?? defaults.upstream_host) : undefined,
    upstream_tls: mergeTls(defaults.upstream_tls, upstream_tls),
    request_headers: mergeHeaders(defaults.request_headers, request_headers),
    response_headers: mergeHeaders(defaults.response_headers, response_headers),
  };
  return {
    ...route,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    id,
    timeouts: { ...ROUTE_DEFAULTS.timeouts, ...defaults.timeouts, ...route.timeouts },
    retries: { ...ROUTE_DEFAULTS.retries, ...defaults.retries, ...route.retries },
    keepalive: { ...ROUTE_DEFAULTS.keepalive, ...defaults.keepalive, ...route.keepalive },
    health: healthDefaults(defaults.health, route.health),
    middleware: mergeMiddleware(defaults.middleware ?? [], route.middleware ?? []),
    balancer: route.balancer ?? defaults.balancer ?? ROUTE_DEFAULTS.balancer,
    pass_host: passHost,
  };
}

/** A stream as its own entry has it: `defaults` are for requests. */
function streamDefaults(raw: RawStream): StreamConfig {
  const { id = authority(raw.listen), upstream_tls, health, ...stream } = raw;
  const passive = health?.passive ?? {};
  const active = health?.active ?? false;
  return {
    ...stream,
    ...(upstream_tls && { upstream_tls: { ...STREAM_DEFAULTS.upstream_tls, ...upstream_tls } }),
    id,
    balancer: stream.balancer ?? STREAM_DEFAULTS.balancer,
    timeouts: { ...STREAM_DEFAULTS.timeouts, ...stream.timeouts },
    retries: { ...STREAM_DEFAULTS.retries, ...stream.retries },
    health: {
      passive: passive && { ...STREAM_DEFAULTS.passive, ...passive },
      active: active && { ...STREAM_DEFAULTS.active, ...active },
    },
  };
}

/** The config the rest of the program trusts, every default filled in. */
export function applyDefaults(raw: RawFile, surroundings: DefaultsContext): Config {
  return {
    server: raw.server,
    admin: raw.admin,
    discovery: discoveryDefaults(raw.discovery, surroundings),
    routes: raw.routes.map((route, index) => routeDefaults(route, index, raw)),
    streams: raw.streams.map(streamDefaults),
    tracing: raw.tracing,
  };
}
