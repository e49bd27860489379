/** Requests at a steady rate, and what became of them. */
export interface Load {
  readonly sent: number;
  readonly answered: number;
  /** By what went wrong: a status, or an error's words. */
  readonly failures: ReadonlyMap<string, number>;
  /** Milliseconds; of the last hundred thousand requests at most. */
  percentile(p: number): number;
  /** Sends no more, and waits for what is under way. */
  stop(): Promise<void>;
}

const TICK_MS = 10;
const IN_FLIGHT = 200;
const KEPT = 100_000;

/** Sends `rate` requests a second to the URLs in turn, never more than a bounded number at a time. */
export function startLoad(urls: readonly string[], rate: number): Load {
  const failures = new Map<string, number>();
  const times: number[] = [];
  const running = new Set<Promise<void>>();
  const began = performance.now();
  let sent = 0;
  let answered = 0;
  let skipped = 0;

  const one = async (url: string): Promise<void> => {
    const start = performance.now();
    let outcome: string | undefined;
    try {
      const answer = await fetch(url);
      const text = await answer.text();
      if (answer.status !== 200) outcome = `${answer.status} ${text.slice(0, 200)}`;
    } catch (error) {
      outcome = String(error);
    }
    if (outcome !== undefined) failures.set(outcome, (failures.get(outcome) ?? 0) + 1);
    times[answered++ % KEPT] = performance.now() - start;
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1000) * rate) - skipped;
    while (sent < due) {
      if (running.size >= IN_FLIGHT) {
        // A machine that is busy elsewhere: the rate is a bound, not a debt.
        skipped += due - sent;
        break;
      }
      const request = one(urls[sent++ % urls.length]!);
      running.add(request);
      request.finally(() => running.delete(request));
    }
  }, TICK_MS);

  return {
    get sent() {
      return sent;
    },
    get answered() {
      return answered;
    },
    failures,
    percentile(p) {
      const sorted = [...times].sort((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}
