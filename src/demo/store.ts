import { expired } from "./status.ts";
import type { StoredObject } from "./types.ts";

/** One change. Versions of events are consecutive: there is one counter for all resources, as in etcd. */
export interface StoreEvent {
  readonly version: number;
  readonly resource: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** As stored; of a deletion: as it last was, with the deletion's version. */
  readonly object: StoredObject;
  /** What it replaced or removed. */
  readonly previous: StoredObject | undefined;
}

/** Objects by resource, in memory, with a history of changes. Synchronous, so that several writes make one step. */
export interface Store {
  readonly version: number;
  /** The oldest version that can still be read and watched from. */
  readonly oldest: number;
  get(resource: string, namespace: string, name: string): StoredObject | undefined;
  /** Sorted by namespace, then name. The array is shared: do not change it. */
  list(resource: string): readonly StoredObject[];
  /** The list as it was at a version not older than `oldest`. */
  listAt(resource: string, version: number): readonly StoredObject[];
  /** Stores the draft under the next version, whatever version it names. */
  put(resource: string, draft: StoredObject): StoredObject;
  remove(resource: string, namespace: string, name: string): StoredObject | undefined;
  /** Changes after a version; throws 410 when they are no longer all known. */
  since(version: number): readonly StoreEvent[];
  subscribe(fn: (event: StoreEvent) => void): () => void;
  /** Drops all but the last `keep` changes. */
  compact(keep: number): void;
}

/** How the apiserver's own storage orders and continues lists. */
export const storeKey = (object: { metadata: { namespace?: string; name: string } }): string =>
  `${object.metadata.namespace ?? ""}/${object.metadata.name}`;

const byKey = (a: [string, StoredObject], b: [string, StoredObject]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

const sorted = (objects: ReadonlyMap<string, StoredObject>): StoredObject[] =>
  [...objects].sort(byKey).map(([, object]) => object);

/** A store that keeps the last `history` changes. */
export function createStore(history: number): Store {
  const tables = new Map<string, Map<string, StoredObject>>();
  const ordered = new Map<string, readonly StoredObject[]>();
  const listeners = new Set<(event: StoreEvent) => void>();
  let events: StoreEvent[] = [];
  let version = 1;
  let oldest = 1;

  const table = (resource: string): Map<string, StoredObject> => {
    let found = tables.get(resource);
    if (!found) {
      found = new Map();
      tables.set(resource, found);
    }
    return found;
  };
  const compact = (keep: number): void => {
    if (keep >= events.length) return;
    const from = events.length - keep;
    oldest = events[from - 1]!.version;
    events = events.slice(from);
  };
  const record = (event: StoreEvent): void => {
    ordered.delete(event.resource);
    events.push(event);
    // Trimmed in bulk: one slice per `history` changes instead of one per change.
    if (events.length >= 2 * history) compact(history);
    else if (events.length > history) oldest = events[events.length - history - 1]!.version;
    for (const listener of [...listeners]) listener(event);
  };
  const after = (from: number): readonly StoreEvent[] => events.slice(Math.max(0, from - (version - events.length)));
  const list = (resource: string): readonly StoredObject[] => {
    let found = ordered.get(resource);
    if (!found) {
      found = sorted(table(resource));
      ordered.set(resource, found);
    }
    return found;
  };

  return {
    get version() {
      return version;
    },
    get oldest() {
      return oldest;
    },
    get: (resource, namespace, name) => table(resource).get(`${namespace}/${name}`),
    list,
    listAt(resource, wanted) {
      const undo = after(wanted).filter((event) => event.resource === resource);
      if (undo.length === 0) return list(resource);
      const then = new Map(table(resource));
      for (const { type, object, previous } of undo.reverse()) {
        if (type === "ADDED") then.delete(storeKey(object));
        else then.set(storeKey(object), previous!);
      }
      return sorted(then);
    },
    put(resource, draft) {
      const objects = table(resource);
      const key = storeKey(draft);
      const previous = objects.get(key);
      version++;
      const object: StoredObject = { ...draft, metadata: { ...draft.metadata, resourceVersion: String(version) } };
      objects.set(key, object);
      record({ version, resource, type: previous ? "MODIFIED" : "ADDED", object, previous });
      return object;
    },
    remove(resource, namespace, name) {
      const objects = table(resource);
      const previous = objects.get(`${namespace}/${name}`);
      if (!previous) return undefined;
      objects.delete(`${namespace}/${name}`);
      version++;
      const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(version) } };
      record({ version, resource, type: "DELETED", object, previous });
      return object;
    },
    since(from) {
      if (from < oldest) throw expired(`too old resource version: ${from} (${oldest})`);
      return after(from);
    },
    subscribe(fn) {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
    compact,
  };
}
