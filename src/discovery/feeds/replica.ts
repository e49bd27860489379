import type { Clock } from "../../base/clock.ts";
import type { Change } from "../../kubernetes/types.ts";
import type { Cluster } from "../cluster.ts";
import { clusterCounters, clusterStatus } from "../cluster-status.ts";
import { createConditionVariable } from "../condition-variable.ts";
import type { ClusterOptions } from "../options.ts";
import { createPortInterner } from "../records/object-reader.ts";
import type { SliceRecord } from "../records/slice-record.ts";
import {
  type FreshnessGuard,
  filteredOutGuard,
  type GuardedSync,
  namespaceGuard,
  type UnavailableReason,
} from "../resolve/freshness.ts";
import { createServiceViews } from "../store/service-views.ts";
import { createSnapshot } from "../store/snapshot.ts";
import { planCluster } from "./plan.ts";
import type { ClusterSyncStatus, ClusterUpdate, ScopedChange, ScopeFacts } from "./updates.ts";

/** The way to whoever follows the cluster at its apiserver. */
export interface SourceLink {
  /** Asks for the news of the cluster with these settings; returns the function that ends it. */
  subscribe(config: ClusterOptions, receive: (news: ClusterUpdate) => void): () => void;
  /**
   * Has the other side bring a service up to date, as its own gate's `refresh` does; what that changed was received
   * before this resolves. Resolves with why the service is still not known. Never rejects.
   */
  refresh(config: ClusterOptions, namespace: string, name: string): Promise<UnavailableReason | undefined>;
}

/** What a follower works with. */
export interface FollowerDeps {
  readonly link: SourceLink;
  readonly clock: Clock;
  /** This gateway's zone (`server.zone`). */
  readonly zone?: string | undefined;
}

/** A cluster whose apiserver somebody else follows. */
export interface Follower extends Cluster {
  /** Resolves when the other side has told all it knows, be it nothing; rejects with the signal's reason. */
  whenTold(signal: AbortSignal): Promise<void>;
}

/** Services whose last failure is remembered (mode `request`): whoever asks for more of them asks for what is not there. */
const FAILURES = 10_000;

