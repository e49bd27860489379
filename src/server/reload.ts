import { hash } from "../balancing/hash.ts";
import { type Clock, inTime } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { formatIssue, type LoadResult } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { ReloadCounts } from "../telemetry/process-metrics.ts";

/**
 * How long reading may take, with all that the config names, milliseconds: a file that is a pipe without a writer never
 * ends.
 */
const READ_MS = 60_000;

/** What a reloader works with. */
export interface ReloaderOptions {
  /** Reads and checks the config; rejects where it cannot be read. */
  read(): Promise<LoadResult>;
  /** What the config that was read last names and does not hold, such as modules: a text that differs when it does. */
  stamp(): string;
  /** Puts a valid config in force; resolves when it is. */
  apply(config: Config): void | Promise<void>;
  /** Called with why a changed config is not in force; without errors when the file is again what is in force. */
  refuse(errors: readonly string[]): void;
  /** The config in force. */
  readonly current: Config;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Reads the config again when it may have changed. */
export interface Reloader {
  /** Asks for a reload; a request while one is under way leads to one more after it. Never throws. */
  reload(): void;
  /** The config in force. */
  current(): Config;
  /** What became of the changes so far. */
  counts(): ReloadCounts;
}

/** Makes a reloader. An invalid config is reported and the one in force stays. */
export function createReloader(options: ReloaderOptions): Reloader {
  const { clock, logger } = options;
  let current = options.current;
  let text = textOf(current);
  let stamp = options.stamp();
  let counts: ReloadCounts = { ok: 0, failed: 0, current: true, since: clock.now(), hash: hash(text + stamp, 0) };
  /** Keys that wait for the next start. */
  let waiting: readonly string[] = [];
  let running = false;
  let again = false;

  function refused(): void {
    counts = { ...counts, failed: counts.failed + 1, current: false };
  }

  async function once(): Promise<void> {
    let loaded: LoadResult;
    try {
      loaded = await inTime(options.read(), READ_MS, clock);
    } catch (error) {
      refused();
      const why = `The config cannot be read; the one before stays in force: ${(error as Error).message}`;
      logger.log("error", why);
      options.refuse([why]);
      return;
    }
    for (const issue of loaded.warnings) logger.log("warn", formatIssue(issue));
    if (!loaded.ok) {
      refused();
      for (const issue of loaded.errors) logger.log("error", formatIssue(issue));
      logger.log("error", "The changed config is invalid; the one before stays in force", {
        errors: loaded.errors.length,
      });
      options.refuse(loaded.errors.map(formatIssue));
      return;
    }
    if (losesRoutes(current, loaded)) {
      refused();
      const why =
        "The changed config has no routes and no streams left; the one before stays in force (routes: [] means none)";
      logger.log("error", why);
      options.refuse([why]);
      return;
    }
    const config = keepStarted(options.current, loaded.config);
    const pending = needsRestart(config, loaded.config);
    for (const key of pending) {
      if (!waiting.includes(key)) logger.log("warn", `${key} changed: this takes effect at the next start`);
    }
    waiting = pending;
    const next = textOf(config);
    const nextStamp = options.stamp();
    if (next === text && nextStamp === stamp) {
      // The same as before, after a bad one perhaps.
      counts = { ...counts, current: true };
      options.refuse([]);
      return;
    }
    try {
      await options.apply(config);
    } catch (error) {
      refused();
      const why = `The changed config cannot be put in force; the one before stays: ${(error as Error).message}`;
      logger.log("error", why, { stack: (error as Error).stack });
      options.refuse([why]);
      return;
    }
    const what = next === text ? "The changed modules are in force" : "The changed config is in force";
    current = config;
    text = next;
    stamp = nextStamp;
    counts = { ...counts, ok: counts.ok + 1, current: true, since: clock.now(), hash: hash(text + stamp, 0) };
    logger.log("info", what, { routes: current.routes.length });
  }

  async function drive(): Promise<void> {
    running = true;
    do {
      again = false;
      await once();
    } while (again);
    running = false;
  }

  return {
    reload() {
      again = true;
      if (!running) void drive();
    },
    current: () => current,
    counts: () => counts,
  };
}

/**
 * Whether a file that is still being written would take every route away: it says nothing of routes, and the config in
 * force has some. An empty file is refused as invalid before.
 */
function losesRoutes(before: Config, { config, listsRoutes }: LoadResult & { ok: true }): boolean {
  const some = ({ routes, streams }: Config): boolean => routes.length + streams.length > 0;
  return !listsRoutes && some(before) && !some(config);
}

/** Keys of `server` that decide what is listened on, and the zone: sockets are open and clusters followed already. */
const AT_START = ["listen", "tls", "http2", "redirect_http", "workers", "zone"] as const;

/** A changed config without what takes effect at the next start only: that is as it was at this one. */
function keepStarted(started: Config, changed: Config): Config {
  const kept = Object.fromEntries(AT_START.map((key) => [key, started.server[key]]));
  return { ...changed, server: { ...changed.server, ...kept }, admin: started.admin };
}

/** The same text for the same config, however it came about. */
const textOf = (config: Config): string => {
  const keys = Object.entries(config.server).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...config, server: Object.fromEntries(keys) });
};

/** The keys in which a config differs from what is in force of it. */
function needsRestart({ server, admin }: Config, wanted: Config): string[] {
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  const keys: string[] = AT_START.filter((key) => differs(server[key], wanted.server[key])).map(
    (key) => `server.${key}`,
  );
  return differs(admin, wanted.admin) ? [...keys, "admin"] : keys;
}
