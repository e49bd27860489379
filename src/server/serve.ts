import type { ConfigInForce } from "../admin/app.ts";
import { systemClock } from "../base/clock.ts";
import { formatIssue, type LoadInput, type LoadResult } from "../config/load.ts";
import { redactConfig } from "../config/redact.ts";
import type { Config } from "../config/schema.ts";
import { FORMAT } from "../gateway/format.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { createModules, type Modules } from "../middleware/modules.ts";
import type { Files } from "../platform/files.ts";
import type { Host } from "../platform/host.ts";
import { ListenError } from "../platform/listen.ts";
import type { Runtime } from "../platform/runtime.ts";
import { announce } from "./announce.ts";
import { followCertificates, readCertificates } from "./certificates.ts";
import type { ConfigOrigin } from "./config-origin.ts";
import { workersOf } from "./http-limits.ts";
import type { HttpListener } from "./http-listener.ts";
import { EXIT, type PodFacts } from "./io.ts";
import { type Listeners, type ListenersOptions, openListeners } from "./listeners.ts";
import { kubeconfigOptions, loadWithContexts } from "./load-config.ts";
import { createLogger, type ProcessLogger } from "./logger.ts";
import { watchModules } from "./module-watch.ts";
import { assertFree, openPort } from "./ports.ts";
import { processMetrics } from "./process-metrics.ts";
import { createProgress } from "./progress.ts";
import { createReloader } from "./reload.ts";
import { type GatewayServer, singleThreadedServer, threadedServer } from "./server.ts";
import { stopSignal } from "./stop-signal.ts";
import { CertificatesError, openStreams, type StreamListeners } from "./stream-listeners.ts";
import { showSync } from "./sync-progress.ts";
import { AbandonedError } from "./threads/worker-pool.ts";
import { logFaults } from "./uncaught.ts";
import { VIA_APISERVER_NOTE } from "./via-apiserver.ts";

/** What serving needs of the process and the runtime. */
export interface ServeWorld {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly files: Files;
  readonly pod: PodFacts;
}

/** Reads and checks the config of `origin`, and loads the modules it names. Rejects where it cannot be read. */
export async function readConfig(origin: ConfigOrigin, world: ServeWorld, modules: Modules): Promise<LoadResult> {
  const { host, pod } = world;
  const limitations = host.threads === undefined ? (["threads"] as const) : [];
  const input: LoadInput = {
    format: FORMAT,
    file: origin.file,
    text: await origin.read(),
    env: host.env,
    pod,
    limitations,
  };
  const loaded = await loadWithContexts(input, kubeconfigOptions(world));
  if (!loaded.ok) return loaded;
  const errors = await modules.load(loaded.modules);
  return errors.length === 0 ? loaded : { ok: false, errors, warnings: loaded.warnings };
}

/** How the command line wants it served. */
export interface ServeOptions {
  /** Everything that is printed is JSON. */
  readonly json: boolean;
  /** See `PortRules`. */
  readonly takeover: boolean;
  /** Requests go to pods through the apiserver. */
  readonly viaApiserver: boolean;
}

