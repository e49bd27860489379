import { systemClock } from "../clock.ts";
import type { UpstreamTlsConfig } from "../config/schema.ts";
import { createCluster } from "../discovery/cluster.ts";
import { createSnapshotFiles } from "../discovery/snapshot-files.ts";
import type { GatewayOptions } from "../gateway.ts";
import { connect } from "../kubernetes/connection.ts";
import type { Logger } from "../log.ts";
import { createModules, type Modules } from "../middleware/modules.ts";
import type { ClientTls, Files } from "../runtime/runtime.ts";
import type { ServeWorld } from "./serve.ts";

/** What a gateway in a process of its own works with: everything but the config and the log. `modules` are those it loads. */
export function gatewayParts(
  world: Pick<ServeWorld, "runtime" | "host" | "files">,
  logger: Logger,
  modules: Modules = createModules(undefined),
): Omit<GatewayOptions, "config" | "logger"> {
  const { runtime, host, files } = world;
  const clock = systemClock;
  const deps = { clientFetch: runtime.clientFetch, env: host.env, run: runtime.run, files, clock };
  const snapshotFiles = createSnapshotFiles(files);
  return {
    createCluster: (config, zone) =>
      createCluster(config, {
        connect: (cluster) => connect(cluster, deps),
        watchFiles: files.watch,
        snapshotFiles,
        clock,
        random: Math.random,
        logger,
        zone,
      }),
    upstreamFetch: runtime.upstreamFetch(),
    upstreamFetchWith: (tls) => {
      const made = withTls(tls, files, runtime.upstreamFetch);
      return async (url, init) => (await made())(url, init);
    },
    upstreamConnect: runtime.upstreamConnect?.(),
    upstreamConnectWith: (tls) => {
      if (runtime.upstreamConnect === undefined) return undefined;
      const made = withTls(tls, files, runtime.upstreamConnect);
      return async (url, init) => (await made())(url, init);
    },
    plainFetch: runtime.clientFetch({ verify: true }),
    userMiddleware: modules.middleware,
    mutableHeaders: runtime.mutableHeaders,
    clock,
    random: Math.random,
    writeAccessLog: host.write,
  };
}

/**
 * What `make` makes of a route's `upstream_tls`. Its files are read at the first request; a file that cannot be read fails
 * the requests of this route alone, and is tried again with the next one.
 */
function withTls<T>(config: UpstreamTlsConfig, files: Files, make: (tls: ClientTls) => T): () => Promise<T> {
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : await files.readText(path);
  const tls = async (): Promise<ClientTls> => ({
    verify: config.verify,
    ca: await read(config.ca_file),
    cert: await read(config.cert_file),
    key: await read(config.key_file),
    serverName: config.server_name,
  });
  let ready: Promise<T> | undefined;
  return () => {
    ready ??= tls()
      .then(make)
      .catch((error: unknown) => {
        ready = undefined;
        throw error;
      });
    return ready;
  };
}
