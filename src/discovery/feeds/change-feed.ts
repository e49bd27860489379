import type { Snapshot } from "../store/snapshot.ts";
import type { ClusterSyncStatus, ScopedChange } from "./updates.ts";

/** What a cluster offers to those who relay it. */
export interface ChangeFeed {
  /** One `replace` for each scope that holds something. */
  fullState(): ScopedChange[];
  syncStatus(): ClusterSyncStatus;
  /** Calls back at each change, at once, and when the sync status may have changed; returns the unsubscribe. */
  subscribe(listener: ChangeListener): () => void;
}

/** Who is notified by a change feed. */
export interface ChangeListener {
  change(change: ScopedChange): void;
  syncStatus(): void;
}

/** A change feed, and how its listeners are notified. Costs nothing while there are none. */
export interface WritableChangeFeed extends ChangeFeed {
  changed(change: ScopedChange): void;
  syncStatusChanged(): void;
}

/** Makes the change feed of a snapshot. */
export function createChangeFeed(
  snapshot: () => Pick<Snapshot, "slices" | "services">,
  syncStatus: () => ClusterSyncStatus,
): WritableChangeFeed {
  const listeners = new Set<ChangeListener>();
  return {
    fullState() {
      const { slices, services } = snapshot();
      const full: ScopedChange[] = [];
      for (const [scope, records] of slices) {
        full.push({ of: "slices", scope, change: { kind: "replace", items: [...records.values()] } });
      }
      for (const [scope, records] of services) {
        full.push({ of: "services", scope, change: { kind: "replace", items: [...records.values()] } });
      }
      return full;
    },
    syncStatus,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed(change) {
      for (const listener of listeners) listener.change(change);
    },
    syncStatusChanged() {
      for (const listener of listeners) listener.syncStatus();
    },
  };
}
