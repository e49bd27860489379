import type { Change } from "../../kubernetes/types.ts";
import type { ServiceRecord } from "../records/services.ts";
import type { SliceRecord } from "../records/slice-record.ts";
import type { SnapshotFileStatus } from "../store/snapshot-persister.ts";
import type { SourceSync } from "./tracked-source.ts";

/*
 * What a cluster sends to its replicas: plain data, in the order in which it happened. A replica that received the full
 * state once and every change since holds what the cluster holds.
 */

/** A change of what a cluster's snapshot holds. */
export type ScopedChange =
  | { readonly of: "slices"; readonly scope: string; readonly change: Change<SliceRecord> }
  | { readonly of: "services"; readonly scope: string; readonly change: Change<ServiceRecord> };

/** How far a cluster is in step with its apiserver. Sources in the order of the cluster's plan. */
export interface ClusterSyncStatus {
  /** False: its sources do not run any more. */
  readonly running: boolean;
  readonly endpoints: readonly SourceSync[];
  readonly services: readonly SourceSync[];
  readonly snapshotFile?: SnapshotFileStatus | undefined;
}

/** What a replica receives at once; no reader sees a part of it. */
export interface ClusterUpdate {
  /** Replaces everything the replica holds: one `replace` for each scope. */
  readonly fullState?: readonly ScopedChange[];
  /** What changed, in order, after `fullState`. */
  readonly changes?: readonly ScopedChange[];
  readonly syncStatus?: ClusterSyncStatus;
}

/**
 * An update as text, of changes that are texts already: each is written once, for however many replicas. A text goes
 * from one thread to another as it is, where cloning the objects costs Bun some 80 us for each EndpointSlice.
 */
export function updateText(update: {
  readonly fullState: string | undefined;
  readonly changes: readonly string[];
  readonly syncStatus: ClusterSyncStatus | undefined;
}): string {
  const { fullState, changes, syncStatus } = update;
  const parts: string[] = [];
  if (fullState !== undefined) parts.push(`"fullState":${fullState}`);
  if (changes.length > 0) parts.push(`"changes":[${changes.join(",")}]`);
  if (syncStatus !== undefined) parts.push(`"syncStatus":${JSON.stringify(syncStatus)}`);
  return `{${parts.join(",")}}`;
}

/** The update of a text: what is undefined is left out of it. */
export const readUpdate = (text: string): ClusterUpdate => JSON.parse(text) as ClusterUpdate;
