import type { Clock } from "../base/clock.ts";

/** An abort signal of our own that follows another one and may end by the clock. */
export interface AbortScope {
  readonly signal: AbortSignal;
  /** Aborts after that time unless the deadline is cleared or the scope closed before. */
  deadline(ms: number, what: string): void;
  clearDeadline(): void;
  close(): void;
}

/** Opens a scope under a signal; its caller closes it. */
export function openAbortScope(parent: AbortSignal, clock: Clock): AbortScope {
  const controller = new AbortController();
  const follow = (): void => controller.abort(parent.reason);
  if (parent.aborted) follow();
  else parent.addEventListener("abort", follow, { once: true });
  let cancel: (() => void) | undefined;
  const clearDeadline = (): void => {
    cancel?.();
    cancel = undefined;
  };
  return {
    signal: controller.signal,
    clearDeadline,
    deadline(ms, what) {
      clearDeadline();
      cancel = clock.after(ms, () => controller.abort(new Error(`${what} within ${ms / 1000} s`)));
    },
    close() {
      clearDeadline();
      parent.removeEventListener("abort", follow);
      controller.abort();
    },
  };
}

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A promise's outcome, or the signal's reason as soon as it aborts: some fetches do not listen to their signal. */
export function orAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
