import type { Clock } from "../../base/clock.ts";
import { createRing } from "../../base/ring.ts";
import type { ClientState } from "../../kubernetes/types.ts";
import { type SliceRecord, unpackEndpoints } from "../records/slice-record.ts";
import type { ServiceEntry } from "./snapshot.ts";

/** What became of one address of a service. */
export interface AddressChange {
  readonly host: string;
  readonly now: "ready" | "not ready" | "terminating" | "gone";
  /** True: it was not there before. */
  readonly added: boolean;
}

/** How a change came to be known. */
export type ChangeReason = "watch" | "list" | "poll" | "request" | "file";

/** One thing that happened to what is known of a cluster. `at`: milliseconds since the epoch. */
export type DiscoveryEvent = { readonly at: number; readonly cluster: string } & (
  | {
      readonly kind: "service";
      /** `namespace/name` */
      readonly service: string;
      readonly why: ChangeReason;
      /** At most `SHOWN` of them. */
      readonly addresses: readonly AddressChange[];
      readonly more: number;
      /** Ports, weight or zones changed, and no address did. */
      readonly settings: boolean;
    }
  /** So many services changed that they are only counted. */
  | { readonly kind: "services"; readonly why: ChangeReason; count: number }
  /** A full list was taken in: the first one, or one that changed something. */
  | {
      readonly kind: "listed";
      readonly why: ChangeReason;
      readonly first: boolean;
      readonly objects: number;
      readonly changed: number;
    }
  | { readonly kind: "state"; readonly state: ClientState; readonly before: ClientState; readonly error: string | null }
);

/** How a change reaches the snapshot. */
export interface ListContext {
  readonly why: ChangeReason;
  /** True: a scope's first full list, before which nothing was known. */
  readonly first: boolean;
}

/** What a cluster writes down of what happens to it, for people who look at it later. Its size is bounded. */
export interface Journal {
  /** Has `write` take a full list in, and notes what it changed. */
  takeList(objects: number, taking: ListContext, write: () => void): void;
  /** A service's slices changed from `before` to `after`. */
  slices(entry: ServiceEntry, before: readonly SliceRecord[], after: readonly SliceRecord[]): void;
  /** The state is this one now; the same as before is no event. */
  state(state: ClientState, error: string | null): void;
  /** The newest first. */
  events(): readonly DiscoveryEvent[];
}

/** Events kept of each cluster. */
const KEPT = 200;
/** Addresses named in one event. */
const SHOWN = 8;
/**
 * Services described per second, and at once after a quiet time; what changes beyond that is counted. To compare a
 * service of 15 endpoints costs as much as taking in the event, and no one reads 1,000 lines a second in a storm.
 */
const LOOKS_PER_SECOND = 10;
const LOOKS_AT_ONCE = 40;

type Condition = Exclude<AddressChange["now"], "gone">;

function conditionsOf(slices: readonly SliceRecord[]): Map<string, Condition> {
  const found = new Map<string, Condition>();
  for (const slice of slices) {
    for (const group of slice.groups) {
      for (const { host, ready, terminating } of unpackEndpoints(group.packed)) {
        const now = ready ? "ready" : terminating ? "terminating" : "not ready";
        if (now === "ready" || !found.has(host)) found.set(host, now);
      }
    }
  }
  return found;
}

/** What differs between two states of a service, address by address. */
export function addressChanges(before: readonly SliceRecord[], after: readonly SliceRecord[]): AddressChange[] {
  // A big service has many slices and one that changed.
  const kept = new Set(after);
  const old = conditionsOf(before.filter((slice) => !kept.has(slice)));
  const known = new Set(before);
  const now = conditionsOf(after.filter((slice) => !known.has(slice)));
  const changes: AddressChange[] = [];
  for (const [host, condition] of now) {
    const was = old.get(host);
    if (was !== condition) changes.push({ host, now: condition, added: was === undefined });
  }
  for (const host of old.keys()) if (!now.has(host)) changes.push({ host, now: "gone", added: false });
  return changes;
}

/** An empty journal of a cluster. `usual`: how single changes come. */
export function createJournal(options: { cluster: string; usual: ChangeReason; clock: Clock }): Journal {
  const { cluster, usual, clock } = options;
  const ring = createRing<DiscoveryEvent>(KEPT);
  let current: ClientState = "connecting";
  /** The full list that is taken in at this moment, and the changes it made so far. */
  let list: (ListContext & { changed: number }) | undefined;
  let looks = LOOKS_AT_ONCE;
  let lookedAt = clock.now();
  /** What is only counted in this second. */
  let counted: Extract<DiscoveryEvent, { kind: "services" }> | undefined;

  const mayLook = (now: number): boolean => {
    looks = Math.min(LOOKS_AT_ONCE, looks + ((now - lookedAt) / 1000) * LOOKS_PER_SECOND);
    lookedAt = now;
    if (looks < 1) return false;
    looks--;
    return true;
  };

  const count = (at: number, why: ChangeReason): void => {
    if (counted === undefined || at - counted.at >= 1000 || counted.why !== why) {
      counted = { at, cluster, kind: "services", why, count: 0 };
      ring.add(counted);
    }
    counted.count++;
  };

  return {
    takeList(objects, taking, write) {
      list = { ...taking, changed: 0 };
      try {
        write();
        const { why, first, changed } = list;
        if (first || changed > 0) ring.add({ at: clock.now(), cluster, kind: "listed", why, first, objects, changed });
      } finally {
        list = undefined;
      }
    },
    slices(entry, before, after) {
      if (list !== undefined) list.changed++;
      // A first list is one event, however long it is.
      if (list?.first) return;
      const why = list?.why ?? usual;
      const at = clock.now();
      if (!mayLook(at)) return count(at, why);
      const addresses = addressChanges(before, after);
      const settings = addresses.length === 0;
      const shown = addresses.slice(0, SHOWN);
      const more = addresses.length - shown.length;
      const service = `${entry.namespace}/${entry.name}`;
      ring.add({ at, cluster, kind: "service", service, why, addresses: shown, more, settings });
    },
    state(state, error) {
      if (state === current) return;
      ring.add({ at: clock.now(), cluster, kind: "state", state, before: current, error });
      current = state;
    },
    events: () => ring.newest(),
  };
}
