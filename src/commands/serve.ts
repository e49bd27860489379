import { systemClock } from "../clock.ts";
import { formatIssue, type LoadResult, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { createGateway, type Gateway } from "../gateway.ts";
import { createModules, type Modules } from "../middleware/modules.ts";
import { type Host, ListenError } from "../runtime/host.ts";
import { createLogger, type ProcessLogger } from "../runtime/logger.ts";
import type { Files, Runtime } from "../runtime/runtime.ts";
import { followCertificates, readCertificates } from "./certificates.ts";
import type { ConfigOrigin } from "./config-origin.ts";
import { gatewayParts } from "./gateway-parts.ts";
import { EXIT, type PodFacts } from "./io.ts";
import { type Listeners, openListeners } from "./listeners.ts";
import { processMetrics } from "./process-metrics.ts";
import { createReloader } from "./reload.ts";

/** How long the ready line waits for the first lists. */
const READY_WAIT_MS = 5000;

/** What serving needs of the process and the runtime. */
export interface ServeWorld {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly files: Files;
  readonly pod: PodFacts;
}

/** Reads and checks the config of `origin`, and loads the modules it names. Rejects where it cannot be read. */
export async function readConfig(origin: ConfigOrigin, world: ServeWorld, modules: Modules): Promise<LoadResult> {
  const loaded = loadConfig({ file: origin.file, text: await origin.read(), env: world.host.env, pod: world.pod });
  if (!loaded.ok) return loaded;
  const errors = await modules.load(loaded.modules);
  return errors.length === 0 ? loaded : { ok: false, errors, warnings: loaded.warnings };
}

/** Serves the config of `origin` until SIGTERM or SIGINT, then drains; returns the exit code. */
export async function serveUntilSignal(
  origin: ConfigOrigin,
  world: ServeWorld,
  options: { json: boolean },
): Promise<number> {
  const { host } = world;
  const { importModule } = world.files;
  const modules = createModules(importModule && ((path) => importModule(path, origin.file)));
  const config = await firstConfig(origin, world, modules);
  if (config === undefined) return EXIT.badInput;
  const { tls } = config.server;
  const made = await readCertificates(tls ?? [], world, systemClock.now());
  if (!made.ok) {
    for (const error of made.errors) host.stderr(error);
    return EXIT.badInput;
  }
  const logger = createLogger({
    level: config.server.log_level,
    pretty: host.terminal && !options.json,
    write: (text) => host.stderr(text.trimEnd()),
  });
  for (const warning of [...host.warnings, ...made.warnings]) logger.log("warn", warning);
  const gateway = createGateway({ config, logger, ...gatewayParts(world, logger, modules) });
  const reloader = createReloader({
    read: () => readConfig(origin, world, modules),
    apply(next) {
      logger.setLevel(next.server.log_level);
      gateway.apply(next);
    },
    refuse: gateway.refuse,
    current: config,
    clock: systemClock,
    logger,
  });
  const processView = processMetrics(world, reloader.counts, systemClock);
  let listeners: Listeners;
  try {
    listeners = openListeners({ config, gateway, host, certificates: made.certificates, processMetrics: processView });
  } catch (error) {
    await gateway.stop();
    if (!(error instanceof ListenError)) throw error;
    host.stderr(error.message);
    return EXIT.no;
  }
  const signals = stopSignal(host);
  const ends = [origin.watch(reloader.reload), signals.onHangup(reloader.reload)];
  if (tls !== undefined && listeners.tls !== undefined) {
    ends.push(followCertificates(tls, listeners.tls, { ...world, logger, now: systemClock.now }));
  }
  await Promise.race([announce(gateway, listeners, { origin, host, logger }), signals.stop]);
  await signals.stop;
  for (const end of ends) end();
  await drain(gateway, listeners, reloader.current(), logger);
  return EXIT.fine;
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

/** Prints the ready line, when every required cluster has its first list or the wait is over. */
async function announce(
  gateway: Gateway,
  listeners: Listeners,
  { origin, host, logger }: { origin: ConfigOrigin; host: Host; logger: ProcessLogger },
): Promise<void> {
  await gateway.whenReady(AbortSignal.timeout(READY_WAIT_MS)).catch(() => {
    for (const { id, state, reason } of gateway.readiness().waiting) {
      logger.log("warn", "Ready without a cluster's first list; still trying", { cluster: id, state, reason });
    }
  });
  const { url, adminUrl } = listeners;
  const admin = adminUrl === undefined ? "" : ` (admin ${adminUrl})`;
  host.stdout(`podway ready on ${url}${admin}`);
  for (const hint of origin.hints(url)) host.stdout(hint);
}

/** The end, as design.md section 7 has it: no new work, then what is under way, then the clusters. */
async function drain(gateway: Gateway, listeners: Listeners, config: Config, logger: ProcessLogger): Promise<void> {
  const { drain_delay, drain } = config.server;
  logger.log("info", "Draining", { delay_ms: drain_delay, at_most_ms: drain });
  gateway.drain();
  await systemClock.sleep(drain_delay);
  await listeners.stopTraffic(drain);
  await gateway.stop();
  await listeners.stopAdmin();
}

/**
 * The signals of the process: the first SIGTERM or SIGINT resolves `stop`; SIGHUP asks for the config to be read again.
 * They are listened to until the process is gone: one that comes while it ends must not make its exit code 143.
 */
function stopSignal(host: Host): { stop: Promise<void>; onHangup(handler: () => void): () => void } {
  const hangups = new Set<() => void>();
  let stopped: () => void;
  const stop = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  host.onSignal((signal) => {
    if (signal !== "SIGHUP") return stopped();
    for (const handler of hangups) handler();
  });
  return {
    stop,
    onHangup(handler) {
      hangups.add(handler);
      return () => hangups.delete(handler);
    },
  };
}
