import type { LogLevel } from "../../src/base/log.ts";
import type { ApiserverOptions, LoggedRequest } from "../../src/demo/apiserver.ts";
import { type Cluster, createCluster } from "../../src/discovery/cluster.ts";
import { createDiscovery } from "../../src/discovery/discovery.ts";
import { apiserverFeed } from "../../src/discovery/feeds/apiserver.ts";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import type { Upstream } from "../../src/discovery/types.ts";
import type { Discovery } from "../../src/discovery/views.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import { clusterConfig } from "../discovery/support.ts";
import { createFaultyApiserver, type FaultyApiserver } from "../helpers/apiserver-faults.ts";
import { createFakeClock, type FakeClock } from "../helpers/fake-clock.ts";
import { seededRandom } from "../helpers/random.ts";
import { layWire, type Wire } from "./lab/wire.ts";

/** One cluster in memory: apiserver, wire, client, and a clock that a test moves. */
export interface Stage extends AsyncDisposable {
  readonly api: FaultyApiserver;
  readonly wire: Wire;
  readonly clock: FakeClock;
  readonly cluster: Cluster;
  readonly discovery: Discovery;
  readonly log: readonly { readonly level: LogLevel; readonly message: string }[];
  /** `host:port` of a service's nodes now. */
  nodes(reference?: string): string[];
  upstream(reference?: string): Upstream;
  /** Requests of a verb the apiserver has seen. */
  seen(verb: "list" | "watch"): LoggedRequest[];
  /** What a reader saw of the service each time something could have changed, without repetitions. */
  readonly sightings: readonly string[];
}

export interface StageOptions {
  readonly settings?: Partial<ClusterOptions>;
  readonly apiserver?: Partial<ApiserverOptions>;
  readonly clock?: FakeClock;
  /** False: the first list is not waited for. */
  readonly wait?: boolean;
}

/** An EndpointSlice whose addresses are ready at port 8080, named `http`. */
export function slice(
  name: string,
  addresses: readonly string[],
  { namespace = "default", service = "web" } = {},
): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

const WEB = "default/web:http";

/** Sets it all up on these objects and, unless told otherwise, lets the first list come in. */
export async function stage(objects: readonly object[] = [], options: StageOptions = {}): Promise<Stage> {
  const { settings, apiserver, clock = createFakeClock(), wait = true } = options;
  const api = createFaultyApiserver({
    clock,
    random: seededRandom(7),
    gzipBytes: Number.POSITIVE_INFINITY,
    ...apiserver,
  });
  api.apply(objects);
  const log: { level: LogLevel; message: string }[] = [];
  const sightings: string[] = [];
  const watched: Upstream[] = [];
  const look = (): void => {
    const text =
      watched[0]
        ?.endpoints()
        .map(({ address }) => address)
        .join(" ") ?? "";
    if (sightings.at(-1) !== text) sightings.push(text);
  };
  const wire = layWire({
    api,
    clock,
    onChunk: () => {
      look();
      queueMicrotask(look);
    },
  });
  const config = clusterConfig(settings);
  const cluster = createCluster(
    config,
    apiserverFeed({
      connect: async () => ({
        server: "http://apiserver.test",
        fetch: wire.fetch,
        credentials: noCredentials,
        files: [],
        refresh: async () => {},
      }),
    }),
    {
      clock: {
        ...clock,
        now() {
          look();
          return clock.now();
        },
      },
      random: seededRandom(5),
      logger: { log: (level, message) => log.push({ level, message }) },
    },
  );
  const discovery = createDiscovery({ clusters: [cluster], multi: config.id !== "" });
  const upstream = (reference = WEB): Upstream => discovery.upstream({ service: reference });
  if (config.id === "") watched.push(upstream());
  const stop = new AbortController();
  const done = cluster.run(stop.signal);
  if (wait) await clock.advance(1);
  return {
    api,
    wire,
    clock,
    cluster,
    discovery,
    log,
    sightings,
    upstream,
    nodes: (reference = WEB) => discovery.query(reference).nodes.map(({ host, port }) => `${host}:${port}`),
    seen: (verb) => api.requests.filter((request) => request.verb === verb),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
      api.close();
    },
  };
}
