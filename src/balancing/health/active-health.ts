import type { Clock, Random } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { ProbeTimes } from "../options.ts";
import type { Target } from "../types.ts";

/** A pool whose health is checked. */
export interface ProbedPool {
  /** Every target there is now. A target that left does not come back. */
  targets(): readonly Target[];
  /** Records the result of the checks; it applies from the next pick on. */
  mark(target: Target, healthy: boolean): void;
}

/**
 * Probes one target. Resolves to undefined where the answer was good, else to what was wrong with it; a rejection's
 * message says what was wrong too. Ends when the signal aborts.
 */
export type Probe = (target: Target, signal: AbortSignal) => Promise<string | undefined>;

export interface ActiveHealthOptions {
  pool: ProbedPool;
  config: ProbeTimes;
  probe: Probe;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** The service, for the log. */
  upstream: string;
}

/** Probes at the same time: a service of thousands of pods must not take all the sockets. */
const MAX_PROBES = 32;
/** New targets are looked for at least this often. */
const NOTICE_MS = 1000;
/** Probes are spread this far around their interval, so that replicas of the gateway do not probe in step. */
const JITTER = 0.1;

/** The checks of one target. */
interface Subject {
  readonly target: Target;
  /** When the next probe is due, milliseconds since the epoch. */
  due: number;
  /** Probes in a row with the same result; positive when they were good, negative when bad. */
  streak: number;
  healthy: boolean;
  /** Set while a probe is under way: ends it. */
  probe: AbortController | undefined;
}

/**
 * Probes every target of a pool at an interval, and marks it unhealthy after `unhealthy` bad answers in a row, healthy
 * again after `healthy` good ones. A probe that takes longer than `timeout` is bad. A target counts as healthy until
 * checks say otherwise.
 */
export function createActiveHealth(options: ActiveHealthOptions): {
  /** Probes until the signal aborts; then resolves once the last probe ended. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
} {
  const { pool, config, clock, random, logger, upstream } = options;
  /** In the order of their last probes. */
  const subjects = new Map<Target, Subject>();
  const running = new Set<Promise<void>>();

  /** New targets get a first probe somewhere within the interval; those of targets that left are ended. */
  function follow(): void {
    const targets = pool.targets();
    for (const target of targets) {
      if (subjects.has(target)) continue;
      const due = clock.now() + random() * config.interval;
      subjects.set(target, { target, due, streak: 0, healthy: true, probe: undefined });
    }
    if (subjects.size === targets.length) return;
    const present = new Set(targets);
    for (const [target, subject] of subjects) {
      if (present.has(target)) continue;
      subjects.delete(target);
      subject.probe?.abort(new Error("the endpoint left"));
    }
  }

  /** Undefined: the answer was good. Else what was wrong with it. */
  async function ask(target: Target, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await options.probe(target, signal);
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  function record(subject: Subject, fault: string | undefined): void {
    subject.streak = fault === undefined ? Math.max(1, subject.streak + 1) : Math.min(-1, subject.streak - 1);
    const healthy = subject.healthy ? subject.streak > -config.unhealthy : subject.streak >= config.healthy;
    if (healthy === subject.healthy) return;
    subject.healthy = healthy;
    pool.mark(subject.target, healthy);
    const fields = { service: upstream, upstream: subject.target.endpoint.address, fault };
    if (healthy) logger.log("info", "health checks succeed again", fields);
    else logger.log("warn", "health checks fail: no requests go to this address while others are healthy", fields);
  }

  async function probe(subject: Subject, signal: AbortSignal): Promise<void> {
    const controller = new AbortController();
    subject.probe = controller;
    const stop = (): void => controller.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const cancelTimeout = clock.after(config.timeout, () =>
      controller.abort(new Error(`no answer within ${config.timeout} ms`)),
    );
    const fault = await ask(subject.target, controller.signal);
    cancelTimeout();
    signal.removeEventListener("abort", stop);
    subject.probe = undefined;
    subject.due = clock.now() + config.interval * (1 + (random() * 2 - 1) * JITTER);
    // Back to the end: where more probes are due than may run, each target still gets its turn.
    if (!subjects.delete(subject.target)) return;
    subjects.set(subject.target, subject);
    if (!signal.aborted) record(subject, fault);
  }

  /** Starts the probes that are due; returns the milliseconds until the next one is. */
  function launch(signal: AbortSignal): number {
    const now = clock.now();
    let wait = Math.min(NOTICE_MS, config.interval);
    for (const subject of subjects.values()) {
      if (subject.probe !== undefined) continue;
      if (subject.due > now) {
        wait = Math.min(wait, subject.due - now);
      } else if (running.size < MAX_PROBES) {
        const done: Promise<void> = probe(subject, signal).finally(() => running.delete(done));
        running.add(done);
      }
    }
    return wait;
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        follow();
        const wait = launch(signal);
        if (running.size >= MAX_PROBES) await Promise.race(running);
        else await clock.sleep(wait, signal).catch(() => undefined);
      }
      await Promise.all(running);
    },
  };
}
