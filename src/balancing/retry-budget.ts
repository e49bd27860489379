import type { Clock } from "../base/clock.ts";

/** How many retries a service may get, so that they never become the load that keeps its pods down. */
export interface RetryBudget {
  /** A client's request arrived. Retries of it are not counted here. */
  request(): void;
  /** Whether one more retry may be sent now. True counts it as sent. */
  take(): boolean;
}

/** The budgets of a gateway's services. */
export interface RetryBudgets {
  /** The one of that service; the same one for a service that was known before, across configs. */
  of(service: string): RetryBudget;
  /** Forgets the others: memory does not grow with reloads. */
  keep(used: ReadonlySet<RetryBudget>): void;
}

/** Each service has its own budget: what goes wrong with one takes no retry from another. */
export function createRetryBudgets({ clock }: { clock: Clock }): RetryBudgets {
  const known = new Map<string, RetryBudget>();
  return {
    of(service) {
      let budget = known.get(service);
      if (budget === undefined) {
        budget = createRetryBudget({ clock });
        known.set(service, budget);
      }
      return budget;
    },
    keep(used) {
      for (const [service, budget] of known) if (!used.has(budget)) known.delete(service);
    },
  };
}

/** Seconds that requests and retries count. */
const WINDOW = 10;
/** Retries allowed per request of the window. */
const SHARE = 0.2;
/** Retries allowed in every second, whatever the share: a service with few requests may be retried too. */
const ALWAYS = 10;

/**
 * A budget of 20 % of the last 10 seconds' requests, and always at least 10 retries a second. Counts whole seconds;
 * every call costs the same and allocates nothing.
 */
export function createRetryBudget({ clock }: { clock: Clock }): RetryBudget {
  const requests = new Float64Array(WINDOW);
  const retries = new Float64Array(WINDOW);
  let requested = 0;
  let retried = 0;
  let second = Math.floor(clock.now() / 1000);

  /** Forgets the seconds that left the window. A clock that was set back stays in the second it was in. */
  function slot(): number {
    const now = Math.floor(clock.now() / 1000);
    for (let passed = Math.min(now - second, WINDOW); passed > 0; passed--) {
      const oldest = (now - passed + 1) % WINDOW;
      requested -= requests[oldest]!;
      retried -= retries[oldest]!;
      requests[oldest] = 0;
      retries[oldest] = 0;
    }
    if (now > second) second = now;
    return second % WINDOW;
  }

  return {
    request() {
      requests[slot()]!++;
      requested++;
    },
    take() {
      const now = slot();
      if (retries[now]! >= ALWAYS && retried >= requested * SHARE) return false;
      retries[now]!++;
      retried++;
      return true;
    },
  };
}
