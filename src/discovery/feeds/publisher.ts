import type { Clock } from "../../base/clock.ts";
import type { FollowedCluster } from "../cluster.ts";
import type { ClusterOptions } from "../options.ts";
import type { UnavailableReason } from "../resolve/freshness.ts";
import { updateText } from "./updates.ts";

/** Tells followers of clusters what happens there. */
export interface Publisher {
  /** A cluster is followed here from now on; returns the function that says that it is not any more. */
  add(cluster: FollowedCluster): () => void;
  /**
   * A follower wants the news of the cluster with these settings, as texts for `readNews`: everything that is known, then
   * every change, what comes in one turn of the event loop together. Returns the function that ends it.
   */
  subscribe(settings: string, receive: (news: string) => void): () => void;
  /** Tells now what waits for the end of the turn. */
  flush(): void;
  /** What a follower's gate asks for: see `NewsLink.refresh`. */
  refresh(settings: string, namespace: string, name: string): Promise<UnavailableReason | undefined>;
}

/** By what a cluster is found: the same settings, the same news. */
export const clusterKey = (config: ClusterOptions): string => JSON.stringify(config);

/** Where `max_stale` is set, followers must hear of signs of life that are no change: this often within that time. */
const SIGNS_PER_MAX_STALE = 8;
/** But not more often than after so many milliseconds. */
const LEAST_SIGN_MS = 20;

interface Subscription {
  readonly receive: (news: string) => void;
  /** Waits until it may be told everything: it has data of a cluster that went, and this one is not listed yet. */
  waits: boolean;
  /** It was told of a cluster before. */
  told: boolean;
  whole: string | undefined;
  changes: string[];
  facts: boolean;
}

interface Topic {
  cluster: FollowedCluster | undefined;
  readonly subscriptions: Set<Subscription>;
}

/** Makes one that knows no cluster. */
export function createPublisher(clock: Clock): Publisher {
  const topics = new Map<string, Topic>();
  let scheduled = false;

  const topicOf = (settings: string): Topic => {
    let topic = topics.get(settings);
    if (topic === undefined) {
      topic = { cluster: undefined, subscriptions: new Set() };
      topics.set(settings, topic);
    }
    return topic;
  };
  const dropIfUnused = (settings: string, { cluster, subscriptions }: Topic): void => {
    if (cluster === undefined && subscriptions.size === 0) topics.delete(settings);
  };

  function hand({ cluster }: Topic, subscription: Subscription): void {
    const { whole, changes, facts } = subscription;
    if (whole === undefined && changes.length === 0 && !facts) return;
    subscription.whole = undefined;
    subscription.changes = [];
    subscription.facts = false;
    subscription.receive(updateText({ whole, changes, facts: facts ? cluster?.changes.syncStatus() : undefined }));
  }

  function flush(): void {
    for (const topic of topics.values()) {
      for (const subscription of topic.subscriptions) if (!subscription.waits) hand(topic, subscription);
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

  /** Everything at this moment, and what is known of it; changes from before are part of it. */
  function tellAll(cluster: FollowedCluster, subscription: Subscription): void {
    subscription.waits = false;
    subscription.told = true;
    subscription.whole = JSON.stringify(cluster.changes.fullState());
    subscription.changes = [];
    subscription.facts = true;
    schedule();
  }

  function attach(cluster: FollowedCluster, subscription: Subscription): void {
    // What a follower knows is not taken away by a client that knows less yet.
    subscription.waits = subscription.told && !cluster.synced();
    if (!subscription.waits) tellAll(cluster, subscription);
  }

  return {
    add(cluster) {
      const settings = clusterKey(cluster.config);
      const topic = topicOf(settings);
      topic.cluster = cluster;
      for (const subscription of topic.subscriptions) attach(cluster, subscription);
      const { max_stale: maxStale } = cluster.config;
      let cancel: (() => void) | undefined;
      const factsChanged = (): void => {
        for (const subscription of topic.subscriptions) {
          if (subscription.waits && cluster.synced()) tellAll(cluster, subscription);
          else subscription.facts = true;
        }
        schedule();
      };
      const sign = (): void => {
        cancel = clock.after(Math.max(LEAST_SIGN_MS, maxStale / SIGNS_PER_MAX_STALE), () => {
          factsChanged();
          sign();
        });
      };
      if (maxStale > 0) sign();
      const end = cluster.changes.subscribe({
        change(change) {
          if (topic.subscriptions.size === 0) return;
          const text = JSON.stringify(change);
          for (const subscription of topic.subscriptions) if (!subscription.waits) subscription.changes.push(text);
          schedule();
        },
        syncStatus: factsChanged,
      });
      return () => {
        end();
        cancel?.();
        if (topic.cluster === cluster) topic.cluster = undefined;
        dropIfUnused(settings, topic);
      };
    },
    subscribe(settings, receive) {
      const topic = topicOf(settings);
      const subscription = { receive, waits: false, told: false, whole: undefined, changes: [], facts: false };
      topic.subscriptions.add(subscription);
      if (topic.cluster !== undefined) attach(topic.cluster, subscription);
      // Other settings are in force already, and the follower will hear of them.
      else receive("{}");
      return () => {
        topic.subscriptions.delete(subscription);
        dropIfUnused(settings, topic);
      };
    },
    flush,
    async refresh(settings, namespace, name) {
      const topic = topics.get(settings);
      const gone: UnavailableReason = { why: "not_synced", detail: "nobody follows this cluster any more" };
      if (topic?.cluster === undefined) return gone;
      const gate = topic.cluster.guard(namespace, name);
      await gate.refresh();
      if (topic.cluster?.config.mode !== "request") for (const one of topic.subscriptions) one.facts = true;
      flush();
      return gate.unavailable();
    },
  };
}
