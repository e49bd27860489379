import { clusterKey } from "../../discovery/feeds/publisher.ts";
import type { SourceLink } from "../../discovery/feeds/replica.ts";
import { type ClusterUpdate, readUpdate } from "../../discovery/feeds/updates.ts";
import type { UnavailableReason } from "../../discovery/resolve/freshness.ts";
import type { ToPrimary } from "./messages.ts";
import type { RpcClient } from "./rpc.ts";

/** A worker's feed of the primary's clusters. */
export interface PrimaryLink extends SourceLink {
  /** Updates of a feed; see `readUpdate`. */
  receive(feed: number, news: string): void;
}

export function createPrimaryLink(post: (message: ToPrimary) => void, client: RpcClient): PrimaryLink {
  const receivers = new Map<number, (news: ClusterUpdate) => void>();
  let feeds = 0;
  return {
    subscribe(config, receive) {
      const feed = ++feeds;
      receivers.set(feed, receive);
      post({ kind: "follow", feed, settings: clusterKey(config) });
      return () => {
        receivers.delete(feed);
        post({ kind: "unfollow", feed });
      };
    },
    async refresh(config, namespace, name) {
      try {
        const data = { settings: clusterKey(config), namespace, name };
        return (await client.call("refresh", data, 0)) as UnavailableReason | undefined;
      } catch (error) {
        return { why: "not_synced", detail: `it cannot be asked for: ${(error as Error).message}` };
      }
    },
    receive: (feed, news) => receivers.get(feed)?.(readUpdate(news)),
  };
}
