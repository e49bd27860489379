import type { PassiveHealthConfig } from "../balancing/options.ts";
import { authority, stripBrackets } from "../base/addresses.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import type { HeaderChanges } from "../routing/options.ts";
import type { WrittenDiscovery } from "./discovery-schema.ts";
import type { Env } from "./interpolate.ts";
import { normalizeLabelSelector } from "./label-selector.ts";
import { mergeMiddleware } from "./merge-middleware.ts";
import type { HealthConfig, RouteConfig, UpstreamTlsConfig, WrittenDefaults, WrittenRoute } from "./route-schema.ts";
import type { Config, DiscoveryConfig, WrittenFile } from "./schema.ts";
import { STREAM_INITIALS, type StreamConfig, type WrittenStream } from "./stream-schema.ts";
import { ROUTE_INITIALS } from "./upstream-schema.ts";

/** What a pod's service account offers, found by the caller; empty outside a pod. */
export interface PodOffer {
  readonly namespace?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  /** Namespaces of kubeconfigs' contexts, by `contextKey`. */
  readonly contextNamespaces?: Readonly<Record<string, string>> | undefined;
}

/** What defaults depend on beside the file. */
export interface Surroundings {
  readonly env: Env;
  readonly pod: PodOffer;
}

type WrittenCluster = Exclude<NonNullable<WrittenDiscovery["kubernetes"]>, readonly unknown[]>;

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

function fillCluster(id: string, written: WrittenCluster, { env, pod }: Surroundings): ClusterOptions {
  const { service, client = {}, label_selector, ...rest } = written;
  const namespace = written.namespace ?? pod.contextNamespaces?.[contextKey(client)] ?? pod.namespace ?? "default";
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
export function fillDiscovery(written: WrittenDiscovery, surroundings: Surroundings): DiscoveryConfig | undefined {
  const { kubernetes } = written;
  if (kubernetes === undefined) return undefined;
  if (!Array.isArray(kubernetes)) {
    return { multi: false, clusters: [fillCluster("", kubernetes, surroundings)] };
  }
  return { multi: true, clusters: kubernetes.map(({ id, ...cluster }) => fillCluster(id, cluster, surroundings)) };
}

type Written<Part> = Part | false | undefined;

/** Key by key, the last one that says something; false turns all of it off, a mapping on again. */
function layered<Part extends object>(layers: readonly Written<Part>[]): Part | false {
  return layers.reduce<Part | false>(
    (made, layer) => (layer === undefined ? made : layer === false ? false : { ...(made || undefined), ...layer }),
    false,
  );
}

function fillHealth(defaults: WrittenDefaults["health"], own: WrittenRoute["health"]): HealthConfig {
  const passive = layered<Partial<PassiveHealthConfig>>([{}, defaults?.passive, own?.passive]);
  const active = layered([defaults?.active, own?.active]);
  return {
    passive: passive && { ...ROUTE_INITIALS.passive, ...passive },
    active: active && { ...ROUTE_INITIALS.active, ...active },
  };
}

type WrittenHeaderChanges = NonNullable<WrittenRoute["request_headers"]>;

const NO_CHANGES: WrittenHeaderChanges = { set: {}, add: {}, remove: [] };

/** The defaults' changes and the route's; a header the route speaks of, and be it by `false`, is the route's alone. */
function mergeHeaders(
  defaults: WrittenHeaderChanges | undefined,
  own: WrittenHeaderChanges | undefined,
): HeaderChanges | undefined {
  if (!defaults && !own) return undefined;
  const theirs = defaults ?? NO_CHANGES;
  const { set, add, remove } = own ?? NO_CHANGES;
  const spoken = new Set([...Object.keys(set), ...Object.keys(add), ...remove]);
  const merged = (key: "set" | "add", mine: WrittenHeaderChanges["set"]): HeaderChanges["set"] => {
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
function mergeTls(defaults: WrittenTls | undefined, own: WrittenTls | undefined): UpstreamTlsConfig | undefined {
  if (!defaults && !own) return undefined;
  const { verify = ROUTE_INITIALS.upstream_tls.verify, ...files } = { ...defaults, ...own };
  return { verify, ...Object.fromEntries(Object.entries(files).filter(([, value]) => value !== false)) };
}

type WrittenTls = NonNullable<WrittenRoute["upstream_tls"]>;

function fillRoute(
  written: WrittenRoute,
  index: number,
  { defaults, server }: Pick<WrittenFile, "defaults" | "server">,
): RouteConfig {
  const { id = String(index), upstream_host, upstream_tls, request_headers, response_headers, ...route } = written;
  const passHost = route.pass_host ?? defaults.pass_host ?? ROUTE_INITIALS.pass_host;
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
    timeouts: { ...ROUTE_INITIALS.timeouts, ...defaults.timeouts, ...route.timeouts },
    retries: { ...ROUTE_INITIALS.retries, ...defaults.retries, ...route.retries },
    keepalive: { ...ROUTE_INITIALS.keepalive, ...defaults.keepalive, ...route.keepalive },
    health: fillHealth(defaults.health, route.health),
    middleware: mergeMiddleware(defaults.middleware ?? [], route.middleware ?? []),
    balancer: route.balancer ?? defaults.balancer ?? ROUTE_INITIALS.balancer,
    pass_host: passHost,
  };
}

/** A stream is what its own entry says: `defaults` are for requests. */
function fillStream(written: WrittenStream): StreamConfig {
  const { id = authority(written.listen), upstream_tls, health, ...stream } = written;
  const passive = health?.passive ?? {};
  const active = health?.active ?? false;
  return {
    ...stream,
    ...(upstream_tls && { upstream_tls: { ...STREAM_INITIALS.upstream_tls, ...upstream_tls } }),
    id,
    balancer: stream.balancer ?? STREAM_INITIALS.balancer,
    timeouts: { ...STREAM_INITIALS.timeouts, ...stream.timeouts },
    retries: { ...STREAM_INITIALS.retries, ...stream.retries },
    health: {
      passive: passive && { ...STREAM_INITIALS.passive, ...passive },
      active: active && { ...STREAM_INITIALS.active, ...active },
    },
  };
}

/** The config the rest of the program trusts, every default filled in. */
export function fill(written: WrittenFile, surroundings: Surroundings): Config {
  return {
    server: written.server,
    admin: written.admin,
    discovery: fillDiscovery(written.discovery, surroundings),
    routes: written.routes.map((route, index) => fillRoute(route, index, written)),
    streams: written.streams.map(fillStream),
    tracing: written.tracing,
  };
}
