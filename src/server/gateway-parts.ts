import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { VERSION } from "../base/version.ts";
import { type Cluster, createCluster } from "../discovery/cluster.ts";
import { apiserverFeed } from "../discovery/feeds/apiserver.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import { createSnapshotFiles } from "../discovery/store/snapshot-files.ts";
import type { GatewayOptions } from "../gateway/gateway.ts";
import { connect } from "../kubernetes/connect.ts";
import type { ApiserverConnection } from "../kubernetes/connection.ts";
import { createModules, type Modules } from "../middleware/modules.ts";
import { createTracing } from "../telemetry/tracing/tracing.ts";
import { outgoingFetch } from "./outgoing.ts";
import type { ServeWorld } from "./serve.ts";
import { createTransports } from "./upstream-tls.ts";
import { viaApiserver } from "./via-apiserver.ts";

/** Everything but the config and the log. */
export interface GatewayParts extends Omit<GatewayOptions, "config" | "logger"> {
  createCluster(config: ClusterOptions, zone: string | undefined): Cluster;
}

/**
 * What a gateway in a process of its own works with: everything but the config and the log. `modules` are those it
 * loads.
 */
export function gatewayParts(
  world: Pick<ServeWorld, "runtime" | "host" | "files"> & { readonly viaApiserver?: boolean },
  logger: Logger,
  modules: Modules = createModules(undefined, ""),
): GatewayParts {
  const { runtime, host, files } = world;
  const clock = systemClock;
  const plainFetch = outgoingFetch(world);
  const deps = { clientFetch: runtime.clientFetch, env: host.env, run: runtime.run, files, clock };
  const snapshotFiles = createSnapshotFiles(files);
  const connections = new Map<string, ApiserverConnection>();
  const connection = (cluster: string): ApiserverConnection | undefined => connections.get(cluster);
  const transports = createTransports(runtime, { files, host, logger });
  const feed = apiserverFeed({
    async connect(cluster) {
      const connection = await connect(cluster, deps);
      connections.set(cluster.id, connection);
      return connection;
    },
    watchFiles: files.watch,
    snapshotFiles,
  });
  return {
    createCluster: (config, zone) => createCluster(config, feed, { clock, random: Math.random, logger, zone }),
    transportFor(tls) {
      const direct = transports.of(tls);
      return world.viaApiserver ? viaApiserver({ connection, direct, logger }) : direct;
    },
    plainFetch,
    userMiddleware: modules.middleware,
    retain({ routes, streams }) {
      transports.keep([...routes, ...streams].flatMap(({ upstream_tls }) => upstream_tls ?? []));
    },
    clock,
    random: Math.random,
    writeAccessLog: host.write,
    createTracing: (config) =>
      createTracing(config, { fetch: plainFetch, env: host.env, version: VERSION, clock, random: Math.random, logger }),
  };
}
