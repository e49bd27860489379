import { namespaceFilter } from "../../kubernetes/selectors.ts";
import type { Collection } from "../../kubernetes/types.ts";
import type { ClusterOptions } from "../options.ts";

/** One namespaced (or the one cluster-wide) part of a cluster: what is read there, each with its fallbacks in order. */
export interface NamespacePlan {
  /** undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Endpoints, or EndpointSlices as v1 and, where the server has no v1, v1beta1. */
  readonly endpoints: readonly Collection[];
  /** Only with `resolve_service_ports`. */
  readonly services: readonly Collection[] | undefined;
}

/** What of a cluster is read. */
export interface ClusterPlan {
  readonly scopes: readonly NamespacePlan[];
  /** False: objects of this namespace are filtered out. */
  keeps(namespace: string): boolean;
  /** Which key of the configuration excludes this namespace; undefined: none. */
  filteredOutBy(namespace: string): string | undefined;
}

const ENDPOINTS = [{ groupVersion: "api/v1", resource: "endpoints", listKind: "EndpointsList" }] as const;
const SLICES = ["v1", "v1beta1"].map((version) => ({
  groupVersion: `apis/discovery.k8s.io/${version}`,
  resource: "endpointslices",
  listKind: "EndpointSliceList",
}));
const SERVICES = [{ groupVersion: "api/v1", resource: "services", listKind: "ServiceList" }] as const;

/** What of a cluster's config decides what is read. */
export type PlanConfig = Pick<
  ClusterOptions,
  "namespaces" | "namespace_selector" | "label_selector" | "watch_endpoint_slices" | "resolve_service_ports"
>;

/** Lays out what to read: a namespace that is named by the configuration needs no more than a Role there. */
export function planCluster(config: PlanConfig): ClusterPlan {
  const filter = namespaceFilter(config.namespace_selector);
  const named = config.namespaces === undefined ? undefined : new Set(config.namespaces);
  const namespaces =
    named !== undefined ? [...named].filter((namespace) => filter.keeps(namespace)) : [filter.namespace];

  const scopes = namespaces.map((namespace): NamespacePlan => {
    const fieldSelector = namespace === undefined ? filter.fieldSelector : undefined;
    const endpoints = config.watch_endpoint_slices ? SLICES : ENDPOINTS;
    return {
      namespace,
      endpoints: endpoints.map((kind) => ({ ...kind, namespace, fieldSelector, labelSelector: config.label_selector })),
      // Not by label: the selector is about Endpoints, and a Service's own labels may differ.
      services: config.resolve_service_ports
        ? SERVICES.map((kind) => ({ ...kind, namespace, fieldSelector }))
        : undefined,
    };
  });
  const filteredOutBy = (namespace: string): string | undefined => {
    if (named !== undefined && !named.has(namespace)) return "namespaces";
    return filter.keeps(namespace) ? undefined : "namespace_selector";
  };
  return { scopes, keeps: (namespace) => filteredOutBy(namespace) === undefined, filteredOutBy };
}
