import { listServices } from "./catalog.ts";
import type { Cluster } from "./cluster.ts";
import { emptyReason } from "./resolve/reasons.ts";
import { type ParsedReference, parseServiceReference } from "./resolve/reference.ts";
import type { WantedPort } from "./resolve/select.ts";
import { createUpstream, emptyUpstream } from "./resolve/upstream.ts";
import { answerNodes, describeReason, dumpServices, type ServiceTarget } from "./targets.ts";
import type { EmptyReason, UpstreamQuery } from "./types.ts";
import type { Discovery } from "./views.ts";

/** A query that leads to a service of a cluster, or why it does not. */
type Target = ServiceTarget | { readonly problem: EmptyReason };

function wantedPort(query: UpstreamQuery, reference: ParsedReference): WantedPort {
  const text = reference.port ?? query.portName;
  if (text !== undefined) return { by: "port", text };
  return query.scheme === undefined ? { by: "first" } : { by: "scheme", text: query.scheme };
}

/**
 * A view of these clusters under one configuration. It holds nothing itself: a changed configuration gets another one,
 * over the clusters that stay.
 */
export function createDiscovery(options: {
  readonly clusters: readonly Cluster[];
  readonly multi: boolean;
}): Discovery {
  const { clusters, multi } = options;
  const byId = new Map(clusters.map((cluster) => [cluster.id, cluster]));
  const ids = [...byId.keys()];

  const clusterOf = (query: UpstreamQuery, reference: ParsedReference): Cluster | { problem: EmptyReason } => {
    const refuse = (detail: string) => ({ problem: emptyReason("service_unknown", detail, multi ? ids : undefined) });
    const id = reference.cluster ?? query.cluster;
    if (!multi) {
      if (id !== undefined) return refuse(`cluster ${id} is named, but discovery.kubernetes is not a list of clusters`);
      return clusters[0]!;
    }
    const known = `clusters: ${ids.join(", ")}`;
    if (id === undefined) return refuse(`${query.service} names no cluster: write id/namespace/name; ${known}`);
    return byId.get(id) ?? refuse(`there is no cluster ${id}; ${known}`);
  };

  const target = (query: UpstreamQuery): Target => {
    if (clusters.length === 0) {
      return {
        problem: emptyReason("service_unknown", "discovery is off: the configuration has no discovery.kubernetes"),
      };
    }
    const reference = parseServiceReference(query.service, { multi });
    if ("error" in reference) return { problem: emptyReason("service_unknown", reference.error) };
    const cluster = clusterOf(query, reference);
    if ("problem" in cluster) return cluster;
    return {
      cluster,
      reference: {
        cluster: multi ? cluster.id : undefined,
        namespace: reference.namespace ?? query.namespace ?? cluster.config.namespace,
        name: reference.name,
        port: reference.port,
      },
      wanted: wantedPort(query, reference),
    };
  };

  return {
    upstream(query) {
      const found = target(query);
      return "problem" in found
        ? emptyUpstream(query.service, query.cluster ?? "", found.problem)
        : createUpstream(found.cluster, found.reference, found.wanted);
    },
    query(asked, { verbose = false } = {}) {
      const query = typeof asked === "string" ? { service: asked } : asked;
      const { service } = query;
      const found = target(query);
      if ("problem" in found) return { service, nodes: [], ...describeReason(found.problem) };
      return answerNodes(service, found, verbose);
    },
    status: () => ({ clusters: clusters.map((cluster) => cluster.status()) }),
    services: (query) => listServices(clusters, multi, query),
    dump: (config) => ({
      config,
      endpoints: clusters.map((cluster) => ({
        ...(multi ? { id: cluster.id } : {}),
        endpoints: dumpServices(cluster),
      })),
    }),
    readiness() {
      const waiting = clusters
        .filter((cluster) => cluster.required && !cluster.synced())
        .map((cluster) => {
          const { id, state, lastError } = cluster.status();
          return { id, state, reason: lastError ?? "its first list is not in yet" };
        });
      return { ready: waiting.length === 0, waiting };
    },
  };
}
