import type { PortAnswer } from "../../discovery/views.ts";
import type { VerbReview } from "../../kubernetes/access-review.ts";
import type { KubernetesObject } from "../../kubernetes/types.ts";

/** What `check --live` found out: plain data, ready for JSON, without secrets. */
export interface LiveReport {
  /** False: something keeps the config from working now. */
  readonly ok: boolean;
  readonly clusters: readonly ClusterReport[];
  readonly services: readonly ServiceReport[];
}

/** One cluster, asked by itself. */
export interface ClusterReport {
  /** "" in single-cluster mode. */
  readonly id: string;
  /** Its URL; null: that could not even be read. */
  readonly server: string | null;
  /** Whether its certificate was verified; null: no answer came. */
  readonly tls: "verified" | "not_verified" | "none" | null;
  /** `v1.32.0`; null: it does not tell. */
  readonly version: string | null;
  /** Versions of `discovery.k8s.io` it serves, its favourite first. */
  readonly slices: readonly string[];
  /** Who the gateway is there; null: the apiserver does not say. */
  readonly user: string | null;
  /** When the token ends (ISO 8601); null: it does not say, or there is none. */
  readonly tokenExpires: string | null;
  /** Seconds by which the apiserver's clock is ahead of this machine's; null: it does not tell. */
  readonly clockAhead: number | null;
  /** Every verb the config needs. */
  readonly rights: readonly VerbReview[];
  /** Objects that give the rights that are missing: `kubectl apply` takes them as they are. */
  readonly rules: readonly KubernetesObject[];
  /** What does not work. */
  readonly faults: readonly string[];
  /** What will not work for long, or is not wise. */
  readonly warnings: readonly string[];
}

/** A service that a route or a stream names. */
export interface ServiceReport {
  /** `route web`, `stream mysql`. */
  readonly usedBy: string;
  /** As it is written there. */
  readonly service: string;
  /** `[id/]namespace/name[:port]`, complete. */
  readonly reference: string;
  /** Nodes that would get traffic. */
  readonly nodes: number;
  readonly port?: PortAnswer;
  /** Why there are none, as `nodes` tells it. */
  readonly code?: string;
  readonly reason?: string;
  readonly available?: readonly string[];
  readonly warning?: string;
}
