import { untilAborted } from "../../kubernetes/abort-scope.ts";
import { idleStatus } from "../../kubernetes/source-status.ts";
import type { Change } from "../../kubernetes/types.ts";
import type { ClusterOptions } from "../options.ts";
import { createPortInterner } from "../records/object-reader.ts";
import type { SliceRecord } from "../records/slice-record.ts";
import type { UnavailableReason } from "../resolve/freshness.ts";
import type { ClusterStore } from "../store/cluster-store.ts";
import type { SnapshotFileStatus } from "../store/snapshot-persister.ts";
import type { CreateFeed, Feed } from "./feed.ts";
import type { ClusterUpdate, ScopedChange } from "./updates.ts";

/** The way to the cluster that a replica follows. */
export interface SourceLink {
  /** Subscribes to the updates of the cluster with these options; returns the unsubscribe. */
  subscribe(config: ClusterOptions, receive: (update: ClusterUpdate) => void): () => void;
  /**
   * Has the source bring a service up to date, as its own guard's `refresh` does; what that changed was received
   * before this resolves. Resolves with why the service is still not known. Never rejects.
   */
  refresh(config: ClusterOptions, namespace: string, name: string): Promise<UnavailableReason | undefined>;
}

/** A feed from a cluster of another thread. */
export interface ReplicaFeed extends Feed {
  /** Resolves when the source has sent all it knows, be it nothing; rejects with the signal's reason. */
  whenReceived(signal: AbortSignal): Promise<void>;
}

/** Services whose last answer is remembered (mode `request`): requests for more of them are for what does not exist. */
const ANSWERS = 10_000;

const NOT_ASKED: UnavailableReason = { why: "not_synced", detail: "the apiserver has not answered about it yet" };

/** Feeds a store with what another thread's store receives. */
export function replicaFeed(link: SourceLink): CreateFeed<ReplicaFeed> {
  return (store) => createReplicaFeed(store, link);
}

function createReplicaFeed(store: ClusterStore, link: SourceLink): ReplicaFeed {
  const { config, snapshot, condition } = store;
  const intern = createPortInterner();
  let received = false;
  let snapshotFile: SnapshotFileStatus | undefined;
  /** Mode `request`: what the source said last about services; undefined: that they are known. */
  const answers = new Map<string, UnavailableReason | undefined>();

  for (const { plan, endpoints } of store.parts) {
    const refresh = async (): Promise<void> => {
      await link.refresh(config, plan.namespace ?? config.namespace, "");
    };
    endpoints.attach({ status: idleStatus("connecting"), refresh });
  }

  // Equal port lists are one object here too: every message has its own.
  const interned = (record: SliceRecord): SliceRecord => ({
    ...record,
    groups: record.groups.map(({ ports, packed }) => ({ ports: intern(ports.ports), packed })),
  });
  const internedChange = (change: Change<SliceRecord>): Change<SliceRecord> => {
    if (change.kind === "replace") return { kind: "replace", items: change.items.map(interned) };
    return change.kind === "put" ? { kind: "put", item: interned(change.item) } : change;
  };
  const apply = ({ of, scope, change }: ScopedChange): void => {
    if (of === "slices") snapshot.writer(scope)(internedChange(change));
    else snapshot.serviceWriter(scope)(change);
  };
  /** Scopes that are not in it hold nothing any more; they are emptied last, so that what moved is never absent. */
  const applyFullState = (fullState: readonly ScopedChange[]): void => {
    for (const change of fullState) apply(change);
    const named = new Set(fullState.map(({ of, scope }) => `${of} ${scope}`));
    const nothing = { kind: "replace", items: [] } as const;
    for (const of of ["slices", "services"] as const) {
      for (const scope of snapshot[of].keys()) if (!named.has(`${of} ${scope}`)) apply({ of, scope, change: nothing });
    }
  };
  const receive = ({ fullState, changes = [], syncStatus }: ClusterUpdate): void => {
    received = true;
    if (fullState !== undefined) applyFullState(fullState);
    for (const change of changes) apply(change);
    if (syncStatus !== undefined) {
      for (const [i, sync] of syncStatus.endpoints.entries()) store.endpoints[i]!.replicate(sync);
      for (const [i, sync] of syncStatus.services.entries()) store.services[i]!.replicate(sync);
      store.running = syncStatus.running;
      ({ snapshotFile } = syncStatus);
    }
    condition.changed();
  };

  const perRequest: Pick<Feed, "refresh" | "unavailable"> = {
    async refresh(namespace, name) {
      const key = `${namespace}/${name}`;
      const answer = await link.refresh(config, namespace, name);
      answers.delete(key);
      answers.set(key, answer);
      if (answers.size > ANSWERS) answers.delete(answers.keys().next().value!);
    },
    unavailable(namespace, name) {
      const key = `${namespace}/${name}`;
      return answers.has(key) ? answers.get(key) : NOT_ASKED;
    },
  };

  return {
    async run(signal) {
      const unsubscribe = link.subscribe(config, receive);
      await untilAborted(signal);
      unsubscribe();
    },
    whenReceived: (signal) => condition.until(() => received, signal),
    snapshotFile: () => snapshotFile,
    ...(config.mode === "request" && perRequest),
  };
}
