import { type Clock, systemClock } from "../../base/clock.ts";
import type { Logger, LogLevel } from "../../base/log.ts";
import { type Cluster, createCluster } from "../../discovery/cluster.ts";
import { type FetchSharedSnapshot, type OnDemandFeed, onDemandFeed } from "../../discovery/feeds/on-demand.ts";
import type { ClusterOptions } from "../../discovery/options.ts";
import { connect } from "../../kubernetes/connect.ts";
import type { WorkerEnv } from "../../platform/workers/api.ts";
import { apiserverFetch } from "../../platform/workers/fetch.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** JSON lines to the Worker's log. */
export function workerLogger(least: LogLevel): Logger {
  return {
    log(level, message, fields) {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      writeLog(JSON.stringify({ level: level.toUpperCase(), message, ...fields }), level === "error");
    },
  };
}

/** A line of the Worker's log. */
export function writeLog(line: string, isError = false): void {
  const { console } = globalThis;
  console[isError ? "error" : "log"](line);
}

/** A cluster whose snapshot is refreshed by the requests that need it. */
export type OnDemandCluster = Cluster & { readonly feed: OnDemandFeed };

/** Makes one. */
export function workerCluster(
  config: ClusterOptions,
  env: WorkerEnv,
  options: {
    readonly background: (work: Promise<void>) => void;
    readonly fetchShared?: FetchSharedSnapshot | undefined;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly zone?: string | undefined;
  },
): OnDemandCluster {
  const send = apiserverFetch(env, config.id);
  const deps = { clientFetch: () => send, env: {}, run: undefined, files: undefined, clock: systemClock };
  const { background, fetchShared, clock, logger, zone } = options;
  const feed = onDemandFeed({ connect: (cluster) => connect(cluster, deps), background, fetchShared });
  return createCluster(config, feed, { clock, random: Math.random, logger, zone, keepsJournal: false });
}
