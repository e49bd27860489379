import type { ListProgress } from "../kubernetes/list-all.ts";
import type { SkippedObject } from "../kubernetes/skipped-objects.ts";
import type { ClientState } from "../kubernetes/types.ts";
import type { ServicesPage, ServicesQuery } from "./catalog.ts";
import type { PortMatch } from "./resolve/select.ts";
import type { SnapshotFileStatus } from "./store/snapshot-persister.ts";
import type { EmptyReason, Node, Upstream, UpstreamQuery } from "./types.ts";

export type { Node } from "./types.ts";

/** What the admin API and the commands show of discovery: plain data, ready for JSON. */

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
  /** Only while a list is under way whose length matters: how far it is, over all sources. */
  readonly listing?: ListProgress;
  /** With the namespace it happened in and the missing RBAC rule; null when all is well. */
  readonly lastError: string | null;
  /** Objects that could not be read, the first of them by name: others are taken in without them. Absent: none. */
  readonly skipped?: { readonly count: number; readonly objects: readonly SkippedObject[] };
  /** How many objects had a part left out (a port, an address): `nodes?verbose=1` has the notes. Absent: none. */
  readonly partial?: number;
  /** Only with `snapshot_file`. */
  readonly snapshotFile?: SnapshotFileStatus;
}

/** Counters of one cluster since it was started, for metrics. */
export interface ClusterCounters {
  /** Full lists by reason. */
  readonly lists: Readonly<Record<string, number>>;
  readonly watches: number;
  readonly events: number;
  /** Objects that were left out, by reason; `part`: a part of one was. */
  readonly skipped: Readonly<Record<string, number>>;
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
  /** Why others come first, though it may get traffic; absent where none does. */
  readonly behind?: string;
  /** Routes that eject it after failed requests, and until when at the latest (ISO 8601); added by the gateway. */
  readonly ejection?: { readonly until: string; readonly routes: readonly string[] };
  /** Routes whose active health checks of it fail: the gateway adds it. */
  readonly unhealthy?: { readonly routes: readonly string[] };
}

/** How the port of a service was found. */
export interface PortAnswer {
  /** What was asked for: a name, a number, or the route's scheme; null: nothing, so that the first is taken. */
  readonly asked: string | null;
  /** Where that stands. */
  readonly from: "reference" | "port_name" | "scheme" | "nowhere";
  /** The rule that found it; null: none did. */
  readonly by: PortMatch | null;
  /** What it came to; pods of one service may name the same port with different numbers. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** All ports of the service, as a person reads them. */
  readonly exist: readonly string[];
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
  /** With `verbose`: how the port was found. Absent where the service is not known. */
  readonly port?: PortAnswer;
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
   * What is known of a service now, by a reference alone or as a route completes it. In mode `request` await its
   * upstream's `refresh()` first: this calls no apiserver.
   */
  query(asked: string | UpstreamQuery, options?: { readonly verbose?: boolean }): NodesAnswer;
  status(): { readonly clusters: readonly ClusterStatus[] };
  /** A page of the services of all clusters. */
  services(query: ServicesQuery): ServicesPage;
  /** `config` must have no secret in it any more. */
  dump(config: unknown): Dump;
  /** Ready once every required cluster has a snapshot. */
  readiness(): Readiness;
}
