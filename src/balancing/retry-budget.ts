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
export const createRetryBudget = ({ clock }: { clock: Clock }): RetryBudget => new SlidingBudget(clock);

/** A request touches nothing but the budget itself; the seconds before stand in an array that each new second moves on. */
class SlidingBudget implements RetryBudget {
  readonly #clock: Clock;
  #second: number;
  /** Requests of this second, and of the whole window with it. */
  #current = 0;
  #requested = 0;
  #retried = 0;
  /** Requests of each second of the window, then retries; made when there is a second to remember. */
  #seconds: Float64Array | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#second = Math.floor(clock.now() / 1000);
  }

  request(): void {
    const now = Math.floor(this.#clock.now() / 1000);
    if (now > this.#second) this.#moveOn(now);
    this.#current++;
    this.#requested++;
  }

  take(): boolean {
    const now = Math.floor(this.#clock.now() / 1000);
    if (now > this.#second) this.#moveOn(now);
    this.#seconds ??= new Float64Array(2 * WINDOW);
    const at = WINDOW + (this.#second % WINDOW);
    if (this.#seconds[at]! >= ALWAYS && this.#retried >= this.#requested * SHARE) return false;
    this.#seconds[at]!++;
    this.#retried++;
    return true;
  }

  /** Forgets the seconds that left the window. A clock that was set back stays in the second it was in. */
  #moveOn(now: number): void {
    this.#seconds ??= new Float64Array(2 * WINDOW);
    const seconds = this.#seconds;
    seconds[this.#second % WINDOW] = this.#current;
    for (let passed = Math.min(now - this.#second, WINDOW); passed > 0; passed--) {
      const oldest = (now - passed + 1) % WINDOW;
      this.#requested -= seconds[oldest]!;
      this.#retried -= seconds[WINDOW + oldest]!;
      seconds[oldest] = 0;
      seconds[WINDOW + oldest] = 0;
    }
    this.#second = now;
    this.#current = 0;
  }
}
