import type { Change, ClientState } from "../../kubernetes/types.ts";
import type { ServiceRecord } from "../records/services.ts";
import type { SliceRecord } from "../records/slice-record.ts";
import type { ClusterCounters, ClusterStatus } from "../views.ts";

/**
 * What one side that follows a cluster tells others that do not: plain data, in the order in which it happened. A follower that was told everything once and every change since knows what its teller knows.
 */

/** A change of what a cluster's snapshot holds. */
export type ScopedChange =
  | { readonly of: "slices"; readonly scope: string; readonly change: Change<SliceRecord> }
  | { readonly of: "services"; readonly scope: string; readonly change: Change<ServiceRecord> };

/** How far one namespace's (or all namespaces') part of a cluster may be believed. See `Scope`. */
export interface ScopeFacts {
  readonly synced: boolean;
  readonly listed: boolean;
  readonly hopeful: boolean;
  readonly state: ClientState;
  readonly lastError: string | undefined;
  /** When the snapshot was last known to be what the apiserver has, milliseconds since the epoch. */
  readonly known: number;
}

/** How far a cluster may be believed. */
export interface ClusterSyncStatus {
  readonly synced: boolean;
  readonly listed: boolean;
  /** In the order of the cluster's plan; none in mode `request`. */
  readonly scopes: readonly ScopeFacts[];
  readonly status: ClusterStatus;
  readonly counters: ClusterCounters;
}

/** What a follower is told at once; nobody sees a half of it. */
export interface ClusterUpdate {
  /** Replaces everything the follower holds: one `replace` for each scope. */
  readonly fullState?: readonly ScopedChange[];
  /** What changed, in order, after `whole`. */
  readonly changes?: readonly ScopedChange[];
  readonly syncStatus?: ClusterSyncStatus;
}

/**
 * News as text, of changes that are texts already: they are written once, for however many are told. A text goes from one
 * thread to another as it is, where cloning the objects costs Bun some 80 us for each EndpointSlice.
 */
export function updateText(news: {
  readonly whole: string | undefined;
  readonly changes: readonly string[];
  readonly facts: ClusterSyncStatus | undefined;
}): string {
  const parts: string[] = [];
  if (news.whole !== undefined) parts.push(`"fullState":${news.whole}`);
  if (news.changes.length > 0) parts.push(`"changes":[${news.changes.join(",")}]`);
  if (news.facts !== undefined) parts.push(`"syncStatus":${JSON.stringify(news.facts)}`);
  return `{${parts.join(",")}}`;
}

/** The news of a text: what is undefined is left out of it. */
export const readUpdate = (text: string): ClusterUpdate => JSON.parse(text) as ClusterUpdate;

/** A cluster's own side of it. */
export interface ChangeFeed {
  /** One `replace` for each scope that holds something. */
  fullState(): ScopedChange[];
  syncStatus(): ClusterSyncStatus;
  /** Calls back at each change, at once, and when the facts may be others; returns the function that ends it. */
  subscribe(listener: ChangeListener): () => void;
}

/** Who listens to a tap. */
export interface ChangeListener {
  change(change: ScopedChange): void;
  syncStatus(): void;
}
