import { createHealthSet } from "../balancing/health/health-set.ts";
import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import { createPublisher } from "../discovery/feeds/publisher.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import type { GatewayView } from "../gateway/view.ts";
import type { Modules } from "../middleware/modules.ts";
import type { Files } from "../platform/files.ts";
import type { Host } from "../platform/host.ts";
import type { Runtime } from "../platform/runtime.ts";
import type { Threads } from "../platform/threads.ts";
import type { ServerCertificate } from "../platform/tls.ts";
import { gatewayParts } from "./gateway-parts.ts";
import { type HttpListener, type LocalHttpListener, openHttpListener } from "./http-listener.ts";
import { primaryView } from "./threads/primary-view.ts";
import { createWorkerPool } from "./threads/worker-pool.ts";

/** The gateway of a process, be it one thread or a pool of workers. */
export interface GatewayServer {
  /** The one that follows the clusters. */
  readonly gateway: Gateway;
  /** What the admin API shows. */
  readonly view: GatewayView;
  /** Begins to take requests. Rejects with a `ListenError`. */
  open(): Promise<HttpListener>;
  /** Puts a config in force; resolves when it is, everywhere. */
  apply(config: Config): Promise<void>;
  /** Resolves when all that is known of the clusters now is known everywhere. */
  settled(): Promise<void>;
  /**
   * Gives up what `open` has begun, which then rejects with an `AbandonedError`: the process ends before it was done.
   */
  abandon(): void;
}

/** What it is made of. */
export interface GatewayServerOptions {
  readonly config: Config;
  /** The config file's path. */
  readonly file: string;
  readonly certificates: readonly ServerCertificate[];
  readonly modules: Modules;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly host: Host;
  readonly files: Files;
  readonly viaApiserver: boolean;
}

/** A gateway that does everything itself, in this thread. */
export function singleThreadedServer(options: GatewayServerOptions): GatewayServer {
  const { config, certificates, modules, logger, host } = options;
  const gateway = createGateway({ config, logger, ...gatewayParts(options, logger, modules) });
  let listener: LocalHttpListener | undefined;
  return {
    gateway,
    view: gateway,
    async open() {
      const { server } = config;
      listener = await openHttpListener({ server, gateway, host, certificates, clock: systemClock, threads: 1 });
      return listener;
    },
    async apply(next) {
      gateway.apply(next);
      listener?.setLimits(next.server);
    },
    settled: async () => {},
    abandon: () => {},
  };
}

/** A gateway whose requests are served by workers: this thread keeps the clusters, the config and the certificates. */
export function threadedServer(options: GatewayServerOptions, count: number, threads: Threads): GatewayServer {
  const { file, modules, logger, host } = options;
  let { config, certificates } = options;
  const clock = systemClock;
  // What takes effect at the next start only: a worker that takes another's place must listen as that one did.
  const { listen, tls, http2 } = config.server;
  const publisher = createPublisher(clock);
  const parts = gatewayParts(options, logger, modules);
  const health = createHealthSet({ clock, random: Math.random, logger, onMark: (mark) => pool.mark(mark) });
  const pool = createWorkerPool({
    threads,
    count,
    clock,
    logger,
    publisher,
    setup: () => ({
      config: { ...config, server: { ...config.server, listen, tls, http2 } },
      file,
      certificates,
    }),
    marks: health.marks,
    writeAccessLog: host.write,
  });
  const gateway = createGateway({
    config,
    logger,
    ...parts,
    health,
    createCluster(settings, zone) {
      const cluster = parts.createCluster(settings, zone);
      const end = publisher.add(cluster);
      return { ...cluster, run: (signal) => cluster.run(signal).finally(end) };
    },
  });
  return {
    gateway,
    view: primaryView(gateway, pool),
    async open() {
      return {
        port: await pool.open(config.server.listen.port),
        renew(renewed) {
          certificates = renewed;
          pool.renew(renewed);
        },
        async drain(limits) {
          gateway.drain();
          await pool.drain(limits);
        },
        close: pool.kill,
      };
    },
    async apply(next) {
      gateway.apply(next);
      // What threads start with from now on: never a config that could not be put in force.
      config = next;
      await pool.apply(next);
    },
    settled: pool.settled,
    abandon: pool.kill,
  };
}
