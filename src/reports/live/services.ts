import { atMost, type Clock } from "../../base/clock.ts";
import type { Cluster } from "../../discovery/cluster.ts";
import { createDiscovery } from "../../discovery/discovery.ts";
import type { ClusterOptions } from "../../discovery/options.ts";
import type { UpstreamQuery } from "../../discovery/types.ts";
import type { Discovery } from "../../discovery/views.ts";
import type { ServiceReport } from "./report.ts";

/** A service that a config names, and where. */
interface WantedService {
  readonly usedBy: string;
  readonly query: UpstreamQuery;
}

/** What names services: a route or a stream. */
interface Leads extends Pick<UpstreamQuery, "cluster" | "namespace" | "scheme"> {
  readonly id: string;
  readonly service?: string | undefined;
  readonly services?: readonly { readonly service: string }[] | undefined;
  readonly port_name?: string | undefined;
}

/** What is read of a config to look up its services. */
export interface WithServices {
  readonly server: { readonly zone?: string | undefined };
  readonly discovery: { readonly clusters: readonly ClusterOptions[]; readonly multi: boolean } | undefined;
  readonly routes: readonly Leads[];
  readonly streams: readonly Leads[];
}

function queriesOf({
  service,
  services = [],
  cluster,
  namespace,
  port_name: portName,
  scheme,
}: Leads): UpstreamQuery[] {
  const named = service === undefined ? services.map((one) => one.service) : [service];
  return named.map((one) => ({ service: one, cluster, namespace, portName, scheme }));
}

/** Every service that a route or a stream of the config names. */
function wantedServices({ routes, streams }: WithServices): WantedService[] {
  const of = (usedBy: string, leads: Leads): WantedService[] => queriesOf(leads).map((query) => ({ usedBy, query }));
  return [
    ...routes.flatMap((route) => of(`route ${route.id}`, route)),
    ...streams.flatMap((stream) => of(`stream ${stream.id}`, stream)),
  ];
}

/** What looking up services takes. */
export interface ServiceCheckDeps {
  createCluster(config: ClusterOptions, zone: string | undefined): Cluster;
  readonly clock: Clock;
  /** Milliseconds; what is not known by then is reported as it stands. */
  readonly timeout: number;
}

async function lookUp(
  { usedBy, query }: WantedService,
  discovery: Discovery,
  wait: (known: Promise<void>) => Promise<void>,
) {
  const upstream = discovery.upstream(query);
  const refresh = upstream.refresh();
  if (refresh !== undefined) await wait(refresh);
  const { nodes, port, code, reason, available } = discovery.query(query, { verbose: true });
  const several = port?.by === "first" && port.exist.length > 1 ? port.exist.join(", ") : undefined;
  return {
    usedBy,
    service: query.service,
    reference: upstream.name,
    nodes: nodes.length,
    ...(port && { port }),
    ...(code && { code }),
    ...(reason && { reason }),
    ...(available && { available }),
    ...(several && { warning: `no port is named, and the first of several is taken: ${several}` }),
  } satisfies ServiceReport;
}

/** Looks up every service a config names, as a gateway would: each cluster is followed for as long as that takes. */
export async function checkServices(config: WithServices, deps: ServiceCheckDeps): Promise<ServiceReport[]> {
  const wanted = wantedServices(config);
  const { discovery: kubernetes } = config;
  const clusters = (kubernetes?.clusters ?? []).map((cluster) => deps.createCluster(cluster, config.server.zone));
  const stop = new AbortController();
  const running = clusters.map((cluster) => cluster.run(stop.signal));
  try {
    const discovery = createDiscovery({ clusters, multi: kubernetes?.multi ?? false });
    const wait = (known: Promise<void>): Promise<void> => atMost(known, deps.timeout, deps.clock);
    return await Promise.all(wanted.map((one) => lookUp(one, discovery, wait)));
  } finally {
    stop.abort(new Error("the check is over"));
    await Promise.all(running);
  }
}
