/** What routes ask discovery for, and what they get. */

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
  /** The greater first: a route's own nodes may have one, those of a service have 0. */
  readonly priority: number;
  /** False: of another zone than this gateway's; used when no preferred one takes traffic, and for retries. */
  readonly preferred: boolean;
}

/** A service reference, taken apart as the configuration writes it. */
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
  /** What exists in place of what was asked for: ports, services, namespaces or clusters. */
  readonly available?: readonly string[];
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
