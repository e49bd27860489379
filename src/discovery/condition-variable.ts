/** People who wait for something to become true, asked again whenever something changed. */
export interface ConditionVariable {
  /** Something changed: resolves those whose condition holds now. */
  changed(): void;
  /** Resolves once `condition` holds; rejects with the signal's reason when that aborts first. */
  until(condition: () => boolean, signal?: AbortSignal): Promise<void>;
}

/** Nobody waits yet. `onChange` is called at each change too, before the others. */
export function createConditionVariable(onChange?: () => void): ConditionVariable {
  const waiting = new Set<() => void>();
  return {
    changed() {
      onChange?.();
      for (const look of waiting) look();
    },
    until(condition, signal) {
      return new Promise((resolve, reject) => {
        if (condition()) return resolve();
        if (signal?.aborted) return reject(signal.reason);
        const leave = (): void => {
          waiting.delete(look);
          signal?.removeEventListener("abort", stop);
        };
        const look = (): void => {
          if (!condition()) return;
          leave();
          resolve();
        };
        const stop = (): void => {
          leave();
          reject(signal!.reason);
        };
        waiting.add(look);
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
