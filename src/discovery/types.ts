import type { ClientState } from "../kubernetes/types.ts";

/** The words of discovery: what routes ask for and what they get, and what the admin API shows of it. */

/** An address that may get traffic, as APISIX's `nodes()` gives it. */
export interface Node {
  /** IPv4, IPv6 without brackets, or (static nodes only) a name. */
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

/** A node with what balancing, retries and health need beside it. Frozen; shared by all readers. */
export interface Endpoint extends Node {
  /** `host:port`, IPv6 bracketed: what goes into a URL and into logs. */
  readonly address: string;
  /** uid of the pod behind it, where the object names one: the same address with another uid is another endpoint. */
  readonly uid: string | undefined;
  /** `namespace/name` of the pod, where the object names one. */
  readonly pod: string | undefined;
  readonly zone: string | undefined;
  /** True: it is terminating and used only because no ready one exists. */
  readonly terminating: boolean;
}

/** A service reference, taken apart (design: Service reference). */
export interface ServiceReference {
  /** undefined in single-cluster mode. */
  readonly cluster: string | undefined;
  readonly namespace: string;
  readonly name: string;
  /** What stood after the colon: a port's name or number. */
  readonly port: string | undefined;
}

/** What a route asks discovery for: the reference as written, and the route's own keys that complete it. */
export interface UpstreamQuery {
  readonly service: string;
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
  readonly portName?: string | undefined;
  /** Only where the route sets it: chooses the port of that name (Ocelot's rule). */
  readonly scheme?: string | undefined;
}

/** Why an upstream has no nodes, for people; and which problem answer that is. */
export interface EmptyReason {
  readonly code: "no_endpoints" | "not_synced" | "service_unknown" | "port_unknown";
  /** For the log and the admin API: may name services, ports, namespaces that exist. */
  readonly detail: string;
  /** For the answer to a client: no addresses, no names of other services. */
  readonly outward: string;
}

/**
 * A route's view of one service port. Made once per route; reading it costs the same whatever the cluster's size.
 */
export interface Upstream {
  /** `[id/]namespace/name[:port]`, complete: for logs and metrics. */
  readonly name: string;
  /** The cluster's id, "" in single-cluster mode. */
  readonly cluster: string;
  /**
   * What may get traffic now, sorted by host as text, then port. The array is frozen, and another array is returned
   * exactly when the contents changed: readers compare identity to know whether to rebuild what they derived.
   */
  endpoints(): readonly Endpoint[];
  /**
   * undefined (nearly always): `endpoints()` may be used at once. Else it must be awaited first: mode `request`, a
   * snapshot older than `max_stale`, or a first sync still under way. Resolves, never rejects; then `endpoints()`
   * or `reason()` tells.
   */
  refresh(): Promise<void> | undefined;
  /** Why `endpoints()` is empty; undefined when it is not. */
  reason(): EmptyReason | undefined;
}

/** One cluster's entry of `/v1/discovery/kubernetes/status`. With several sources the worst state is shown. */
export interface ClusterStatus {
  /** "" in single-cluster mode. */
  readonly id: string;
  readonly state: ClientState;
  /** True: there is a snapshot, and nothing keeps it up to date at the moment. */
  readonly stale: boolean;
  readonly mode: "watch" | "poll" | "request" | "auto";
  readonly required: boolean;
  /** Of the newest state seen; with several namespaces `namespace=version`, space-separated. null: none yet. */
  readonly resourceVersion: string | null;
  /** Seconds since the last byte, watch event and full list; the oldest of several sources. null: never. */
  readonly ages: { readonly byte: number | null; readonly event: number | null; readonly list: number | null };
  /** Services with an Endpoints object or an EndpointSlice. */
  readonly services: number;
  /** Addresses that may get traffic. */
  readonly endpoints: number;
  /** In words, with the namespace it happened in and the missing RBAC rule; null when all is well. */
  readonly lastError: string | null;
}

/** Counters of one cluster since it was started, for metrics. */
export interface ClusterCounters {
  /** Full lists by reason. */
  readonly lists: Readonly<Record<string, number>>;
  readonly watches: number;
  readonly events: number;
  /** Changes that altered a service. */
  readonly changes: number;
  /** Changes that altered nothing a reader sees. */
  readonly unchanged: number;
  /** Endpoints objects the control plane cut at 1,000 addresses. */
  readonly truncated: number;
  /** Estimated size of the snapshot in bytes. */
  readonly bytes: number;
}

/** A node as `nodes?verbose=1` shows it; also the excluded ones, with why. */
export interface NodeDetail extends Node {
  /** Name of the Endpoints object or EndpointSlice it comes from. */
  readonly slice: string;
  readonly resourceVersion: string;
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  readonly zone?: string;
  /** `namespace/name`. */
  readonly pod?: string;
  readonly uid?: string;
  /** Zones it is hinted to (`hints.forZones`). */
  readonly hints?: readonly string[];
  /** Why it gets no traffic; absent for a node that does. */
  readonly excluded?: string;
}

/** The answer of `nodes(REF)`. */
export interface NodesAnswer {
  /** The reference as asked. */
  readonly service: string;
  readonly nodes: readonly (Node | NodeDetail)[];
  readonly code?: EmptyReason["code"];
  /** Why there are no nodes. */
  readonly reason?: string;
  /** What exists in place of what was asked for: ports, services, namespaces or clusters. */
  readonly available?: readonly string[];
  /** With `verbose`: addresses that are known and get no traffic. */
  readonly excluded?: readonly NodeDetail[];
  /** With `verbose`: what was left out while reading the objects, and warnings. */
  readonly notes?: readonly string[];
}

/** `/v1/discovery/kubernetes/dump`, in APISIX's shape. */
export interface Dump {
  readonly config: unknown;
  readonly endpoints: readonly {
    /** Absent in single-cluster mode. */
    readonly id?: string;
    /** `value` is JSON text: nodes by port name, or by number where the port has no name. */
    readonly endpoints: readonly { readonly name: string; readonly value: string }[];
  }[];
}

/** Whether traffic may be sent to this gateway, and what it waits for. */
export interface Readiness {
  readonly ready: boolean;
  readonly waiting: readonly { readonly id: string; readonly state: ClientState; readonly reason: string }[];
}

/** Everything routes, the admin API and commands may ask. It changes nothing. */
export interface Discovery {
  /** A route's view of one service port; made once per route and config. Never throws: a bad reference has a reason. */
  upstream(query: UpstreamQuery): Upstream;
  /**
   * What is known of a service now. In mode `request` await `upstream({ service }).refresh()` first: this asks nobody.
   */
  query(reference: string, options?: { readonly verbose?: boolean }): NodesAnswer;
  status(): readonly ClusterStatus[];
  /** `config` must have no secret in it any more. */
  dump(config: unknown): Dump;
  /** Ready once every required cluster has a snapshot. */
  readiness(): Readiness;
}
