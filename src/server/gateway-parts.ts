import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { VERSION } from "../base/version.ts";
import { createCluster, type FollowedCluster } from "../discovery/cluster.ts";
import type { ClusterOptions } from "../discovery/options.ts";
import { createSnapshotFiles } from "../discovery/store/snapshot-files.ts";
import type { GatewayOptions } from "../gateway/gateway.ts";
import { type Connection, connect } from "../kubernetes/connection.ts";
import { createModules, type Modules } from "../middleware/modules.ts";
import type { UpstreamFetch } from "../proxy/types.ts";
import { createTracing } from "../telemetry/tracing/tracing.ts";
import { outgoingFetch } from "./outgoing.ts";
import type { ServeWorld } from "./serve.ts";
import { rememberTls } from "./upstream-tls.ts";
import { viaApiserver } from "./via-apiserver.ts";

/** Everything but the config and the log. */
export interface GatewayParts extends Omit<GatewayOptions, "config" | "logger"> {
  createCluster(config: ClusterOptions, zone: string | undefined): FollowedCluster;
}

/** What a gateway in a process of its own works with: everything but the config and the log. `modules` are those it loads. */
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
  const connections = new Map<string, Connection>();
  const connection = (cluster: string): Connection | undefined => connections.get(cluster);
  const wayToPods = (direct: UpstreamFetch): UpstreamFetch =>
    world.viaApiserver ? viaApiserver({ connection, direct, logger }) : direct;
  const tlsOptions = { files, host, logger };
  const fetchWith = rememberTls(runtime.upstreamFetch, tlsOptions);
  const connectWith = runtime.upstreamConnect && rememberTls(runtime.upstreamConnect, tlsOptions);
  const dialWith = runtime.dial && rememberTls(runtime.dial, tlsOptions);
  return {
    createCluster: (config, zone) =>
      createCluster(config, {
        async connect(cluster) {
          const connection = await connect(cluster, deps);
          connections.set(cluster.id, connection);
          return connection;
        },
        watchFiles: files.watch,
        snapshotFiles,
        clock,
        random: Math.random,
        logger,
        zone,
      }),
    upstreamFetch: wayToPods(runtime.upstreamFetch()),
    upstreamFetchWith: (tls) => {
      const made = fetchWith.of(tls);
      return wayToPods(async (url, init) => (await made())(url, init));
    },
    upstreamConnect: runtime.upstreamConnect?.(),
    upstreamConnectWith: (tls) => {
      const made = connectWith?.of(tls);
      return made && (async (url, init) => (await made())(url, init));
    },
    dial: runtime.dial?.(),
    dialWith: (tls) => {
      const made = dialWith?.of(tls);
      if (made === undefined) throw new Error("This runtime opens no TCP connections");
      return async (to, dialing) => (await made())(to, dialing);
    },
    plainFetch,
    userMiddleware: modules.middleware,
    retain({ routes, streams }) {
      const ofRoutes = routes.flatMap(({ upstream_tls }) => upstream_tls ?? []);
      fetchWith.keep(ofRoutes);
      connectWith?.keep(ofRoutes);
      dialWith?.keep(streams.flatMap(({ upstream_tls }) => upstream_tls ?? []));
    },
    mutableHeaders: runtime.mutableHeaders,
    copiesPieces: runtime.copiesPieces,
    clock,
    random: Math.random,
    writeAccessLog: host.write,
    createTracing: (config) =>
      createTracing(config, { fetch: plainFetch, env: host.env, version: VERSION, clock, random: Math.random, logger }),
  };
}
