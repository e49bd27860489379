import type { Random } from "../clock.ts";

/** The shortest and the longest pause between two failing attempts, milliseconds. */
export const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 30_000;

/** How long to wait before the next attempt, after so many failures. */
export interface Backoff {
  /** Counts a failure; returns the pause, milliseconds. Never shorter than the server asked for. */
  next(retryAfterMs?: number): number;
  /** Something worked: the next failure is the first again. */
  reset(): void;
  /** Failures since the last `reset()`. */
  readonly failures: number;
}

/**
 * Exponential with full jitter: any pause from the shortest to a ceiling that doubles with each failure, so that many
 * gateways that lost the same apiserver do not return together.
 */
export function createBackoff(random: Random): Backoff {
  let failures = 0;
  return {
    get failures() {
      return failures;
    },
    next(retryAfterMs = 0) {
      failures++;
      // Exponents beyond the limit change nothing and would overflow in a long outage.
      const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 16));
      const pause = BACKOFF_MIN_MS + random() * (ceiling - BACKOFF_MIN_MS);
      // All clients were told the same Retry-After: a tenth of jitter spreads them, without coming early.
      return Math.max(pause, retryAfterMs * (1 + random() / 10));
    },
    reset() {
      failures = 0;
    },
  };
}
