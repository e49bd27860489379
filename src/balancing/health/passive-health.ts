import type { Clock } from "../../base/clock.ts";
import type { PassiveHealthConfig } from "../options.ts";

/** What passive health knows of one target. */
export interface PassiveState {
  /** Failures since the last success. */
  failures: number;
  /** How often in a row it was ejected: the next ejection lasts 2^ejections times the first one. */
  ejections: number;
  /** Milliseconds since the epoch; 0 while it is not ejected. */
  ejectedUntil: number;
  /** It counts among those of which no more than half are ejected. */
  limited: boolean;
  /** When `ejections` last changed, or the ejection ends: the start of the time after which a success lowers it. */
  since: number;
}

/** No ejection grows beyond this, unless the first one is configured longer. */
const LONGEST_MS = 300_000;
/** Nor beyond this many times the first one. */
const LONGEST_TIMES = 30;

/** The state of a new target. */
export const freshState = (): PassiveState => ({
  failures: 0,
  ejections: 0,
  ejectedUntil: 0,
  limited: true,
  since: 0,
});

/**
 * Judges targets by the requests sent to them. After `failures` consecutive failures a target is ejected for `eject`
 * milliseconds, then twice that, four times and so on, as long as it goes on failing: after an ejection one more
 * failure is enough. Once it works again, the time shrinks by half for each `eject` milliseconds with a success. Never
 * more than half of those that are `limited` is ejected: what hits the majority is not the fault of single targets, and
 * a pool of one never ejects it.
 */
export class PassiveHealth {
  readonly #config: PassiveHealthConfig;
  readonly #clock: Clock;
  readonly #ejected = new Set<PassiveState>();
  /** How many of the ejected are limited. */
  #limited = 0;
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(config: PassiveHealthConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /**
   * A request failed. True: the target is ejected from now until its `ejectedUntil`. `size`: how many are `limited`.
   */
  failed(state: PassiveState, size: number): boolean {
    const { failures, eject } = this.#config;
    state.failures++;
    if (state.failures < failures || eject === 0 || state.ejectedUntil > 0) return false;
    if (state.limited && (this.#limited + 1) * 2 > size) return false;
    const longest = Math.max(eject, Math.min(eject * LONGEST_TIMES, LONGEST_MS));
    state.ejectedUntil = this.#clock.now() + Math.min(eject * 2 ** state.ejections, longest);
    state.since = state.ejectedUntil;
    state.ejections++;
    this.#ejected.add(state);
    if (state.limited) this.#limited++;
    this.#nextEnd = Math.min(this.#nextEnd, state.ejectedUntil);
    return true;
  }

  succeeded(state: PassiveState): void {
    state.failures = 0;
    if (state.ejections === 0) return;
    const now = this.#clock.now();
    if (now - state.since < this.#config.eject) return;
    state.ejections--;
    state.since = now;
  }

  /** Ends ejections whose time is over. True: there were some. Costs nothing while none is ejected. */
  endDue(): boolean {
    if (this.#nextEnd === Number.POSITIVE_INFINITY) return false;
    const now = this.#clock.now();
    if (now < this.#nextEnd) return false;
    for (const state of this.#ejected) if (state.ejectedUntil <= now) this.#release(state);
    this.#schedule();
    return true;
  }

  /** The pool changed: `left` are gone, `size` are `limited`, and no more than half of those stay ejected. */
  resize(left: readonly PassiveState[], size: number): void {
    for (const state of left) this.#release(state);
    this.#limited = 0;
    for (const state of this.#ejected) if (state.limited) this.#limited++;
    while (this.#limited * 2 > size) {
      let first: PassiveState | undefined;
      for (const state of this.#ejected) {
        if (state.limited && (first === undefined || state.ejectedUntil < first.ejectedUntil)) first = state;
      }
      this.#release(first!);
    }
    this.#schedule();
  }

  #release(state: PassiveState): void {
    state.ejectedUntil = 0;
    if (this.#ejected.delete(state) && state.limited) this.#limited--;
  }

  #schedule(): void {
    this.#nextEnd = Number.POSITIVE_INFINITY;
    for (const state of this.#ejected) this.#nextEnd = Math.min(this.#nextEnd, state.ejectedUntil);
  }
}
