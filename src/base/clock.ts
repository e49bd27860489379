/**
 * Time as the core modules see it, so that tests can drive it. No room below the server reads a global timer.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason at once when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms` milliseconds unless the returned function is called first. */
  after(ms: number, fn: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal?.addEventListener("abort", stop, { once: true });
    });
  },
};

/** The longest a timer of the runtimes can wait: more fires at once. */
export const MAX_MILLISECONDS = 2_147_483_647;

/** Uniform in [0, 1), as `Math.random`. */
export type Random = () => number;

/**
 * What `work` comes to; rejects where that takes longer than `bound` milliseconds. It is not ended then: who waits for
 * it is.
 */
export async function inTime<T>(work: T | PromiseLike<T>, bound: number, clock: Clock): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(bound, () => reject(new Error(`it took longer than ${bound / 1000} s`)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

/** Resolves when `wait` settles, or after `bound` milliseconds (0: as long as it takes). Never rejects. */
export function atMost(wait: Promise<void>, bound: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = bound === 0 ? () => {} : clock.after(bound, resolve);
    const settled = (): void => {
      cancel();
      resolve();
    };
    wait.then(settled, settled);
  });
}
