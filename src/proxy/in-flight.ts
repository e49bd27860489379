import { LazyAbortController } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import type { Ending } from "../http/failures.ts";
import type { ClientRequest } from "../http/message.ts";
import type { TimeoutOptions } from "./options.ts";
import type { Upload, UploadOwner } from "./upload.ts";

/**
 * How often requests in flight are looked at: one timer for all of them. A time-out is late by this much at most. That a
 * client leaves is seen at once.
 */
export const TICK_MS = 100;

/** The same where each request has its own timer: how late an idle time-out may be. */
const LONE_TICK_MS = 1000;

/** `ms` after `now`; 0 is never. */
const after = (now: number, ms: number): number => (ms === 0 ? Number.POSITIVE_INFINITY : now + ms);

/** A request whose pod has not answered yet, whose body is still coming, or whose answer is on an idle timer. */
export class InFlightRequest implements UploadOwner {
  readonly request: Pick<ClientRequest, "signal">;
  readonly #time: Pick<TimeoutOptions, "try" | "response">;
  /** Ends the attempt under way. */
  controller = new LazyAbortController();
  /** Its body; undefined: it has none. */
  upload: Upload | undefined;
  /** When the time of the attempt is up, and that of all attempts: milliseconds since the epoch; Infinity: never. */
  deadline: number;
  last: number;
  /** Why it was ended; undefined: it was not. */
  ended: Ending | undefined;
  /** Its pod has answered: the time is no longer the pod's to answer. */
  #answered = false;
  /** Where it is kept; -1: nowhere. Owned by the list. */
  index = -1;
  list: Pick<InFlightRequests, "left"> | undefined;

  constructor(request: Pick<ClientRequest, "signal">, time: Pick<TimeoutOptions, "try" | "response">, started: number) {
    this.request = request;
    this.#time = time;
    this.last = after(started, time.response);
    this.deadline = this.last;
  }

