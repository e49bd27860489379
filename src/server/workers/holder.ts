import { systemClock } from "../../base/clock.ts";
import type { FetchSharedSnapshot, SharedSnapshot } from "../../discovery/feeds/on-demand.ts";
import type { DurableObjectNamespace, WorkerEnv } from "../../platform/workers/api.ts";
import { readWorkerConfig } from "./config.ts";
import { type OnDemandCluster, workerCluster, workerLogger } from "./parts.ts";

/** The header of an answer's tag, and the one that says when the apiserver was asked. */
const TAG = "x-podway-tag";
const LISTED = "x-podway-listed";

/** What is asked of a holder: its URL is never looked up. */
const urlOf = (path: string, query: Record<string, string>): string =>
  `https://snapshot-holder/${path}?${new URLSearchParams(query)}`;

/** Sends the isolates' questions to the Durable Object of their cluster. */
export function holderClient(namespace: DurableObjectNamespace): FetchSharedSnapshot {
  return async (cluster, have) => {
    const holder = namespace.get(namespace.idFromName(`cluster:${cluster}`));
    const query = { cluster, ...(have === undefined ? undefined : { have }) };
    const response = await holder.fetch(urlOf("snapshot", query));
    if (!response.ok && response.status !== 304) throw new Error(await response.text());
    const tag = response.headers.get(TAG)!;
    const listed = Number(response.headers.get(LISTED));
    return { tag, listed, text: response.status === 304 ? undefined : await response.text() };
  };
}

const answerOf = ({ tag, listed, text }: SharedSnapshot): Response => {
  const headers = { [TAG]: tag, [LISTED]: String(listed), "cache-control": "no-store" };
  return text === undefined ? new Response(null, { status: 304, headers }) : new Response(text, { headers });
};

/** The part of a Durable Object class that Workers calls. */
export interface Holder {
  fetch(request: Request): Promise<Response>;
}

/**
 * Makes the Durable Object class that holds a cluster's snapshot for all isolates. In one object requests may share a
 * promise, so that all who come while a list is under way wait for that one.
 */
export function snapshotHolder(text: string): new (state: unknown, env: WorkerEnv) => Holder {
  return class SnapshotHolder implements Holder {
    readonly #env: WorkerEnv;
    #cluster: OnDemandCluster | undefined;
    #running: Promise<void> | undefined;

    constructor(_state: unknown, env: WorkerEnv) {
      this.#env = env;
    }

    #clusterOf(id: string): OnDemandCluster | undefined {
      const read = readWorkerConfig(text, this.#env);
      if (!read.ok) return undefined;
      const config = read.config.discovery?.clusters.find((cluster) => cluster.id === id);
      if (config === undefined) return undefined;
      const logger = workerLogger(read.config.server.log_level);
      // A Durable Object lives on after its answer: nothing has to be kept alive.
      return workerCluster(config, this.#env, { background: () => {}, clock: systemClock, logger });
    }

    #refresh(cluster: OnDemandCluster): Promise<void> {
      this.#running ??= cluster.feed.refreshNow().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }

    async fetch(request: Request): Promise<Response> {
      const { searchParams } = new URL(request.url);
      this.#cluster ??= this.#clusterOf(searchParams.get("cluster") ?? "");
      const cluster = this.#cluster;
      if (cluster === undefined) return new Response("its config has no such cluster", { status: 404 });
      const have = searchParams.get("have") ?? undefined;
      if (cluster.feed.age() > cluster.config.poll_interval) {
        const refreshed = this.#refresh(cluster).catch(() => {});
        // Who knows nothing yet takes what there is; who asks again has time to wait for news.
        if (!cluster.synced() || have !== undefined) await refreshed;
      }
      if (!cluster.synced()) return new Response(cluster.status().lastError ?? "no list yet", { status: 503 });
      return answerOf(await cluster.feed.share(have));
    }
  };
}
