import type { UnavailableReason } from "../resolve/freshness.ts";
import type { ClusterStore } from "../store/cluster-store.ts";
import type { SnapshotFileStatus } from "../store/snapshot-persister.ts";

/** Keeps a cluster's store in step with its apiserver. */
export interface Feed {
  /** Feeds the store until the signal aborts; never rejects for an error of the apiserver. Once only. */
  run(signal: AbortSignal): Promise<void>;
  /** Called once `run` is over and all who waited for it know; never rejects. */
  readonly close?: (() => Promise<void> | undefined) | undefined;
  /** What a request for a service awaits first; undefined: nothing. Left out: the sync of its namespace decides. */
  readonly refresh?: ((namespace: string, name: string) => Promise<void> | undefined) | undefined;
  /** Why the store cannot tell about a service. Left out: the sync of its namespace decides. */
  readonly unavailable?: ((namespace: string, name: string) => UnavailableReason | undefined) | undefined;
  /** Left out, or undefined: there is no snapshot file. */
  readonly snapshotFile?: (() => SnapshotFileStatus | undefined) | undefined;
}

/** Makes the feed of a store. */
export type CreateFeed<F extends Feed = Feed> = (store: ClusterStore) => F;
