import type { Clock } from "../../base/clock.ts";
import type { Change, ObjectKey } from "../../kubernetes/types.ts";
import type { ScopedChange } from "../feeds/updates.ts";
import { type ServiceRecord, sameService } from "../records/services.ts";
import { recordBytes, type SliceRecord, sameContent } from "../records/slice-record.ts";

/** All that is known of one service. Readers compare identity and version to know whether they are up to date. */
export interface ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  /** By the objects' names, so that every mode and every restart gives the same order. */
  readonly slices: readonly SliceRecord[];
  /** Only where Services are read (`resolve_service_ports`). */
  readonly service: ServiceRecord | undefined;
  /** Rises with every change a reader could see. */
  readonly version: number;
  /** While `empty_grace` runs: what the service had before it became empty, and until when (ms since the epoch). */
  readonly last: { readonly slices: readonly SliceRecord[]; readonly until: number } | undefined;
}

/** Sizes and counters of a snapshot. */
export interface SnapshotCounts {
  /** Services with at least one Endpoints object or EndpointSlice. */
  readonly services: number;
  /** Addresses that may get traffic. */
  readonly endpoints: number;
  /** Estimated bytes of heap. */
  readonly bytes: number;
  /** Objects the control plane cut. */
  readonly truncated: number;
  /** Objects of which a part was left out: a port, an address. */
  readonly partial: number;
  /** How often such an object was taken in, since the start. */
  readonly partialTaken: number;
  /** Changes that altered a service, since the start. */
  readonly changes: number;
  /** Changes that altered nothing a reader sees, since the start. */
  readonly unchanged: number;
}

/** What routes and the admin API get: it changes nothing. */
export interface SnapshotReader {
  /** The entry of `namespace/name`; undefined: nothing is known of it. Costs the same whatever the cluster's size. */
  get(key: string): ServiceEntry | undefined;
  entries(): Iterable<ServiceEntry>;
  /** Another number whenever an entry came or went. */
  membership(): number;
  /** Namespaces with a service. */
  namespaces(): Iterable<string>;
  /** Names of the services in a namespace. */
  servicesIn(namespace: string): Iterable<string>;
  counts(): SnapshotCounts;
}

/** One place for what is known of a cluster's services: each source writes its own scope. */
export interface Snapshot {
  readonly reader: SnapshotReader;
  /** What each scope holds, by `namespace/name` of the object. */
  readonly slices: ReadonlyMap<string, ReadonlyMap<string, SliceRecord>>;
  readonly services: ReadonlyMap<string, ReadonlyMap<string, ServiceRecord>>;
  /** Rises with every change a reader could see. */
  revision(): number;
  /**
   * The receiver of one source's slices. A `replace` replaces what this scope holds and nothing else, at once for all
   * readers; `put` and `remove` cost as much as one service has slices.
   */
  writer(scope: string): (change: Change<SliceRecord>) => void;
  /** The same for Services. */
  serviceWriter(scope: string): (change: Change<ServiceRecord>) => void;
}

export interface SnapshotOptions {
  readonly clock: Clock;
  /** Milliseconds the last nodes of a service that became empty are kept. @default 0 */
  readonly emptyGrace?: number | undefined;
  /** Called for every change of a service's slices, as it is made. */
  readonly onSlices?:
    | ((entry: ServiceEntry, before: readonly SliceRecord[], after: readonly SliceRecord[]) => void)
    | undefined;
  /** Called for every change after it was applied. */
  readonly onChange?: ((change: ScopedChange) => void) | undefined;
}

type MutableEntry = { -readonly [K in keyof ServiceEntry]: ServiceEntry[K] };

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

const usable = (slices: readonly SliceRecord[]): number => slices.reduce((sum, slice) => sum + slice.usable, 0);

