import type { Clock, Random } from "../clock.ts";
import type { ActiveHealthConfig } from "../config/schema.ts";
import type { Logger } from "../log.ts";
import { createActiveHealth, type HealthSubjects, type ProbeFetch } from "./active-health.ts";

/** A pool whose addresses are to be checked. */
export interface HealthCheck {
  readonly pool: HealthSubjects;
  readonly config: ActiveHealthConfig;
  /** How probes leave: as the route's requests do. */
  readonly fetch: ProbeFetch;
  /** Everything that makes `fetch` what it is. */
  readonly fetchKey: string;
  /** The service, for the log. */
  readonly upstream: string;
}

/** The active health checks of a gateway, across config reloads. */
export interface HealthSet {
  /**
   * Goes over to these checks. One of the same pool with the same settings goes on; the others are ended, and what they
   * found of a pool is forgotten.
   */
  apply(checks: readonly HealthCheck[]): void;
  /** Ends all of them; resolves when no probe is under way. */
  stop(): Promise<void>;
}

interface Running {
  readonly check: HealthCheck;
  readonly settings: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Makes an empty set. */
export function createHealthSet({
  clock,
  random,
  logger,
}: {
  clock: Clock;
  random: Random;
  logger: Logger;
}): HealthSet {
  let running = new Map<HealthSubjects, Running>();

  function start(check: HealthCheck, settings: string): Running {
    const stop = new AbortController();
    const done = createActiveHealth({ ...check, clock, random, logger }).run(stop.signal);
    return { check, settings, stop, done };
  }

  function end({ check, stop }: Running): void {
    stop.abort(new Error("health is no longer checked"));
    for (const target of check.pool.targets()) check.pool.mark(target, true);
  }

  return {
    apply(checks) {
      const next = new Map<HealthSubjects, Running>();
      for (const check of checks) {
        const settings = JSON.stringify([check.config, check.fetchKey]);
        const before = running.get(check.pool);
        if (before?.settings === settings) {
          next.set(check.pool, before);
          continue;
        }
        if (before !== undefined) end(before);
        next.set(check.pool, start(check, settings));
      }
      for (const [pool, before] of running) if (!next.has(pool)) end(before);
      running = next;
    },
    async stop() {
      const ending = [...running.values()];
      running = new Map();
      for (const one of ending) end(one);
      await Promise.all(ending.map(({ done }) => done));
    },
  };
}
