import { systemClock } from "../clock.ts";
import type { UpstreamTlsConfig } from "../config/schema.ts";
import { createCluster } from "../discovery/cluster.ts";
import type { GatewayOptions } from "../gateway.ts";
import { connect } from "../kubernetes/connection.ts";
import type { Logger } from "../log.ts";
import { createModules, type Modules } from "../middleware/modules.ts";
import type { UpstreamFetch } from "../proxy/types.ts";
import type { Files, Runtime } from "../runtime/runtime.ts";
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
  return {
    createCluster: (config, zone) =>
      createCluster(config, {
        connect: (cluster) => connect(cluster, deps),
        watchFiles: files.watch,
        clock,
        random: Math.random,
        logger,
        zone,
      }),
    upstreamFetch: runtime.upstreamFetch(),
    upstreamFetchWith: (tls) => tlsFetch(tls, runtime, files),
    plainFetch: runtime.clientFetch({ verify: true }),
    userMiddleware: modules.middleware,
    mutableHeaders: runtime.mutableHeaders,
    clock,
    random: Math.random,
    writeAccessLog: host.write,
  };
}

/**
 * A fetch with a route's `upstream_tls`. Its files are read at the first request; a file that cannot be read fails the
 * requests of this route alone, and is tried again with the next one.
 */
function tlsFetch(tls: UpstreamTlsConfig, runtime: Runtime, files: Files): UpstreamFetch {
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : await files.readText(path);
  let ready: Promise<UpstreamFetch> | undefined;
  const make = async (): Promise<UpstreamFetch> =>
    runtime.upstreamFetch({
      verify: tls.verify,
      ca: await read(tls.ca_file),
      cert: await read(tls.cert_file),
      key: await read(tls.key_file),
      serverName: tls.server_name,
    });
  return async (url, init) => {
    ready ??= make().catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return (await ready)(url, init);
  };
}
