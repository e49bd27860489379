import type { Snapshot } from "../store/snapshot.ts";
import type { ClusterFacts, ClusterTap, ScopedChange, TapListener } from "./updates.ts";

/** A tap, and how it is told. Costs nothing while nobody listens. */
export interface OpenTap extends ClusterTap {
  changed(change: ScopedChange): void;
  factsChanged(): void;
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
export function createTap(snapshot: () => Pick<Snapshot, "slices" | "services">, facts: () => ClusterFacts): OpenTap {
  const listeners = new Set<TapListener>();
  return {
    whole: () => wholeOf(snapshot()),
    facts,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed(change) {
      for (const listener of listeners) listener.change(change);
    },
    factsChanged() {
      for (const listener of listeners) listener.facts();
    },
  };
}
