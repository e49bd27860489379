import type { Random } from "../base/clock.ts";

/** The shortest and the longest pause between two failing attempts, milliseconds. */
export const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 30_000;

/** The shortest pause and the longest, milliseconds, where they are not the usual ones. */
export interface Pauses {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

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
export function createBackoff(random: Random, { min = BACKOFF_MIN_MS, max = BACKOFF_MAX_MS }: Pauses = {}): Backoff {
  let failures = 0;
  return {
    get failures() {
      return failures;
    },
    next(retryAfterMs = 0) {
      failures++;
      // Exponents beyond the limit change nothing and would overflow in a long outage.
      const ceiling = Math.min(Math.max(min, max), min * 2 ** Math.min(failures, 16));
      const pause = min + random() * (ceiling - min);
      // All clients got the same Retry-After: a tenth of jitter spreads them, without coming early.
      return Math.max(pause, retryAfterMs * (1 + random() / 10));
    },
    reset() {
      failures = 0;
    },
  };
}

/** A back-off for each kind of failure: a different answer starts a new count. */
export interface KindsOfBackoff<Kind> {
  /** Counts a failure of this kind; returns the pause, milliseconds, and whether there was one of the kind before. */
  next(kind: Kind, retryAfterMs?: number): { readonly pause: number; readonly repeated: boolean };
  /** True after any failure. */
  readonly failing: boolean;
  /** Something worked: the next failure of any kind is the first again. */
  reset(): void;
}

/**
 * Back-offs independent of each other, so that what an apiserver answers in its first seconds does not wait out the
 * pause that its absence has grown. While kinds alternate each still grows.
 */
export function createKindsOfBackoff<Kind>(random: Random, pauses?: Pauses): KindsOfBackoff<Kind> {
  const kinds = new Map<Kind, Backoff>();
  return {
    next(kind, retryAfterMs) {
      const backoff = kinds.get(kind) ?? createBackoff(random, pauses);
      kinds.set(kind, backoff);
      const repeated = backoff.failures > 0;
      return { pause: backoff.next(retryAfterMs), repeated };
    },
    get failing() {
      return kinds.size > 0;
    },
    reset() {
      kinds.clear();
    },
  };
}
