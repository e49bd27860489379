import type { Clock, Random } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Change, Decoder } from "../../kubernetes/types.ts";
import type { ClusterDeps } from "../cluster.ts";
import { worstState } from "../cluster-status.ts";
import { type ConditionVariable, createConditionVariable } from "../condition-variable.ts";
import type { Connecting } from "../feeds/connecting.ts";
import { createNamespaceSync, type NamespaceSync } from "../feeds/namespace-sync.ts";
import { type ClusterPlan, type NamespacePlan, planCluster } from "../feeds/plan.ts";
import { type TrackedSource, trackSource } from "../feeds/tracked-source.ts";
import type { ScopedChange } from "../feeds/updates.ts";
import type { ClusterOptions } from "../options.ts";
import { endpointSliceDecoder } from "../records/endpoint-slices.ts";
import { endpointsDecoder } from "../records/endpoints.ts";
import { type ServiceRecord, serviceDecoder } from "../records/services.ts";
import type { SliceRecord } from "../records/slice-record.ts";
import { notesWatcher, sizeWatcher } from "../warnings.ts";
import { createJournal, type Journal } from "./journal.ts";
import { createSnapshot, type Snapshot } from "./snapshot.ts";

/** One namespace's (or all namespaces') part of a store. */
export interface StorePart {
  readonly plan: NamespacePlan;
  /** The scope it has in the snapshot: its namespace, "" for all. */
  readonly scope: string;
  readonly sync: NamespaceSync;
  readonly endpoints: TrackedSource;
  /** Only where Services are read. */
  readonly services: TrackedSource | undefined;
  /** Take in what was read from an apiserver. */
  readonly receiveSlices: (change: Change<SliceRecord>) => void;
  readonly receiveServices: (change: Change<ServiceRecord>) => void;
}

/** What is known of a cluster, and how far: its feed writes it, everything else reads. */
export interface ClusterStore {
  readonly config: ClusterOptions;
  readonly clock: Clock;
  readonly random: Random;
  /** Its lines name the cluster. */
  readonly logger: Logger;
  readonly plan: ClusterPlan;
  readonly decoders: { readonly slices: Decoder<SliceRecord>; readonly services: Decoder<ServiceRecord> };
  readonly snapshot: Snapshot;
  readonly parts: readonly StorePart[];
  /** Their sources, each once: in mode `request` one for all parts. */
  readonly endpoints: readonly TrackedSource[];
  readonly services: readonly TrackedSource[];
  readonly condition: ConditionVariable;
  readonly journal: Journal | undefined;
  /** What the sources report that have not begun. */
  connecting: Connecting;
  /** False: nothing feeds it any more, waiting is in vain. */
  running: boolean;
  /** The part that a namespace is in; undefined: the configuration excludes it. */
  partOf(namespace: string): StorePart | undefined;
  synced(): boolean;
  /** The same by what the apiserver itself answered, without what a file held. */
  listed(): boolean;
  /** The state or the error of a source changed. */
  statusChanged(): void;
}

export interface ClusterStoreOptions extends Omit<ClusterDeps, "zone"> {
  /** A change was applied to the snapshot. */
  onChange(change: ScopedChange): void;
  /** What is known, or how far, may have changed. */
  onSyncStatus(): void;
}

/** Makes the store of a cluster; it is empty, and nothing is known. */
export function createClusterStore(config: ClusterOptions, options: ClusterStoreOptions): ClusterStore {
  const { clock, random, onChange } = options;
  const { id } = config;
  const logger: Logger =
    id === ""
      ? options.logger
      : { log: (level, message, fields) => options.logger.log(level, message, { cluster: id, ...fields }) };
  const byRequest = config.mode === "request";
  const journal =
    options.keepsJournal === false
      ? undefined
      : createJournal({ cluster: id, usual: byRequest ? "request" : "watch", clock });
  const snapshot = createSnapshot({ clock, emptyGrace: config.empty_grace, onSlices: journal?.slices, onChange });
  const condition = createConditionVariable(options.onSyncStatus);
  const plan = planCluster(config);
  const { keeps: keepNamespace } = plan;
  const watchSize = sizeWatcher(config.shared_size, snapshot.reader, logger);
  const watchNotes = notesWatcher(logger);

  const track = (namespace: string | undefined): TrackedSource =>
    trackSource(namespace, () => store.connecting, condition, clock);

  /** Writes a change, and says what was left out of the objects. */
  const sliceReceiver = (scope: string, endpoints: TrackedSource): StorePart["receiveSlices"] => {
    const write = snapshot.writer(scope);
    return endpoints.received((change) => {
      if (change.kind !== "replace" || journal === undefined) write(change);
      else {
        const polls = config.mode === "poll" || endpoints.source?.status.state === "polling";
        const context = { why: polls ? "poll" : "list", first: !endpoints.synced } as const;
        journal.takeList(change.items.length, context, () => write(change));
      }
      watchNotes(change);
      watchSize();
    });
  };

  const shared = byRequest ? track(undefined) : undefined;
  const parts = plan.scopes.map((part): StorePart => {
    const scope = part.namespace ?? "";
    const endpoints = shared ?? track(part.namespace);
    const services = byRequest || part.services === undefined ? undefined : track(part.namespace);
    const writeService = snapshot.serviceWriter(scope);
    return {
      plan: part,
      scope,
      endpoints,
      services,
      sync: createNamespaceSync({ endpoints, services, clock, condition, running: () => store.running }),
      receiveSlices: sliceReceiver(scope, endpoints),
      receiveServices: services?.received(writeService) ?? writeService,
    };
  });
  const endpoints = shared === undefined ? parts.map((part) => part.endpoints) : [shared];
  const services = parts.flatMap((part) => part.services ?? []);

  const store: ClusterStore = {
    config,
    clock,
    random,
    logger,
    plan,
    decoders: {
      slices: (config.watch_endpoint_slices ? endpointSliceDecoder : endpointsDecoder)({ keepNamespace }),
      services: serviceDecoder({ keepNamespace }),
    },
    snapshot,
    parts,
    endpoints,
    services,
    condition,
    journal,
    connecting: { state: "connecting", lastError: undefined },
    running: true,
    partOf: (namespace) =>
      keepNamespace(namespace)
        ? parts.find(({ plan: { namespace: own } }) => own === undefined || own === namespace)
        : undefined,
    synced: () => (shared === undefined ? parts.every(({ sync }) => sync.synced()) : shared.synced),
    listed: () => (shared === undefined ? parts.every(({ sync }) => sync.listed()) : shared.listed),
    statusChanged() {
      if (journal !== undefined) {
        const all = [...endpoints, ...services].map((source) => source.report().status);
        const state = worstState(all.map((status) => status.state));
        journal.state(state, all.find((status) => status.state === state)?.lastError ?? null);
      }
      condition.changed();
    },
  };
  return store;
}
