import type { Clock, Random } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { ProbeTimes } from "../options.ts";
import type { Pool, Target } from "../types.ts";
import { createActiveHealth, type Probe, type ProbedPool } from "./active-health.ts";

/** A pool whose addresses are to be checked. */
export interface HealthCheck {
  readonly pool: ProbedPool & Pick<Pool, "targetStates">;
  /** Identifies the pool: the same in every thread. */
  readonly key: string;
  readonly config: ProbeTimes;
  readonly probe: Probe;
  /** Identifies what `probe` does. */
  readonly probeKey: string;
  /** The service, for the log. */
  readonly upstream: string;
}

/** The active health checks of a gateway, across config reloads. */
export interface HealthSet {
  /**
   * Replaces the checks. One of the same pool with the same settings goes on; the others are ended, and their results
   * are dropped.
   */
  apply(checks: readonly HealthCheck[]): void;
  /** Ends all of them; resolves when no probe is under way. */
  stop(): Promise<void>;
}

/** What checks found about one address, for threads that do not probe it themselves. */
export interface HealthMark {
  /** `HealthCheck.key` */
  readonly pool: string;
  readonly address: string;
  /** Of the pod behind it. */
  readonly uid: string | undefined;
  readonly healthy: boolean;
}

/** Health checks that are made here; their results go to other threads too. */
export interface ProbingHealthSet extends HealthSet {
  /** Every address that is unhealthy now. */
  marks(): HealthMark[];
}

interface Running {
  readonly check: HealthCheck;
  readonly settings: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Makes an empty set. `onMark` is called when an address becomes unhealthy or healthy again. */
export function createHealthSet({
  clock,
  random,
  logger,
  onMark,
}: {
  clock: Clock;
  random: Random;
  logger: Logger;
  onMark?: ((mark: HealthMark) => void) | undefined;
}): ProbingHealthSet {
  let running = new Map<ProbedPool, Running>();

  function start(check: HealthCheck, settings: string): Running {
    const stop = new AbortController();
    const { pool } = check;
    const subjects: ProbedPool = {
      targets: () => pool.targets(),
      mark(target, healthy) {
        pool.mark(target, healthy);
        onMark?.(markOf(check, target, healthy));
      },
    };
    const done = createActiveHealth({ ...check, pool: subjects, clock, random, logger }).run(stop.signal);
    return { check, settings, stop, done };
  }

  const unhealthyOf = ({ check }: Running): HealthMark[] =>
    check.pool
      .targetStates()
      .filter(({ healthy }) => !healthy)
      .map((target) => markOf(check, target, false));

  function end(one: Running): void {
    const { check, stop } = one;
    stop.abort(new Error("health is no longer checked"));
    for (const mark of unhealthyOf(one)) onMark?.({ ...mark, healthy: true });
    for (const target of check.pool.targets()) check.pool.mark(target, true);
  }

  return {
    apply(checks) {
      const next = new Map<ProbedPool, Running>();
      for (const check of checks) {
        const settings = JSON.stringify([check.config, check.probeKey]);
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
    marks: () => [...running.values()].flatMap(unhealthyOf),
  };
}

const markOf = ({ key }: HealthCheck, { endpoint }: Pick<Target, "endpoint">, healthy: boolean): HealthMark => ({
  pool: key,
  address: endpoint.address,
  uid: endpoint.uid,
  healthy,
});
