import type { Canceller } from "../canceller.ts";
import type { Clock } from "../clock.ts";

/**
 * How often requests in flight are looked at. One timer for all of them: a timer and a listener per request would cost
 * more than the rest of the gateway's work. A time-out is late by this much at most, and so is the news of a client
 * that left while its pod was still thinking.
 */
export const TICK_MS = 100;

/** The same where each request has its own timer: one that an idle time-out moved forward is late by this much at most. */
const LONE_TICK_MS = 1000;

/** A request whose pod has not answered yet, or whose body is on an idle timer. */
export interface Flight {
  readonly request: Request;
  readonly canceller: Canceller;
  /** Milliseconds since the epoch; Infinity: none. */
  deadline: number;
  /** Why it was aborted; undefined: it was not. */
  ended: "timeout" | "client_gone" | undefined;
  /** Where it is kept; -1: nowhere. Owned by the flights. */
  index: number;
}

/** The requests in flight, aborted when their time is up or their client is gone. */
export interface Flights {
  add(flight: Flight): void;
  /** Forgets it; harmless when it is not kept. */
  remove(flight: Flight): void;
}

/** Makes the list of requests in flight. Its timer runs only while there is one. */
export function createFlights(clock: Clock): Flights {
  const kept: Flight[] = [];
  let ticking = false;

  function remove(flight: Flight): void {
    const { index } = flight;
    if (index === -1) return;
    flight.index = -1;
    const last = kept.pop()!;
    if (last === flight) return;
    kept[index] = last;
    last.index = index;
  }

  function end(flight: Flight, why: "timeout" | "client_gone"): void {
    flight.ended = why;
    remove(flight);
    flight.canceller.abort();
  }

  function tick(): void {
    const now = clock.now();
    // Backwards: `end` moves the last one into the gap.
    for (let i = kept.length - 1; i >= 0; i--) {
      const flight = kept[i];
      if (flight === undefined) continue;
      if (flight.request.signal.aborted) end(flight, "client_gone");
      else if (now >= flight.deadline) end(flight, "timeout");
    }
    if (kept.length === 0) ticking = false;
    else clock.after(TICK_MS, tick);
  }

  return {
    add(flight) {
      flight.index = kept.length;
      kept.push(flight);
      if (ticking) return;
      ticking = true;
      clock.after(TICK_MS, tick);
    },
    remove,
  };
}

/**
 * The same with a timer and a listener for each, where those of one request may not serve another (Workers: they end with
 * the request that made them).
 */
export function createLoneFlights(clock: Clock): Flights {
  const kept = new Map<Flight, () => void>();

  function remove(flight: Flight): void {
    kept.get(flight)?.();
    kept.delete(flight);
  }

  return {
    add(flight) {
      const { signal } = flight.request;
      const end = (why: "timeout" | "client_gone"): void => {
        flight.ended = why;
        remove(flight);
        flight.canceller.abort();
      };
      const leave = (): void => end("client_gone");
      let cancel = (): void => {};
      // A body on its way moves the deadline, both ways.
      const watch = (): void => {
        const left = flight.deadline - clock.now();
        if (left <= 0) end("timeout");
        else cancel = clock.after(Math.min(left, LONE_TICK_MS), watch);
      };
      kept.set(flight, () => {
        cancel();
        signal.removeEventListener("abort", leave);
      });
      signal.addEventListener("abort", leave, { once: true });
      watch();
    },
    remove,
  };
}
