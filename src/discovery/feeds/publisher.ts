import type { Clock } from "../../base/clock.ts";
import type { Cluster } from "../cluster.ts";
import type { ClusterOptions } from "../options.ts";
import type { UnavailableReason } from "../resolve/freshness.ts";
import { updateText } from "./updates.ts";

/** Sends what happens in clusters to their replicas. */
export interface Publisher {
  /** A cluster is followed here from now on; returns the function that ends that. */
  add(cluster: Cluster): () => void;
  /**
   * Subscribes a replica to the cluster of this key, with updates as texts for `readUpdate`: the full state, then every
   * change, those of one turn of the event loop together. Returns the unsubscribe.
   */
  subscribe(key: string, receive: (update: string) => void): () => void;
  /** Sends now what waits for the end of the turn. */
  flush(): void;
  /** What a replica's guard asks for: see `SourceLink.refresh`. */
  refresh(key: string, namespace: string, name: string): Promise<UnavailableReason | undefined>;
}

/** By what a cluster is found: the same options, the same updates. */
export const clusterKey = (config: ClusterOptions): string => JSON.stringify(config);

/** Where `max_stale` is set, replicas must hear of signs of life that are no change: this often within that time. */
const SIGNS_PER_MAX_STALE = 8;
/** But not more often than after so many milliseconds. */
const LEAST_SIGN_MS = 20;

interface Subscription {
  readonly receive: (update: string) => void;
  /** No update yet: the replica holds data of a cluster that went, and this one is not synced. */
  waits: boolean;
  /** It received the full state of a cluster before. */
  seeded: boolean;
  fullState: string | undefined;
  changes: string[];
  /** The sync status belongs into its next update. */
  syncStatus: boolean;
}

interface Topic {
  cluster: Cluster | undefined;
  readonly subscriptions: Set<Subscription>;
}

/** Makes one that knows no cluster. */
export function createPublisher(clock: Clock): Publisher {
  const topics = new Map<string, Topic>();
  let scheduled = false;

  const topicOf = (key: string): Topic => {
    let topic = topics.get(key);
    if (topic === undefined) {
      topic = { cluster: undefined, subscriptions: new Set() };
      topics.set(key, topic);
    }
    return topic;
  };
  const dropIfUnused = (key: string, { cluster, subscriptions }: Topic): void => {
    if (cluster === undefined && subscriptions.size === 0) topics.delete(key);
  };

  function send({ cluster }: Topic, subscription: Subscription): void {
    const { fullState, changes } = subscription;
    if (fullState === undefined && changes.length === 0 && !subscription.syncStatus) return;
    const syncStatus = subscription.syncStatus ? cluster?.changes.syncStatus() : undefined;
    subscription.fullState = undefined;
    subscription.changes = [];
    subscription.syncStatus = false;
    subscription.receive(updateText({ fullState, changes, syncStatus }));
  }

  function flush(): void {
    for (const topic of topics.values()) {
      for (const subscription of topic.subscriptions) if (!subscription.waits) send(topic, subscription);
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    clock.after(0, () => {
      scheduled = false;
      flush();
    });
  }

  /** Everything at this moment; changes from before are part of it. */
  function seed(cluster: Cluster, subscription: Subscription): void {
    subscription.waits = false;
    subscription.seeded = true;
    subscription.fullState = JSON.stringify(cluster.changes.fullState());
    subscription.changes = [];
    subscription.syncStatus = true;
    schedule();
  }

  function attach(cluster: Cluster, subscription: Subscription): void {
    // What a replica knows is not taken away by a cluster that knows less yet.
    subscription.waits = subscription.seeded && !cluster.synced();
    if (!subscription.waits) seed(cluster, subscription);
  }

  return {
    add(cluster) {
      const key = clusterKey(cluster.config);
      const topic = topicOf(key);
      topic.cluster = cluster;
      for (const subscription of topic.subscriptions) attach(cluster, subscription);
      const { max_stale: maxStale } = cluster.config;
      let cancel: (() => void) | undefined;
      const syncStatusChanged = (): void => {
        for (const subscription of topic.subscriptions) {
          if (subscription.waits && cluster.synced()) seed(cluster, subscription);
          else subscription.syncStatus = true;
        }
        schedule();
      };
      const sign = (): void => {
        cancel = clock.after(Math.max(LEAST_SIGN_MS, maxStale / SIGNS_PER_MAX_STALE), () => {
          syncStatusChanged();
          sign();
        });
      };
      if (maxStale > 0) sign();
      const unsubscribe = cluster.changes.subscribe({
        change(change) {
          if (topic.subscriptions.size === 0) return;
          const text = JSON.stringify(change);
          for (const subscription of topic.subscriptions) if (!subscription.waits) subscription.changes.push(text);
          schedule();
        },
        syncStatus: syncStatusChanged,
      });
      return () => {
        unsubscribe();
        cancel?.();
        if (topic.cluster === cluster) topic.cluster = undefined;
        dropIfUnused(key, topic);
      };
    },
    subscribe(key, receive) {
      const topic = topicOf(key);
      const subscription: Subscription = {
        receive,
        waits: false,
        seeded: false,
        fullState: undefined,
        changes: [],
        syncStatus: false,
      };
      topic.subscriptions.add(subscription);
      if (topic.cluster !== undefined) attach(topic.cluster, subscription);
      // Other options are in force already, and the replica will subscribe to those.
      else receive("{}");
      return () => {
        topic.subscriptions.delete(subscription);
        dropIfUnused(key, topic);
      };
    },
    flush,
    async refresh(key, namespace, name) {
      const topic = topics.get(key);
      if (topic?.cluster === undefined) {
        return { why: "not_synced", detail: "this cluster is no longer followed" };
      }
      const guard = topic.cluster.guard(namespace, name);
      await guard.refresh();
      if (topic.cluster?.config.mode !== "request") for (const one of topic.subscriptions) one.syncStatus = true;
      flush();
      return guard.unavailable();
    },
  };
}