/** Makes a cluster that is told what there is, through the same snapshot and gates as one that looks for itself. */
export function createFollower(config: ClusterOptions, { link, clock, zone }: FollowerDeps): Follower {
  const snapshot = createSnapshot({ clock, emptyGrace: config.empty_grace });
  const { reader } = snapshot;
  const plan = planCluster(config);
  const waiters = createConditionVariable();
  const intern = createPortInterner();
  const selection = { defaultWeight: config.default_weight, addressFamily: config.address_family, zone };
  const byRequest = config.mode === "request";
  let facts: ClusterSyncStatus | undefined;
  let told = false;
  let ended = false;
  /** Mode `request`: why services are not known, as the other side said last. */
  const failures = new Map<string, UnavailableReason>();
  const asked = new Set<string>();

  // Equal port lists are one object here too: every message has its own.
  const own = (record: SliceRecord): SliceRecord => ({
    ...record,
    groups: record.groups.map(({ ports, packed }) => ({ ports: intern(ports.ports), packed })),
  });
  const ownChange = (change: Change<SliceRecord>): Change<SliceRecord> => {
    if (change.kind === "replace") return { kind: "replace", items: change.items.map(own) };
    return change.kind === "put" ? { kind: "put", item: own(change.item) } : change;
  };
  const apply = (news: ScopedChange): void => {
    if (news.of === "slices") snapshot.writer(news.scope)(ownChange(news.change));
    else snapshot.serviceWriter(news.scope)(news.change);
  };
  /** Scopes that are not told of hold nothing any more; they are emptied last, so that what moved is never absent. */
  const applyWhole = (whole: readonly ScopedChange[]): void => {
    for (const change of whole) apply(change);
    const named = new Set(whole.map(({ of, scope }) => `${of} ${scope}`));
    const nothing = { kind: "replace", items: [] } as const;
    for (const scope of snapshot.slices.keys()) {
      if (!named.has(`slices ${scope}`)) apply({ of: "slices", scope, change: nothing });
    }
    for (const scope of snapshot.services.keys()) {
      if (!named.has(`services ${scope}`)) apply({ of: "services", scope, change: nothing });
    }
  };
  const receive = (news: ClusterUpdate): void => {
    told = true;
    if (news.fullState !== undefined) applyWhole(news.fullState);
    for (const change of news.changes ?? []) apply(change);
    facts = news.syncStatus ?? facts;
    waiters.changed();
  };

  const running = (): boolean => !ended;
  const synced = (): boolean => facts?.synced === true;
  const listed = (): boolean => facts?.listed === true;

  /** The part of a cluster that is told of, as its gates see it. */
  const scopeAt = (index: number, namespace: string): GuardedSync => {
    const now = (): ScopeFacts | undefined => facts?.scopes[index];
    const isSynced = (): boolean => now()?.synced === true;
    const hopeful = (): boolean => running() && now()?.hopeful !== false;
    let settling: Promise<void> | undefined;
    let freshening: Promise<void> | undefined;
    return {
      synced: isSynced,
      listed: () => now()?.listed === true,
      hopeful,
      state: () => now()?.state ?? "connecting",
      lastError: () => now()?.lastError,
      age: () => clock.now() - (now()?.known ?? 0),
      settled() {
        settling ??= waiters
          .until(() => isSynced() || !hopeful())
          .finally(() => {
            settling = undefined;
          });
        return settling;
      },
      freshened() {
        freshening ??= link.refresh(config, namespace, "").then(() => {
          freshening = undefined;
        });
        return freshening;
      },
    };
  };
  const scopes = plan.scopes.map(({ namespace }, index) => ({
    namespace,
    view: scopeAt(index, namespace ?? config.namespace),
  }));

  /** Of a service that is asked for with each request. */
  const requestGate = (namespace: string, name: string): FreshnessGuard => {
    const key = `${namespace}/${name}`;
    const notAsked: UnavailableReason = { why: "not_synced", detail: "the apiserver has not answered about it yet" };
    return {
      async refresh() {
        const distrust = await link.refresh(config, namespace, name);
        asked.add(key);
        failures.delete(key);
        if (distrust !== undefined) failures.set(key, distrust);
        if (failures.size > FAILURES) failures.delete(failures.keys().next().value!);
        if (asked.size > FAILURES) asked.delete(asked.keys().next().value!);
      },
      fresh: () => true,
      unavailable: () => failures.get(key) ?? (asked.has(key) ? undefined : notAsked),
    };
  };

  return {
    id: config.id,
    required: config.required,
    config,
    reader,
    views: createServiceViews(selection),
    selection,
    clock,
    async run(signal) {
      const end = link.subscribe(config, receive);
      await new Promise<void>((resolve) => {
        if (signal.aborted) return resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      end();
      ended = true;
      waiters.changed();
    },
    status: () =>
      facts?.status ??
      clusterStatus({
        config,
        endpoints: [],
        services: [],
        counts: reader.counts(),
        now: clock.now(),
        expired: false,
        snapshotFile: undefined,
      }),
    counters: () => facts?.counters ?? clusterCounters([], reader.counts()),
    synced,
    whenSynced: (signal) => waiters.until(synced, signal),
    whenListed: (signal) => waiters.until(listed, signal),
    whenTold: (signal) => waiters.until(() => told, signal),
    guard(namespace, name) {
      const leftOut = plan.filteredOutBy(namespace);
      if (leftOut !== undefined) return filteredOutGuard(namespace, leftOut);
      if (byRequest) return requestGate(namespace, name);
      const scope = scopes.find((one) => one.namespace === undefined || one.namespace === namespace)!;
      return namespaceGuard(scope.view, config.max_stale);
    },
  };
}
