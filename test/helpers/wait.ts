/** How long a condition may take to hold, and what to say when it does not. */
export interface UntilOptions {
  /** Milliseconds until it gives up. @default 60000 */
  timeout?: number;
  /** Milliseconds between two looks. @default 10 */
  interval?: number;
  /** What was waited for; a function is called at the moment of giving up, so that it can tell what was found instead. */
  message: string | (() => string | Promise<string>);
}

/** What a condition may say for "not yet". */
type NotYet = false | undefined | null | 0 | "";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Looks again and again until the condition holds, and returns what it returned. A condition that throws does not hold
 * yet: what it threw last is the cause of the error that is thrown when the time is over. `wanted` says what is waited for.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  wanted: string | UntilOptions,
): Promise<Exclude<T, NotYet>> {
  const options: UntilOptions = typeof wanted === "string" ? { message: wanted } : wanted;
  const { timeout = 60_000, interval = 10, message } = options;
  const deadline = performance.now() + timeout;
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value as Exclude<T, NotYet>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const what = typeof message === "string" ? message : await message();
      throw new Error(`Waited ${timeout} ms in vain: ${what}${cause ? ` (${String(cause)})` : ""}`, { cause });
    }
    await pause(interval);
  }
}

/** Resolves once a value has stayed the same for so many milliseconds: what is held back stands still. */
export async function untilStill(value: () => unknown, ms = 100): Promise<void> {
  let last = value();
  let since = performance.now();
  await until(
    () => {
      const now = value();
      if (now !== last) since = performance.now();
      last = now;
      return performance.now() - since >= ms;
    },
    { timeout: 25_000, message: () => `${last} to stand still` },
  );
}
