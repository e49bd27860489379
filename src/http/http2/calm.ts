import { H2_ERROR, Http2ConnectionError } from "./errors.ts";

/** What a connection may spend at once: a thousand streams given up, for one. */
const MOST = 4000;
/** What comes back in each second. */
const PER_SECOND = 200;

/** What frames cost, or give back. */
export const CALM = {
  /** A frame that carries nothing or is ignored; WINDOW_UPDATE too, of which DATA pays for more than are needed. */
  perIdleFrame: 1,
  perPing: 4,
  perSettings: 4,
  /** A stream that either side gave up: work was begun for nothing (CVE-2023-44487). */
  perReset: 4,
  /** Given back for DATA either way, and for an answer. */
  perData: 3,
  perAnswer: 8,
} as const;

/**
 * How much a connection may do that costs work and gets nothing done (RFC 9113 section 10.5): what was useful, and time,
 * give it back. Floods of resets, pings, settings and empty frames end the connection.
 */
export class CalmBudget {
  #left = MOST;

  /** Throws ENHANCE_YOUR_CALM once there is nothing left. */
  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) {
      throw new Http2ConnectionError(H2_ERROR.enhanceYourCalm, "too many frames came that get nothing done");
    }
  }

  earn(more: number): void {
    if (this.#left < MOST) this.#left = Math.min(MOST, this.#left + more);
  }

  /** So many seconds went by. */
  rest(seconds: number): void {
    this.earn(PER_SECOND * seconds);
  }
}
