import type { Clock } from "../base/clock.ts";
import type { Kept, KeySpace } from "./key-space.ts";

/** Hits of one key in its window. */
export interface Window extends Kept {
  hits: number;
  /** When the count starts again, in the clock's milliseconds. */
  readonly end: number;
}

/** Counts per key, in windows of a fixed length that begin with the first hit. */
export interface Windows {
  /** Counts one more for a key and says how many there are. `owner`: the client that asks. */
  hit(key: string, owner: string): Window;
}

/** What windows are made with. */
export interface WindowsOptions {
  /** Milliseconds. */
  readonly length: number;
  readonly clock: Clock;
  readonly keys: KeySpace;
}

/** Makes an empty count. */
export function createWindows({ length, clock, keys }: WindowsOptions): Windows {
  const windows = keys.table<Window>(({ end }, now) => end <= now);
  return {
    hit(key, owner) {
      const now = clock.now();
      const known = windows.get(key);
      if (known !== undefined && known.end > now) {
        known.hits++;
        return known;
      }
      const fresh = { hits: 1, end: now + length, owner };
      windows.set(key, fresh);
      return fresh;
    },
  };
}