/** An empty snapshot. Reads and writes happen in one turn of the event loop each, so no reader sees a half. */
export function createSnapshot({ clock, emptyGrace = 0, onSlices, onChange }: SnapshotOptions): Snapshot {
  const entries = new Map<string, MutableEntry>();
  const byNamespace = new Map<string, Set<string>>();
  const slicesOf = new Map<string, Map<string, SliceRecord>>();
  const servicesOf = new Map<string, Map<string, ServiceRecord>>();
  /** Entries that lost their last slice or their Service in the change under way, if only for its duration. */
  const emptied = new Set<MutableEntry>();
  const counts = {
    services: 0,
    endpoints: 0,
    bytes: 0,
    truncated: 0,
    partial: 0,
    partialTaken: 0,
    changes: 0,
    unchanged: 0,
  };

  let revision = 0;
  let membership = 0;

  const touch = (entry: MutableEntry): void => {
    entry.version++;
    revision++;
  };

  const entryFor = (namespace: string, name: string): MutableEntry => {
    const key = keyOf(namespace, name);
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { namespace, name, slices: [], service: undefined, version: 0, last: undefined };
      entries.set(key, entry);
      membership++;
      const names = byNamespace.get(namespace);
      if (names === undefined) byNamespace.set(namespace, new Set([name]));
      else names.add(name);
    }
    return entry;
  };

  const dropIfUnused = (entry: MutableEntry): void => {
    if (entry.slices.length > 0 || entry.service !== undefined) return;
    if (entry.last !== undefined && clock.now() < entry.last.until) return;
    const key = keyOf(entry.namespace, entry.name);
    if (entries.get(key) !== entry) return;
    entries.delete(key);
    membership++;
    const names = byNamespace.get(entry.namespace)!;
    names.delete(entry.name);
    if (names.size === 0) byNamespace.delete(entry.namespace);
  };

  const setSlices = (entry: MutableEntry, slices: readonly SliceRecord[]): void => {
    const before = usable(entry.slices);
    const after = usable(slices);
    counts.endpoints += after - before;
    counts.services += Math.sign(slices.length) - Math.sign(entry.slices.length);
    if (after > 0) entry.last = undefined;
    else if (before > 0 && emptyGrace > 0) {
      entry.last = { slices: entry.slices, until: clock.now() + emptyGrace };
      clock.after(emptyGrace, () => {
        if (entry.last !== undefined && clock.now() >= entry.last.until) entry.last = undefined;
        dropIfUnused(entry);
      });
    }
    onSlices?.(entry, entry.slices, slices);
    entry.slices = slices;
    touch(entry);
    if (slices.length === 0) emptied.add(entry);
  };

  const account = (record: SliceRecord, sign: 1 | -1): void => {
    counts.bytes += sign * recordBytes(record);
    if (record.truncated) counts.truncated += sign;
    if (record.notes.length === 0) return;
    counts.partial += sign;
    if (sign === 1) counts.partialTaken++;
  };

  const detach = (record: SliceRecord): void => {
    const entry = entryFor(record.namespace, record.service);
    setSlices(
      entry,
      entry.slices.filter((slice) => slice !== record),
    );
  };

  const attach = (record: SliceRecord, old: SliceRecord | undefined): void => {
    const entry = entryFor(record.namespace, record.service);
    const slices = entry.slices.filter((slice) => slice !== old);
    let at = slices.length;
    while (at > 0 && slices[at - 1]!.name > record.name) at--;
    slices.splice(at, 0, record);
    setSlices(entry, slices);
  };

  const putSlice = (scope: Map<string, SliceRecord>, record: SliceRecord): void => {
    const key = keyOf(record.namespace, record.name);
    const old = scope.get(key);
    scope.set(key, record);
    account(record, 1);
    if (old !== undefined) account(old, -1);
    if (old !== undefined && sameContent(old, record)) {
      // Only its version moved on: readers keep what they have.
      const entry = entryFor(record.namespace, record.service);
      entry.slices = entry.slices.map((slice) => (slice === old ? record : slice));
      counts.unchanged++;
      return;
    }
    counts.changes++;
    if (old !== undefined && old.service !== record.service) {
      detach(old);
      attach(record, undefined);
    } else attach(record, old);
  };

  const removeSlice = (scope: Map<string, SliceRecord>, key: string): void => {
    const old = scope.get(key);
    if (old === undefined) return;
    scope.delete(key);
    account(old, -1);
    counts.changes++;
    detach(old);
  };

  const putService = (scope: Map<string, ServiceRecord>, record: ServiceRecord): void => {
    const key = keyOf(record.namespace, record.name);
    const old = scope.get(key);
    scope.set(key, record);
    const entry = entryFor(record.namespace, record.name);
    entry.service = record;
    if (old === undefined || !sameService(old, record)) touch(entry);
  };

  const removeService = (scope: Map<string, ServiceRecord>, key: string): void => {
    const old = scope.get(key);
    if (old === undefined) return;
    scope.delete(key);
    const entry = entryFor(old.namespace, old.name);
    entry.service = undefined;
    touch(entry);
    emptied.add(entry);
  };

  /** Applies changes to a scope. What is new goes in first: a renamed slice leaves no gap. */
  const receiver = <T extends { readonly namespace: string; readonly name: string }>(
    scopes: Map<string, Map<string, T>>,
    name: string,
    put: (scope: Map<string, T>, record: T) => void,
    remove: (scope: Map<string, T>, key: string) => void,
    applied: ((change: Change<T>) => void) | undefined,
  ): ((change: Change<T>) => void) => {
    const scope = scopes.get(name) ?? new Map<string, T>();
    scopes.set(name, scope);
    const replace = (items: readonly T[], unread: readonly ObjectKey[] = []): void => {
      const listed = new Set(unread.map((object) => keyOf(object.namespace, object.name)));
      for (const item of items) {
        listed.add(keyOf(item.namespace, item.name));
        put(scope, item);
      }
      for (const key of [...scope.keys()]) if (!listed.has(key)) remove(scope, key);
    };
    return (change) => {
      if (change.kind === "replace") replace(change.items, change.unread);
      else if (change.kind === "put") put(scope, change.item);
      else remove(scope, keyOf(change.namespace, change.name));
      for (const entry of emptied) dropIfUnused(entry);
      emptied.clear();
      applied?.(change);
    };
  };

  return {
    reader: {
      get: (key) => entries.get(key),
      entries: () => entries.values(),
      membership: () => membership,
      namespaces: () => byNamespace.keys(),
      servicesIn: (namespace) => byNamespace.get(namespace) ?? [],
      counts: () => ({ ...counts }),
    },
    slices: slicesOf,
    services: servicesOf,
    revision: () => revision,
    writer(scope) {
      const applied = onChange && ((change: Change<SliceRecord>) => onChange({ of: "slices", scope, change }));
      return receiver(slicesOf, scope, putSlice, removeSlice, applied);
    },
    serviceWriter(scope) {
      const applied = onChange && ((change: Change<ServiceRecord>) => onChange({ of: "services", scope, change }));
      return receiver(servicesOf, scope, putService, removeService, applied);
    },
  };
}
