import { assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import type { LogFields, LogLevel } from "../../src/base/log.ts";
import { type Cluster, type ClusterDeps, createCluster } from "../../src/discovery/cluster.ts";
import { createDiscovery } from "../../src/discovery/discovery.ts";
import { type ApiserverFeedOptions, apiserverFeed } from "../../src/discovery/feeds/apiserver.ts";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import type { Discovery } from "../../src/discovery/views.ts";
import type { ApiserverConnection } from "../../src/kubernetes/connection.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import type { Fetch } from "../../src/platform/fetch.ts";
import type { FaultyApiserver } from "../helpers/apiserver-faults.ts";
import { countingClock } from "../helpers/counting-clock.ts";
import { embedded } from "../helpers/embedded.ts";
import { seededRandom } from "../helpers/random.ts";

/** A cluster's configuration with every default; EndpointSlices, since that is what users are told to use. */
export function clusterConfig(settings: Partial<ClusterOptions> = {}): ClusterOptions {
  return {
    id: "",
    service: { schema: "http", host: "apiserver.test", port: 80, ssl_verify: true },
    client: {},
    default_weight: 50,
    watch_endpoint_slices: true,
    namespace: "default",
    mode: "watch",
    poll_interval: 5000,
    max_stale: 0,
    watch_idle: 75_000,
    empty_grace: 0,
    address_family: "any",
    resolve_service_ports: false,
    required: true,
    ...settings,
  };
}

export interface Followed extends AsyncDisposable {
  readonly api: FaultyApiserver;
  readonly cluster: Cluster;
  readonly discovery: Discovery;
  readonly log: { level: LogLevel; message: string; fields: LogFields | undefined }[];
  /** `host:port` of the nodes a reference has now. */
  addresses(reference: string): string[];
}

export interface FollowOptions extends Partial<ClusterDeps>, Partial<ApiserverFeedOptions> {
  readonly api?: FaultyApiserver;
  readonly clock?: Clock;
  /** False: does not wait for the first list. */
  readonly wait?: boolean;
}

/**
 * Follows an embedded apiserver that holds these objects. When it is disposed of, nothing may be left: no watch at the
 * apiserver, no timer.
 */
export async function follow(
  objects: readonly object[] = [],
  settings: Partial<ClusterOptions> = {},
  { api = embedded(), wait = true, clock: given = systemClock, zone, ...feed }: FollowOptions = {},
): Promise<Followed> {
  const clock = countingClock(given);
  /** Of its own watches, those that the apiserver has open. */
  const watches = new Set<object>();
  api.apply(objects);
  const log: Followed["log"] = [];
  const connect = async (): Promise<ApiserverConnection> =>
    connectionOver(async (input, init) => {
      const answer = await api.fetch(input, init);
      if (!input.includes("watch=true") || answer.body === null) return answer;
      const watch = {};
      watches.add(watch);
      const ended = (): void => void watches.delete(watch);
      const body = answer.body.pipeThrough(new TransformStream({ flush: ended, cancel: ended } as Transformer));
      return new Response(body, { status: answer.status, headers: answer.headers });
    });
  const cluster = createCluster(clusterConfig(settings), apiserverFeed({ connect, ...feed }), {
    clock,
    random: seededRandom(),
    logger: { log: (level, message, fields) => log.push({ level, message, fields }) },
    zone,
  });
  const stop = new AbortController();
  const done = cluster.run(stop.signal);
  if (wait) await cluster.whenSynced(AbortSignal.timeout(5000));
  const discovery = createDiscovery({ clusters: [cluster], multi: cluster.id !== "" });
  return {
    api,
    cluster,
    discovery,
    log,
    addresses: (reference) => discovery.query(reference).nodes.map(({ host, port }) => `${host}:${port}`),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
      await new Promise(setImmediate);
      assertEquals(watches.size, 0, "a watch is left open");
      assertEquals(clock.armed(), 0, "timers are left");
    },
  };
}

interface SliceParts {
  service?: string;
  namespace?: string;
  ports?: unknown;
  addressType?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}

/** An EndpointSlice of `default/web` with a port http 8080, unless told otherwise. */
export function slice(name: string, endpoints: unknown, parts: SliceParts = {}): object {
  const { service = "web", namespace = "default", ports = [{ name: "http", port: 8080, protocol: "TCP" }] } = parts;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      namespace,
      labels: { "kubernetes.io/service-name": service, ...parts.labels },
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
    },
    addressType: parts.addressType ?? "IPv4",
    ports,
    endpoints,
  };
}

/** A slice's endpoint; with a `pod`, the pod's reference and uid. */
export function at(address: string, fields: { pod?: string; [field: string]: unknown } = {}): object {
  const { pod, ...rest } = fields;
  const targetRef = { kind: "Pod", namespace: "default", name: pod, uid: `uid-of-${pod}` };
  return { addresses: [address], ...(pod === undefined ? {} : { targetRef }), ...rest };
}

/** Endpoints with subsets of `[addresses, port name or "", port]`. */
export function endpoints(name: string, subsets: readonly [string[], string, number][], namespace = "default"): object {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace },
    subsets: subsets.map(([ips, port, number]) => ({
      addresses: ips.map((ip) => ({ ip })),
      ports: [port === "" ? { port: number } : { name: port, port: number }],
    })),
  };
}

/** A fetch of an apiserver that checks nothing: it lists these objects, and its watches are silent. */
export function uncheckedFetch(items: readonly object[], listKind = "EndpointsList"): Fetch {
  return async (input) => {
    if (input.includes("watch=true")) return new Response(new ReadableStream({}));
    const kind = input.includes("/services") ? "ServiceList" : listKind;
    const listed = kind === listKind ? items : [];
    return Response.json({ kind, metadata: { resourceVersion: "1" }, items: listed });
  };
}

/** A connection over any fetch. */
export const connectionOver = (fetch: Fetch): ApiserverConnection => ({
  server: "http://apiserver.test",
  fetch,
  credentials: noCredentials,
  files: [],
  refresh: async () => {},
});