  /** An attempt begins. */
  begin(now: number): void {
    if (this.controller.aborted) this.controller = new LazyAbortController();
    this.ended = undefined;
    this.deadline = Math.min(this.last, after(now, this.#time.try));
  }

  /** The answer's headers are there: what is left may take until `deadline`. */
  answered(deadline = Number.POSITIVE_INFINITY): void {
    this.#answered = true;
    this.deadline = deadline;
  }

  handedOver(now: number): void {
    if (this.#answered) return;
    this.last = after(now, this.#time.response);
    this.deadline = Math.min(this.last, after(now, this.#time.try));
  }

  tooLarge(): void {
    this.controller.abort();
  }

  /** Its answer's headers are there. */
  get isAnswered(): boolean {
    return this.#answered;
  }

  /** Nothing is left to watch: it was answered, its body came, and no time runs. */
  get settled(): boolean {
    return this.#answered && this.deadline === Number.POSITIVE_INFINITY && !this.upload?.underWay;
  }

  /** What ends it now; undefined: nothing does. */
  check(now: number): Ending | undefined {
    if (this.request.signal.aborted) return "client_gone";
    const { upload } = this;
    if (upload?.waiting) {
      if (upload.stalled(now)) return "stalled";
      if (!this.#answered) return undefined;
    }
    return now >= this.deadline ? "timeout" : undefined;
  }

  end(why: Ending): void {
    this.ended = why;
    this.controller.abort();
  }

  /** Its client left. What goes on of an answer is cancelled by who passes that on. */
  handleEvent(): void {
    if (!this.#answered) this.list?.left(this);
  }
}

/** The requests in flight, aborted when their time is up or their client is gone. */
export interface InFlightRequests {
  add(pending: InFlightRequest): void;
  /** Forgets it; harmless when it is not kept. */
  remove(pending: InFlightRequest): void;
  /** Its answer is out of the pod's hands: forgets it once its body has come, too. */
  settle(pending: InFlightRequest): void;
  /** Its client left before there was an answer. */
  left(pending: InFlightRequest): void;
  /** Ends those that have no answer yet. */
  endAll(why: Ending): void;
  /** How many there are. */
  readonly size: number;
}

/** Ends it where something ends it now. True: there is nothing left to watch, and it was removed. */
function isOver(pending: InFlightRequest, now: number, remove: (pending: InFlightRequest) => void): boolean {
  const why = pending.check(now);
  if (why === undefined && !pending.settled) return false;
  remove(pending);
  if (why !== undefined) pending.end(why);
  return true;
}

/** Makes the list of requests in flight. Its timer runs only while there is one. */
export function createInFlightRequests(clock: Clock): InFlightRequests {
  const kept: InFlightRequest[] = [];
  let ticking = false;

  function remove(pending: InFlightRequest): void {
    const { index } = pending;
    if (index === -1) return;
    pending.index = -1;
    pending.request.signal.removeEventListener("abort", pending);
    const last = kept.pop()!;
    if (last === pending) return;
    kept[index] = last;
    last.index = index;
  }

  function tick(): void {
    const now = clock.now();
    // Backwards: what is removed is replaced by the last one.
    for (let i = kept.length - 1; i >= 0; i--) {
      const pending = kept[i];
      if (pending !== undefined) isOver(pending, now, remove);
    }
    if (kept.length === 0) ticking = false;
    else clock.after(TICK_MS, tick);
  }

  const list: InFlightRequests = {
    add(pending) {
      if (pending.index !== -1) return;
      pending.index = kept.length;
      kept.push(pending);
      pending.list = list;
      pending.request.signal.addEventListener("abort", pending);
      if (ticking) return;
      ticking = true;
      clock.after(TICK_MS, tick);
    },
    remove,
    settle: (pending) => settle(pending, remove),
    left: (pending) => leave(pending, remove),
    endAll: (why) => endAll([...kept], why, remove),
    get size() {
      return kept.length;
    },
  };
  return list;
}

function leave(pending: InFlightRequest, remove: (pending: InFlightRequest) => void): void {
  remove(pending);
  pending.end("client_gone");
}

function settle(pending: InFlightRequest, remove: (pending: InFlightRequest) => void): void {
  if (pending.upload?.underWay) pending.answered();
  else remove(pending);
}

function endAll(inFlight: readonly InFlightRequest[], why: Ending, remove: (pending: InFlightRequest) => void): void {
  for (const pending of inFlight) {
    if (pending.isAnswered) continue;
    remove(pending);
    pending.end(why);
  }
}

/**
 * The same with a timer for each, where one of one request may not serve another (Workers: they end
 * with the request that made them).
 */
export function createUnsharedInFlightRequests(clock: Clock): InFlightRequests {
  const kept = new Map<InFlightRequest, () => void>();

  function remove(pending: InFlightRequest): void {
    const forget = kept.get(pending);
    if (forget === undefined) return;
    kept.delete(pending);
    forget();
  }

  const list: InFlightRequests = {
    add(pending) {
      if (kept.has(pending)) return;
      const { signal } = pending.request;
      let cancel = (): void => {};
      // A body on its way moves the deadline, both ways.
      const watch = (): void => {
        const now = clock.now();
        if (isOver(pending, now, remove)) return;
        const left = pending.deadline - now;
        cancel = clock.after(left > 0 ? Math.min(left, LONE_TICK_MS) : LONE_TICK_MS, watch);
      };
      kept.set(pending, () => {
        cancel();
        signal.removeEventListener("abort", pending);
      });
      pending.list = list;
      signal.addEventListener("abort", pending);
      watch();
    },
    remove,
    settle: (pending) => settle(pending, remove),
    left: (pending) => leave(pending, remove),
    endAll: (why) => endAll([...kept.keys()], why, remove),
    get size() {
      return kept.size;
    },
  };
  return list;
}
