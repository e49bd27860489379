import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type ApiClient, createApiClient } from "../kubernetes/api-client.ts";
import { type ApiserverConnection, serverUrl } from "../kubernetes/connect.ts";
import type { Change, Collection, Decoder } from "../kubernetes/types.ts";
import { clusterCounters, clusterStatus, worstState } from "./cluster-status.ts";
import { createConditionVariable } from "./condition-variable.ts";
import { createChangeFeed } from "./feeds/change-feed.ts";
import { createSource } from "./feeds/collection-source.ts";
import { type Connecting, keepConnecting, refreshOnChange, type WatchFiles } from "./feeds/connecting.ts";
import { createNamespaceSync, type NamespaceSync, type TrackedSource, trackSource } from "./feeds/namespace-sync.ts";
import { type NamespacePlan, planCluster } from "./feeds/plan.ts";
import { createRequestSource, type RequestSource } from "./feeds/request-source.ts";
import type { ChangeFeed, ScopeFacts } from "./feeds/updates.ts";
import type { ClusterOptions } from "./options.ts";
import { endpointSliceDecoder } from "./records/endpoint-slices.ts";
import { endpointsDecoder } from "./records/endpoints.ts";
import { serviceDecoder } from "./records/services.ts";
import type { SliceRecord } from "./records/slice-record.ts";
import {
  type FreshnessGuard,
  filteredOutGuard,
  isExpired,
  namespaceGuard,
  perRequestGuard,
} from "./resolve/freshness.ts";
import type { SelectionOptions } from "./resolve/select.ts";
import { type ChangeReason, createJournal, type Journal } from "./store/journal.ts";
import { createServiceViews, type ServiceViews } from "./store/service-views.ts";
import { createSnapshot, type SnapshotReader } from "./store/snapshot.ts";
import type { SnapshotFiles } from "./store/snapshot-files.ts";
import { createSnapshotPersister } from "./store/snapshot-persister.ts";
import type { ClusterCounters, ClusterStatus } from "./views.ts";
import { notesWatcher, sizeWatcher } from "./warnings.ts";

/** What a cluster works with. */
export interface ClusterDeps {
  /** Opens the way to the apiserver; tried again, with pauses, when it rejects. */
  connect(config: ClusterOptions): Promise<ApiserverConnection>;
  /** undefined where there are no files. */
  readonly watchFiles?: WatchFiles | undefined;
  /** undefined where there are no files: no snapshot is kept then. */
  readonly snapshotFiles?: SnapshotFiles | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** This gateway's zone (`server.zone`). */
  readonly zone?: string | undefined;
  /** @default "podway" */
  readonly userAgent?: string | undefined;
}

/** One cluster that is followed: its sources, and the snapshot they write. It does nothing until `run`. */
export interface Cluster {
  /** "" in single-cluster mode. */
  readonly id: string;
  readonly required: boolean;
  readonly config: ClusterOptions;
  readonly reader: SnapshotReader;
  readonly views: ServiceViews;
  readonly selection: SelectionOptions;
  readonly clock: Clock;
  /** What happened to it lately; left out where nobody is there to look. */
  readonly journal?: Pick<Journal, "events"> | undefined;
  /** Follows the cluster until the signal aborts; never rejects for an error of the apiserver. Once only. */
  run(signal: AbortSignal): Promise<void>;
  status(): ClusterStatus;
  counters(): ClusterCounters;
  /** True once every source gave a full list (mode `request`: one successful call), or a file what was left of one. */
  synced(): boolean;
  /** Resolves when `synced`; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** Resolves when the apiserver itself has told all that `synced` asks for; rejects with the signal's reason. */
  whenListed(signal: AbortSignal): Promise<void>;
  /** Whether what the snapshot says of this service may be believed. */
  guard(namespace: string, name: string): FreshnessGuard;
}

/** A cluster that is followed here, and tells others that are not at the apiserver themselves. */
export interface FollowedCluster extends Cluster {
  readonly changes: ChangeFeed;
}

