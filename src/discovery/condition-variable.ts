/** Waits for conditions, which are evaluated again whenever something changed. */
export interface ConditionVariable {
  /** Something changed: resolves those whose condition holds now. */
  changed(): void;
  /** Resolves once `condition` holds; rejects with the signal's reason when that aborts first. */
  until(condition: () => boolean, signal?: AbortSignal): Promise<void>;
}

/** Makes one. `onChange` is called at each change too, before conditions are evaluated. */
export function createConditionVariable(onChange?: () => void): ConditionVariable {
  const waiting = new Set<() => void>();
  return {
    changed() {
      onChange?.();
      for (const evaluate of waiting) evaluate();
    },
    until(condition, signal) {
      return new Promise((resolve, reject) => {
        if (condition()) return resolve();
        if (signal?.aborted) return reject(signal.reason);
        const leave = (): void => {
          waiting.delete(evaluate);
          signal?.removeEventListener("abort", stop);
        };
        const evaluate = (): void => {
          if (!condition()) return;
          leave();
          resolve();
        };
        const stop = (): void => {
          leave();
          reject(signal!.reason);
        };
        waiting.add(evaluate);
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
