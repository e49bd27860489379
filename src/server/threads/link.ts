import { settingsOf } from "../../discovery/feeds/publisher.ts";
import type { NewsLink } from "../../discovery/feeds/replica.ts";
import { type ClusterNews, readNews } from "../../discovery/feeds/updates.ts";
import type { Distrust } from "../../discovery/resolve/freshness.ts";
import type { ToKeeper } from "./messages.ts";
import type { Asker } from "./rpc.ts";

/** A worker's way to the keeper's clusters. */
export interface KeeperLink extends NewsLink {
  /** News came for a feed. */
  receive(feed: number, news: string): void;
}

/** Makes one. */
export function createKeeperLink(post: (message: ToKeeper) => void, asker: Asker): KeeperLink {
  const receivers = new Map<number, (news: ClusterNews) => void>();
  let feeds = 0;
  return {
    follow(config, receive) {
      const feed = ++feeds;
      receivers.set(feed, receive);
      post({ kind: "follow", feed, settings: settingsOf(config) });
      return () => {
        receivers.delete(feed);
        post({ kind: "unfollow", feed });
      };
    },
    async refresh(config, namespace, name) {
      try {
        const data = { settings: settingsOf(config), namespace, name };
        return (await asker.ask("refresh", data, 0)) as Distrust | undefined;
      } catch (error) {
        return { why: "not_synced", detail: `it cannot be asked for: ${(error as Error).message}` };
      }
    },
    receive: (feed, news) => receivers.get(feed)?.(readNews(news)),
  };
}