/** Makes a cluster out of its configuration. */
export function createCluster(config: ClusterOptions, deps: ClusterDeps): FollowedCluster {
  const { clock, random } = deps;
  const logger: Logger =
    config.id === ""
      ? deps.logger
      : { log: (level, message, fields) => deps.logger.log(level, message, { cluster: config.id, ...fields }) };
  const journal = createJournal({ cluster: config.id, usual: config.mode === "request" ? "request" : "watch", clock });
  const tap = createChangeFeed(
    () => snapshot,
    () => ({
      synced: synced(),
      listed: listed(),
      scopes: byRequest ? [] : scopes.map(scopeFacts),
      status: status(),
      counters: counters(),
    }),
  );
  const snapshot = createSnapshot({
    clock,
    emptyGrace: config.empty_grace,
    onSlices: journal.slices,
    onChange: tap.changed,
  });
  const { reader } = snapshot;
  const plan = planCluster(config);
  const keepNamespace = plan.keeps;
  const decode = config.watch_endpoint_slices
    ? endpointSliceDecoder({ keepNamespace })
    : endpointsDecoder({ keepNamespace });
  const decodeService = serviceDecoder({ keepNamespace });
  const waiters = createConditionVariable(tap.syncStatusChanged);
  const watchSize = sizeWatcher(config.shared_size, reader, logger);
  const watchNotes = notesWatcher(logger);
  const selection: SelectionOptions = {
    defaultWeight: config.default_weight,
    addressFamily: config.address_family,
    zone: deps.zone,
  };

  /** Before there is a connection: what became of the attempts to make one. */
  let connecting: Connecting = { state: "connecting", lastError: undefined };
  let life: "new" | "running" | "stopped" = "new";
  let requests: RequestSource | undefined;

  const tracked = (namespace: string | undefined): TrackedSource =>
    trackSource(namespace, () => connecting, waiters, clock);
  const scopes = plan.scopes.map((scope) => ({
    plan: scope,
    scope: createNamespaceSync({
      namespace: scope.namespace,
      endpoints: tracked(scope.namespace),
      services: scope.services === undefined ? undefined : tracked(scope.namespace),
      clock,
      waiters,
      running: () => life !== "stopped",
    }),
  }));
  const byRequest = config.mode === "request";
  const requestTracker = tracked(undefined);
  const trackers = byRequest
    ? { endpoints: [requestTracker], services: [] }
    : {
        endpoints: scopes.map(({ scope }) => scope.endpoints),
        services: scopes.flatMap(({ scope }) => scope.services ?? []),
      };
  const reports = (of: readonly TrackedSource[]) => of.map((source) => source.report());

  const scopeOf = (namespace: string): NamespaceSync | undefined =>
    keepNamespace(namespace)
      ? scopes.find(({ plan: { namespace: own } }) => own === undefined || own === namespace)?.scope
      : undefined;

  const synced = (): boolean => (byRequest ? requestTracker.synced : scopes.every(({ scope }) => scope.synced()));
  const listed = (): boolean => (byRequest ? requestTracker.listed : scopes.every(({ scope }) => scope.listed()));

  const statusChanged = (): void => {
    const all = reports([...trackers.endpoints, ...trackers.services]).map(({ status }) => status);
    const state = worstState(all.map((status) => status.state));
    journal.state(state, all.find((status) => status.state === state)?.lastError ?? null);
    waiters.changed();
  };

  const path = config.snapshot_file;
  const keeper =
    path === undefined || deps.snapshotFiles === undefined
      ? undefined
      : createSnapshotPersister({
          file: deps.snapshotFiles.open(path),
          config,
          snapshot,
          complete: synced,
          clock,
          logger,
        });

  /** Serves what the file holds until the apiserver tells more. */
  const restore = async (server: string): Promise<void> => {
    const stored = await keeper?.restore(server);
    if (stored === undefined) return;
    const taking = { why: "file", first: true } as const;
    for (const [scope, items] of stored.slices) {
      journal.takeList(items.length, taking, () => snapshot.writer(scope)({ kind: "replace", items }));
    }
    for (const [scope, items] of stored.services) snapshot.serviceWriter(scope)({ kind: "replace", items });
    for (const tracker of [...trackers.endpoints, ...trackers.services]) tracker.restored(stored.written);
    const { services, endpoints } = reader.counts();
    logger.log("info", "Serving from snapshot_file until the first list", { path, services, endpoints });
  };

  const follow = <T>(
    tracker: TrackedSource,
    collections: readonly Collection[],
    held: ReadonlyMap<string, unknown>,
    parts: { api: ApiClient; decode: Decoder<T>; apply: (change: Change<T>) => void },
  ): void => {
    const received = tracker.received(parts.apply);
    const apply = (change: Change<T>): void => {
      received(change);
      keeper?.received();
    };
    const common = { ...parts, collections, apply, held: () => held.size, clock, random, logger };
    tracker.attach(createSource(config, { ...common, onStatus: statusChanged }));
  };

  const startScope = (api: ApiClient, { plan: part, scope }: { plan: NamespacePlan; scope: NamespaceSync }): void => {
    const name = part.namespace ?? "";
    const write = snapshot.writer(name);
    const { endpoints } = scope;
    const apply = (change: Change<SliceRecord>): void => {
      if (change.kind !== "replace") write(change);
      else {
        const why: ChangeReason =
          endpoints.source?.status.state === "polling" || config.mode === "poll" ? "poll" : "list";
        journal.takeList(change.items.length, { why, first: !endpoints.synced }, () => write(change));
      }
      watchNotes(change);
      watchSize();
    };
    follow(scope.endpoints, part.endpoints, snapshot.slices.get(name)!, { api, decode, apply });
    if (part.services === undefined) return;
    const services = { api, decode: decodeService, apply: snapshot.serviceWriter(name) };
    follow(scope.services!, part.services, snapshot.services.get(name)!, services);
  };

  const startRequests = (api: ApiClient): void => {
    requests = createRequestSource({
      api,
      scopes: plan.scopes,
      decode,
      decodeService,
      snapshot,
      namespace: config.namespace,
      clock,
      random,
      logger,
      onStatus: statusChanged,
      known: [...snapshot.slices.keys(), ...snapshot.services.keys()],
      onAnswer() {
        requestTracker.answered();
        keeper?.received();
      },
    });
    requestTracker.attach(requests);
  };

  const gateOf = (namespace: string, name: string): FreshnessGuard => {
    const scope = scopeOf(namespace);
    if (scope === undefined) return filteredOutGuard(namespace, plan.filteredOutBy(namespace) ?? "the configuration");
    if (!byRequest) return namespaceGuard(scope, config.max_stale);
    return perRequestGuard(namespace, name, {
      started: () => waiters.until(() => requests !== undefined || life === "stopped"),
      source: () => requests,
      status: () => requestTracker.report().status,
    });
  };

  const scopeFacts = ({ scope }: { scope: NamespaceSync }): ScopeFacts => ({
    synced: scope.synced(),
    listed: scope.listed(),
    hopeful: scope.hopeful(),
    state: scope.state(),
    lastError: scope.lastError(),
    known: clock.now() - scope.age(),
  });
  const status = (): ClusterStatus =>
    clusterStatus({
      config,
      endpoints: reports(trackers.endpoints),
      services: reports(trackers.services),
      counts: reader.counts(),
      now: clock.now(),
      snapshotFile: keeper === undefined ? undefined : { ...keeper.status(), restored: synced() && !listed() },
      expired: !byRequest && scopes.some(({ scope }) => isExpired(scope, config.max_stale)),
    });
  const counters = (): ClusterCounters =>
    clusterCounters(reports([...trackers.endpoints, ...trackers.services]), reader.counts());

  return {
    id: config.id,
    required: config.required,
    config,
    reader,
    changes: tap,
    views: createServiceViews(selection),
    selection,
    clock,
    journal,
    async run(signal) {
      life = "running";
      try {
        // A kubeconfig tells only when it is read whose server it is.
        if (config.client.kubeconfig === undefined && keeper !== undefined) await restore(serverUrl(config.service!));
        const connection = await keepConnecting({
          connect: () => deps.connect(config),
          onFailure(failure) {
            connecting = failure;
            statusChanged();
          },
          clock,
          random,
          logger,
          signal,
        });
        if (config.client.kubeconfig !== undefined) await restore(connection.server);
        refreshOnChange(connection, deps.watchFiles, logger, signal);
        const api = createApiClient({ connection, logger, clock, userAgent: deps.userAgent });
        if (byRequest) startRequests(api);
        else for (const part of scopes) startScope(api, part);
        statusChanged();
        const all = [...trackers.endpoints, ...trackers.services];
        await Promise.all(all.map((tracker) => tracker.source?.run(signal)));
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        life = "stopped";
        waiters.changed();
        await keeper?.close();
      }
    },
    status,
    counters,
    synced,
    whenSynced: (signal) => waiters.until(synced, signal),
    whenListed: (signal) => waiters.until(listed, signal),
    guard: gateOf,
  };
}
