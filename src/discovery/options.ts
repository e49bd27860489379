import type { ApiserverAccess, NamespaceSelector } from "../kubernetes/options.ts";

/**
 * How a cluster is kept up to date: by list-watch, by lists at an interval, by a call for each request, or by
 * list-watch where it works and lists where it does not.
 */
export type DiscoveryMode = "watch" | "poll" | "request" | "auto";

/** One cluster, every default filled in. Times are milliseconds unless the name says otherwise. */
export interface ClusterOptions extends ApiserverAccess {
  /** "" in single-cluster mode, where no output shows it. */
  readonly id: string;
  /** Namespace of a service reference that names none. */
  readonly namespace: string;
  readonly mode: DiscoveryMode;
  /** False: readiness does not wait for this cluster. */
  readonly required: boolean;
  /** undefined: all that the selector allows, read with a ClusterRole. Else each with a list-watch of its own. */
  readonly namespaces?: readonly string[] | undefined;
  readonly namespace_selector?: NamespaceSelector | undefined;
  readonly label_selector?: string | undefined;
  /** True: EndpointSlices are read, else Endpoints. */
  readonly watch_endpoint_slices: boolean;
  /** True: Services are read too. */
  readonly resolve_service_ports: boolean;
  /** Weight of an address without a weight of its own. */
  readonly default_weight: number;
  /** Which of a dual-stack pod's addresses is used. */
  readonly address_family: "any" | "ipv4" | "ipv6";
  readonly poll_interval: number;
  /** 0: a snapshot never becomes too old. */
  readonly max_stale: number;
  /** How long a watch may be silent before it is reopened. */
  readonly watch_idle: number;
  readonly watch_timeout_seconds?: number | undefined;
  readonly watch_jitter_seconds?: number | undefined;
  readonly watch_retry_interval_seconds?: number | undefined;
  readonly watch_retry_max_seconds?: number | undefined;
  /** How long the last nodes of a service that became empty are still used. */
  readonly empty_grace: number;
  /** `64m`: over this estimate of its size the snapshot is warned about. */
  readonly shared_size?: string | undefined;
  /** The path of a file that keeps the last good snapshot. */
  readonly snapshot_file?: string | undefined;
}
