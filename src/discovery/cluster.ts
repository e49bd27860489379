import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { clusterCounters, clusterStatus } from "./cluster-status.ts";
import { type ChangeFeed, createChangeFeed } from "./feeds/change-feed.ts";
import type { CreateFeed, Feed } from "./feeds/feed.ts";
import type { NamespaceSync } from "./feeds/namespace-sync.ts";
import type { ClusterOptions } from "./options.ts";
import {
  type FreshnessGuard,
  filteredOutGuard,
  type GuardSources,
  isExpired,
  ServiceGuard,
} from "./resolve/freshness.ts";
import type { SelectionOptions } from "./resolve/select.ts";
import { createClusterStore } from "./store/cluster-store.ts";
import type { Journal } from "./store/journal.ts";
import { createServiceViews, type ServiceViews } from "./store/service-views.ts";
import type { SnapshotReader } from "./store/snapshot.ts";
import type { ClusterCounters, ClusterStatus } from "./views.ts";

export interface ClusterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** This gateway's zone (`server.zone`). */
  readonly zone?: string | undefined;
  /** False: what happens is not written down: no one can ask for it here. @default true */
  readonly keepsJournal?: boolean | undefined;
}

/** One cluster: a store, fed by one feed. It does nothing until `run`. */
export interface Cluster {
  /** "" in single-cluster mode. */
  readonly id: string;
  readonly required: boolean;
  readonly config: ClusterOptions;
  readonly reader: SnapshotReader;
  readonly views: ServiceViews;
  readonly selection: SelectionOptions;
  readonly clock: Clock;
  /** What happened to it lately; left out where it is not written down. */
  readonly journal?: Pick<Journal, "events"> | undefined;
  /** For its replicas. */
  readonly changes: ChangeFeed;
  /** Follows the cluster until the signal aborts; never rejects for an error of the apiserver. Once only. */
  run(signal: AbortSignal): Promise<void>;
  status(): ClusterStatus;
  counters(): ClusterCounters;
  /** True once every source gave a full list (mode `request`: one successful call), or a file held one. */
  synced(): boolean;
  /** Resolves when `synced`; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** Resolves when the apiserver itself has answered all that `synced` asks for; rejects with the signal's reason. */
  whenListed(signal: AbortSignal): Promise<void>;
  /** Whether what the snapshot says of this service may be used. */
  guard(namespace: string, name: string): FreshnessGuard;
}

/** Makes a cluster of its options: `createFeed` says where what it knows comes from. */
export function createCluster<F extends Feed>(
  config: ClusterOptions,
  createFeed: CreateFeed<F>,
  deps: ClusterDeps,
): Cluster & { readonly feed: F } {
  const { clock, zone } = deps;
  const changes = createChangeFeed(
    () => store.snapshot,
    () => ({
      running: store.running,
      endpoints: store.endpoints.map((source) => source.sync()),
      services: store.services.map((source) => source.sync()),
      snapshotFile: feed.snapshotFile?.(),
    }),
  );
  const store = createClusterStore(config, {
    ...deps,
    onChange: changes.changed,
    onSyncStatus: changes.syncStatusChanged,
  });
  const feed = createFeed(store);
  const { reader } = store.snapshot;
  const selection = { defaultWeight: config.default_weight, addressFamily: config.address_family, zone };
  // What is asked for with each request is never too old.
  const maxStale = config.mode === "request" ? 0 : config.max_stale;
  const guardSources = new Map<NamespaceSync, GuardSources>();

  return {
    id: config.id,
    required: config.required,
    config,
    reader,
    views: createServiceViews(selection),
    selection,
    clock,
    journal: store.journal,
    changes,
    feed,
    async run(signal) {
      try {
        await feed.run(signal);
      } finally {
        store.running = false;
        store.condition.changed();
        await feed.close?.();
      }
    },
    status: () =>
      clusterStatus(store, {
        expired: store.parts.some(({ sync }) => isExpired(sync, maxStale)),
        snapshotFile: feed.snapshotFile?.(),
      }),
    counters: () => clusterCounters(store),
    synced: store.synced,
    whenSynced: (signal) => store.condition.until(store.synced, signal),
    whenListed: (signal) => store.condition.until(store.listed, signal),
    guard(namespace, name) {
      const part = store.partOf(namespace);
      if (part === undefined) return filteredOutGuard(namespace, store.plan.filteredOutBy(namespace)!);
      let sources = guardSources.get(part.sync);
      if (sources === undefined) {
        sources = { sync: part.sync, feed, maxStale };
        guardSources.set(part.sync, sources);
      }
      return new ServiceGuard(namespace, name, sources);
    },
  };
}
