import type { Snapshot } from "../store/snapshot.ts";
import type { ChangeFeed, ChangeListener, ClusterSyncStatus, ScopedChange } from "./updates.ts";

/** A tap, and how it is told. Costs nothing while nobody listens. */
export interface WritableChangeFeed extends ChangeFeed {
  changed(change: ScopedChange): void;
  syncStatusChanged(): void;
}

/** One `replace` for each scope of a snapshot that holds something. */
function wholeOf({ slices, services }: Pick<Snapshot, "slices" | "services">): ScopedChange[] {
  const told: ScopedChange[] = [];
  for (const [scope, records] of slices) {
    told.push({ of: "slices", scope, change: { kind: "replace", items: [...records.values()] } });
  }
  for (const [scope, records] of services) {
    told.push({ of: "services", scope, change: { kind: "replace", items: [...records.values()] } });
  }
  return told;
}

/** Makes the tap of a snapshot. */
export function createChangeFeed(
  snapshot: () => Pick<Snapshot, "slices" | "services">,
  facts: () => ClusterSyncStatus,
): WritableChangeFeed {
  const listeners = new Set<ChangeListener>();
  return {
    fullState: () => wholeOf(snapshot()),
    syncStatus: facts,
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
