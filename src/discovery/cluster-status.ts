import type { ClientState, SourceStatus } from "../kubernetes/types.ts";
import type { ClusterStore } from "./store/cluster-store.ts";
import type { SnapshotFileStatus } from "./store/snapshot-persister.ts";
import type { ClusterCounters, ClusterStatus } from "./views.ts";

/** One source of a cluster, as its status shows it. */
export interface SourceReport {
  /** undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly status: SourceStatus;
  /** It has given a full list since the start. */
  readonly synced: boolean;
}

/** Worst first: what needs an operator, then what may pass, then what is well. */
const BY_GRAVITY: readonly ClientState[] = [
  "unauthorized",
  "forbidden",
  "rejected",
  "unreachable",
  "connecting",
  "syncing",
  "polling",
  "on_request",
  "watching",
];

const IN_STEP: ReadonlySet<ClientState> = new Set(["watching", "polling", "on_request"]);

/** True for a state that asking again will not soon change: credentials, a missing right, a query that is refused. */
export function isDefinite(state: ClientState): boolean {
  return state === "unauthorized" || state === "forbidden" || state === "rejected";
}

/** The worst of several states; `connecting` when there is none yet. */
export function worstState(states: readonly ClientState[]): ClientState {
  return BY_GRAVITY.find((state) => states.includes(state)) ?? "connecting";
}

type Moment = "lastByte" | "lastEvent" | "lastList";

function age(reports: readonly SourceReport[], moment: Moment, now: number): number | null {
  const times = reports.map(({ status }) => status[moment]);
  const known = times.filter((time) => time !== undefined);
  // A namespace without an event is no news; one that was never listed is.
  if (known.length === 0 || (moment === "lastList" && known.length < times.length)) return null;
  return Math.max(0, Math.round((now - Math.min(...known)) / 100) / 10);
}

function errorOf(reports: readonly SourceReport[]): string | null {
  const failing = reports.filter(({ status }) => status.lastError !== undefined);
  if (failing.length === 0) return null;
  const texts = failing.map(({ namespace, status }) => {
    const text = status.lastError!;
    return namespace === undefined || text.includes(namespace) ? text : `namespace ${namespace}: ${text}`;
  });
  return [...new Set(texts)].join("; ");
}

function versionOf(reports: readonly SourceReport[]): string | null {
  if (reports.length === 1) return reports[0]!.status.resourceVersion ?? null;
  const known = reports.filter(({ status }) => status.resourceVersion !== undefined);
  return known.length === 0
    ? null
    : known.map(({ namespace, status }) => `${namespace ?? "*"}=${status.resourceVersion}`).join(" ");
}

/** Lists of one page are over before they could be shown: only those with more to come are. */
function listingOf(reports: readonly SourceReport[]): Pick<ClusterStatus, "listing"> {
  const listings = reports.map(({ status }) => status.listing).filter((one) => one !== undefined);
  if (!listings.some(({ remaining }) => remaining !== 0)) return {};
  const known = listings.every(({ remaining }) => remaining !== undefined);
  return {
    listing: {
      objects: listings.reduce((sum, { objects }) => sum + objects, 0),
      remaining: known ? listings.reduce((sum, { remaining }) => sum + remaining!, 0) : undefined,
    },
  };
}

/** Objects of all sources that are left out, as far as they are shown. */
const SHOWN = 20;

function skippedOf(reports: readonly SourceReport[], partial: number): Pick<ClusterStatus, "skipped" | "partial"> {
  const all = reports.flatMap(({ status }) => status.skipped ?? []);
  const count = all.reduce((sum, one) => sum + one.count, 0);
  const objects = all.flatMap((one) => one.objects).slice(0, SHOWN);
  return { ...(count > 0 && { skipped: { count, objects } }), ...(partial > 0 && { partial }) };
}

/** What `/status` shows of a cluster. `expired`: it is older than `max_stale` allows. */
export function clusterStatus(
  store: ClusterStore,
  { expired, snapshotFile }: { readonly expired: boolean; readonly snapshotFile: SnapshotFileStatus | undefined },
): ClusterStatus {
  const { config, clock } = store;
  const counts = store.snapshot.reader.counts();
  const now = clock.now();
  const endpoints = store.endpoints.map((source) => source.report());
  const services = store.services.map((source) => source.report());
  const all = [...endpoints, ...services];
  const state = worstState(all.map(({ status }) => status.state));
  return {
    id: config.id,
    state,
    stale: endpoints.some(({ synced, status }) => synced && !IN_STEP.has(status.state)) || expired,
    mode: config.mode,
    required: config.required,
    resourceVersion: versionOf(endpoints),
    ages: { byte: age(all, "lastByte", now), event: age(endpoints, "lastEvent", now), list: age(all, "lastList", now) },
    services: counts.services,
    endpoints: counts.endpoints,
    lastError: errorOf(all),
    ...skippedOf(all, counts.partial),
    ...listingOf(all),
    ...(snapshotFile === undefined ? {} : { snapshotFile }),
  };
}

/** What `/metrics` counts of a cluster. */
export function clusterCounters(store: ClusterStore): ClusterCounters {
  const counts = store.snapshot.reader.counts();
  const lists: Record<string, number> = {};
  const skipped: Record<string, number> = { part: counts.partialTaken };
  let watches = 0;
  let events = 0;
  for (const source of [...store.endpoints, ...store.services]) {
    const { status } = source.report();
    for (const [reason, count] of Object.entries(status.lists)) lists[reason] = (lists[reason] ?? 0) + count;
    for (const [reason, count] of Object.entries(status.skipped?.totals ?? {})) {
      skipped[reason] = (skipped[reason] ?? 0) + count;
    }
    watches += status.watches;
    events += status.events;
  }
  const { changes, unchanged, truncated, bytes } = counts;
  return { lists, watches, events, skipped, changes, unchanged, truncated, bytes };
}
