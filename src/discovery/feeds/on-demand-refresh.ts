import type { Clock } from "../../base/clock.ts";

/**
 * When a snapshot is refreshed where nothing runs between requests: a request that finds it old has it refreshed, and
 * is answered from the old one meanwhile. Requests share results and never a promise: on Workers work that began with
 * another request may end with it, and would then never settle.
 */

/** After this many milliseconds a refresh that has not ended is taken for lost, and another request may begin one. */
const LEASE_MS = 5000;

/** After a failure the next attempt begins at the earliest then; what asks the apiserver has a back-off of its own. */
const RETRY_MS = 500;

/** How often a request that has to wait looks whether another one's refresh has ended. */
const LOOK_AGAIN_MS = 20;

export interface OnDemandRefreshOptions {
  /** Brings the snapshot up to date; `turn` grows, and what an older turn brings after a newer one is to be dropped. */
  refresh(turn: number): Promise<void>;
  /** Milliseconds since the snapshot was last known to be right; Infinity: there is none. */
  age(): number;
  /** Milliseconds after which a refresh is begun. */
  readonly interval: number;
  /** Milliseconds after which a request waits for one; 0: never, once there is a snapshot. */
  readonly maxStale: number;
  /** Keeps work going when the request that began it is answered. */
  background(work: Promise<void>): void;
  readonly clock: Clock;
}

/** Refreshes on demand. */
export interface OnDemandRefresh {
  /**
   * To be asked with each request: undefined when it can be answered at once, else what it has to wait for. That never
   * rejects: what is known then shows whether it helped.
   */
  refresh(): Promise<void> | undefined;
  /** Refreshes now, for a cron trigger. Rejects with a reason. */
  now(): Promise<void>;
}

/** Makes one; nothing is refreshed yet. */
export function createOnDemandRefresh(options: OnDemandRefreshOptions): OnDemandRefresh {
  const { clock, interval, maxStale, age } = options;
  let turns = 0;
  /** Until then the refresh under way is left alone. 0: none is. */
  let leased = 0;
  /** After a failure no refresh begins sooner. */
  let notBefore = 0;
  /** A snapshot that may still be used is not refreshed sooner: a shared snapshot may itself be old. */
  let quietUntil = 0;
  let failures = 0;

  async function begin(): Promise<void> {
    const turn = ++turns;
    const started = clock.now();
    leased = started + LEASE_MS;
    try {
      await options.refresh(turn);
      quietUntil = started + interval;
    } catch (error) {
      failures++;
      notBefore = clock.now() + RETRY_MS;
      throw error;
    } finally {
      if (turn === turns) leased = 0;
    }
  }

  const mayBegin = (): boolean => {
    const now = clock.now();
    return now >= leased && now >= notBefore;
  };

  /** Begins one that outlives its request. */
  const start = (): Promise<void> => {
    const work = begin().catch(() => {});
    options.background(work);
    return work;
  };

  const isUsable = (): boolean => {
    const known = age();
    return known !== Number.POSITIVE_INFINITY && (maxStale === 0 || known <= maxStale);
  };

  async function wait(): Promise<void> {
    const before = failures;
    while (!isUsable()) {
      if (mayBegin()) return start();
      // The refresh under way has failed, or did so a moment ago.
      if (failures !== before || leased === 0) return;
      await clock.sleep(LOOK_AGAIN_MS);
    }
  }

  return {
    refresh() {
      if (!isUsable()) return wait();
      if (age() > interval && clock.now() >= quietUntil && mayBegin()) void start();
      return undefined;
    },
    now: begin,
  };
}