/** Serves the config of `origin` until SIGTERM or SIGINT, then drains; returns the exit code. */
export async function serveUntilSignal(
  origin: ConfigOrigin,
  world: ServeWorld,
  options: ServeOptions,
): Promise<number> {
  const { host } = world;
  const modules = createModules(world.runtime.modules, origin.file);
  const config = await firstConfig(origin, world, modules);
  if (config === undefined) return EXIT.badInput;
  modules.use();
  const { tls } = config.server;
  const made = await readCertificates(tls ?? [], world, systemClock.now());
  if (!made.ok) {
    for (const error of made.errors) host.stderr(error);
    return EXIT.badInput;
  }
  const progress = createProgress({ ...host, write: host.draw, now: systemClock.now });
  const logger = createLogger({
    level: config.server.log_level,
    pretty: host.terminal && !options.json,
    write: (text) => progress.around(() => host.stderr(text.trimEnd())),
  });
  for (const warning of made.warnings) logger.log("warn", warning);
  const signals = stopSignal(host);
  const endFaults = logFaults(host, modules, logger);
  const { file, chosenBy } = origin;
  const parts = {
    ...world,
    config,
    file,
    certificates: made.certificates,
    modules,
    logger,
    viaApiserver: options.viaApiserver,
  };
  const { viaApiserver } = options;
  if (viaApiserver) logger.log("warn", VIA_APISERVER_NOTE);
  // The connections to apiservers are this thread's.
  const count = viaApiserver ? 1 : workersOf(config.server, host.threads);
  const served = count === 1 ? singleThreadedServer(parts) : threadedServer(parts, count, host.threads!);
  const { gateway } = served;
  let opened: Opened | undefined;
  const reloader = createReloader({
    async read() {
      const loaded = await readConfig(origin, world, modules);
      moduleWatch.renew();
      return loaded;
    },
    stamp: modules.stamp,
    async apply(next) {
      modules.use();
      logger.setLevel(next.server.log_level);
      await served.apply(next);
      await opened?.streams.apply(next.streams);
    },
    refuse: gateway.refuse,
    current: config,
    clock: systemClock,
    logger,
  });
  const moduleWatch = watchModules(modules, world.files, reloader.reload);
  const processView = processMetrics(world, reloader.counts, systemClock);
  const inForce = (): ConfigInForce => {
    const { hash, since, current } = reloader.counts();
    return {
      ...{ file, hash, since: new Date(since).toISOString(), current },
      // The console asks often, and for the rest only.
      get config() {
        return redactConfig(FORMAT, reloader.current());
      },
    };
  };
  try {
    void signals.stop.then(() => opened ?? served.abandon());
    const ports = { chosenBy, takeover: options.takeover };
    opened = await open(served, {
      config,
      host,
      files: world.files,
      ports,
      logger,
      processMetrics: processView,
      inForce,
      runtime: world.runtime.name,
    });
  } catch (error) {
    await gateway.stop();
    endFaults();
    return refusal(error, host);
  }
  const { traffic, listeners } = opened;
  moduleWatch.renew();
  const ends = [origin.watch(reloader.reload), moduleWatch.stop, signals.onHangup(reloader.reload)];
  if (tls !== undefined) ends.push(followCertificates(tls, traffic, { ...world, logger, now: systemClock.now }));
  const endProgress = showSync(served.view.status, progress, systemClock);
  await Promise.race([
    announce(served, listeners, { origin, host, logger, json: options.json, endProgress }),
    signals.stop,
  ]);
  endProgress();
  await signals.stop;
  for (const end of ends) end();
  await drain(gateway, opened, reloader.current(), logger);
  endFaults();
  return EXIT.fine;
}

/** Says why nothing is served; the exit code. Throws what is unforeseen. */
function refusal(error: unknown, { stderr }: Host): number {
  if (error instanceof AbandonedError) return EXIT.fine;
  if (error instanceof ListenError) {
    stderr(error.message);
    return EXIT.no;
  }
  if (!(error instanceof CertificatesError)) throw error;
  for (const line of error.errors) stderr(line);
  return EXIT.badInput;
}

/** The config to start with; undefined when it has errors, which are then on standard error, all of them. */
async function firstConfig(origin: ConfigOrigin, world: ServeWorld, modules: Modules): Promise<Config | undefined> {
  const { stderr } = world.host;
  let loaded: LoadResult;
  try {
    loaded = await readConfig(origin, world, modules);
  } catch (error) {
    stderr((error as Error).message);
    return undefined;
  }
  for (const issue of loaded.warnings) stderr(`warning: ${formatIssue(issue)}`);
  if (loaded.ok) return loaded.config;
  for (const issue of loaded.errors) stderr(formatIssue(issue));
  return undefined;
}

/** All that a gateway listens on. */
interface Opened {
  readonly traffic: HttpListener;
  readonly listeners: Listeners;
  readonly streams: StreamListeners;
}

/** Opens all or nothing. Rejects with a `ListenError` or a `CertificatesError`. */
async function open(
  served: GatewayServer,
  options: Omit<ListenersOptions, "view" | "port"> & { readonly files: Files; readonly logger: ProcessLogger },
): Promise<Opened> {
  const { config, host, ports } = options;
  const { listen } = config.server;
  const traffic = await openPort(ports.chosenBy.listen, () => {
    assertFree(host, listen, ports);
    return served.open();
  });
  let streams: StreamListeners | undefined;
  try {
    // However many workers there are, streams are served by this thread.
    streams = await openStreams(config.streams, { ...options, gateway: served.gateway });
    const listeners = await openListeners({ ...options, view: served.view, port: traffic.port });
    return { traffic, listeners, streams };
  } catch (error) {
    traffic.close();
    void streams?.stop(0);
    throw error;
  }
}

/** The end: no new work, then what is under way, then the clusters. */
async function drain(
  gateway: Gateway,
  { traffic, listeners, streams }: Opened,
  config: Config,
  logger: ProcessLogger,
): Promise<void> {
  const { drain_delay, drain } = config.server;
  logger.log("info", "Draining", { delay_ms: drain_delay, at_most_ms: drain });
  const redirectEnds = systemClock.sleep(drain_delay).then(listeners.stopRedirect);
  const streamsEnd = systemClock.sleep(drain_delay).then(() => streams.stop(drain));
  await Promise.all([traffic.drain(config.server), redirectEnds, streamsEnd]);
  await gateway.stop();
  await listeners.stopAdmin();
}
