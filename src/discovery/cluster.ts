import type { Clock, Random } from "../clock.ts";
import type { ClusterConfig } from "../config/schema.ts";
import { type ApiClient, createApiClient } from "../kubernetes/api-client.ts";
import { createAutoSource } from "../kubernetes/auto-source.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { createPoller } from "../kubernetes/poller.ts";
import { createReflector } from "../kubernetes/reflector.ts";
import type { Change, Collection, Decoder } from "../kubernetes/types.ts";
import type { Logger } from "../log.ts";
import { clusterCounters, clusterStatus } from "./cluster-status.ts";
import { type Connecting, keepConnecting, refreshOnChange, type WatchFiles } from "./connecting.ts";
import { endpointSliceDecoder } from "./endpoint-slices.ts";
import { endpointsDecoder } from "./endpoints.ts";
import { type Gate, isExpired, leftOutGate, requestGate, scopeGate } from "./gate.ts";
import { planCluster, type ScopePlan } from "./plan.ts";
import { createRequestSource, type RequestSource } from "./request-source.ts";
import { createScope, type Scope, type TrackedSource, trackSource } from "./scope.ts";
import type { SelectionOptions } from "./select.ts";
import { createServiceViews, type ServiceViews } from "./service-views.ts";
import { serviceDecoder } from "./services.ts";
import type { SliceRecord } from "./slice-record.ts";
import { createSnapshot, type SnapshotReader } from "./snapshot.ts";
import type { ClusterCounters, ClusterStatus } from "./views.ts";
import { createWaiters } from "./waiters.ts";
import { sizeWatcher, truncationWatcher } from "./warnings.ts";

/** What a cluster works with. */
export interface ClusterDeps {
  /** Opens the way to the apiserver; tried again, with pauses, when it rejects. */
  connect(config: ClusterConfig): Promise<Connection>;
  /** undefined where there are no files. */
  readonly watchFiles?: WatchFiles | undefined;
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
  readonly config: ClusterConfig;
  readonly reader: SnapshotReader;
  readonly views: ServiceViews;
  readonly selection: SelectionOptions;
  readonly clock: Clock;
  /** Follows the cluster until the signal aborts; never rejects for an error of the apiserver. Once only. */
  run(signal: AbortSignal): Promise<void>;
  status(): ClusterStatus;
  counters(): ClusterCounters;
  /** True once every source gave a full list (mode `request`: one successful call). */
  synced(): boolean;
  /** Resolves when `synced`; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** Whether what the snapshot says of this service may be believed. */
  gate(namespace: string, name: string): Gate;
}

/** A watch must be heard of at least as often as `max_stale` says; below this it would be reopened all the time. */
const SHORTEST_IDLE_MS = 1000;

/** Makes a cluster out of its configuration. */
export function createCluster(config: ClusterConfig, deps: ClusterDeps): Cluster {
  const { clock, random } = deps;
  const logger: Logger =
    config.id === ""
      ? deps.logger
      : { log: (level, message, fields) => deps.logger.log(level, message, { cluster: config.id, ...fields }) };
  const snapshot = createSnapshot({ clock, emptyGrace: config.empty_grace });
  const { reader } = snapshot;
  const plan = planCluster(config);
  const keepNamespace = plan.keeps;
  const decode = config.watch_endpoint_slices
    ? endpointSliceDecoder({ keepNamespace })
    : endpointsDecoder({ keepNamespace });
  const decodeService = serviceDecoder({ keepNamespace });
  const waiters = createWaiters();
  const watchSize = sizeWatcher(config.shared_size, reader, logger);
  const watchTruncation = truncationWatcher(logger);
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
    scope: createScope({
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

  const scopeOf = (namespace: string): Scope | undefined =>
    keepNamespace(namespace)
      ? scopes.find(({ plan: { namespace: own } }) => own === undefined || own === namespace)?.scope
      : undefined;

  const applySlices = (scope: string): ((change: Change<SliceRecord>) => void) => {
    const write = snapshot.writer(scope);
    return (change) => {
      write(change);
      watchTruncation(change);
      watchSize();
    };
  };

  const follow = <T>(
    api: ApiClient,
    tracker: TrackedSource,
    collections: readonly Collection[],
    decoder: Decoder<T>,
    apply: (change: Change<T>) => void,
    held: () => number,
  ): void => {
    const common = {
      api,
      collections,
      decode: decoder,
      apply: tracker.received(apply),
      clock,
      random,
      logger,
      onStatus: waiters.changed,
    };
    const { max_stale: maxStale, watch_idle: idle } = config;
    const watchIdle = maxStale > 0 ? Math.max(SHORTEST_IDLE_MS, Math.min(idle, maxStale)) : idle;
    const interval = config.poll_interval;
    if (config.mode === "poll") tracker.attach(createPoller({ ...common, interval }));
    else if (config.mode === "auto") tracker.attach(createAutoSource({ ...common, watchIdle, interval, held }));
    else tracker.attach(createReflector({ ...common, watchIdle }));
  };

  const startScope = (api: ApiClient, { plan: part, scope }: { plan: ScopePlan; scope: Scope }): void => {
    const name = part.namespace ?? "";
    const { slices, services } = snapshot;
    follow(api, scope.endpoints, part.endpoints, decode, applySlices(name), () => slices.get(name)!.size);
    if (part.services === undefined) return;
    const apply = snapshot.serviceWriter(name);
    follow(api, scope.services!, part.services, decodeService, apply, () => services.get(name)!.size);
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
      onStatus: waiters.changed,
    });
    requestTracker.attach(requests);
  };

  const gateOf = (namespace: string, name: string): Gate => {
    const scope = scopeOf(namespace);
    if (scope === undefined) return leftOutGate(namespace, plan.leftOutBy(namespace) ?? "the configuration");
    if (!byRequest) return scopeGate(scope, config.max_stale);
    return requestGate(namespace, name, {
      started: () => waiters.until(() => requests !== undefined || life === "stopped"),
      source: () => requests,
      status: () => requestTracker.report().status,
    });
  };

  const synced = (): boolean => (byRequest ? requests?.ready === true : scopes.every(({ scope }) => scope.synced()));

  return {
    id: config.id,
    required: config.required,
    config,
    reader,
    views: createServiceViews(selection),
    selection,
    clock,
    async run(signal) {
      life = "running";
      try {
        const connection = await keepConnecting({
          connect: () => deps.connect(config),
          onFailure(failure) {
            connecting = failure;
            waiters.changed();
          },
          clock,
          random,
          logger,
          signal,
        });
        refreshOnChange(connection, deps.watchFiles, logger, signal);
        const api = createApiClient({ connection, logger, clock, userAgent: deps.userAgent });
        if (byRequest) startRequests(api);
        else for (const part of scopes) startScope(api, part);
        waiters.changed();
        const all = [...trackers.endpoints, ...trackers.services];
        await Promise.all(all.map((tracker) => tracker.source?.run(signal)));
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        life = "stopped";
        waiters.changed();
      }
    },
    status: () =>
      clusterStatus({
        config,
        endpoints: reports(trackers.endpoints).map((report) => (byRequest ? { ...report, synced: synced() } : report)),
        services: reports(trackers.services),
        counts: reader.counts(),
        now: clock.now(),
        expired: !byRequest && scopes.some(({ scope }) => isExpired(scope, config.max_stale)),
      }),
    counters: () => clusterCounters(reports([...trackers.endpoints, ...trackers.services]), reader.counts()),
    synced,
    whenSynced: (signal) => waiters.until(synced, signal),
    gate: gateOf,
  };
}
