import type { Clock } from "../base/clock.ts";
import { detached } from "../base/detached.ts";

/** What is kept for one key. */
export interface Kept {
  /** The client whose request began it, by its address. */
  readonly owner: string;
}

/** What one middleware keeps for each key. */
export interface KeyTable<Value extends Kept> {
  get(key: string): Value | undefined;
  /** Keeps a value for a key that has none, or another one. */
  set(key: string, value: Value): void;
}

/**
 * The memory of all middleware that count by keys. Clients choose the keys, so their number is limited, and the length
 * of each (`boundedKey`). Where it is full, the oldest keys of the clients with the most keys are dropped: a client
 * that makes keys up pushes out its own and no others.
 */
export interface KeySpace {
  /** `isOver`: whether a value has no effect any more, so that it can be dropped. */
  table<Value extends Kept>(isOver: (value: Value, now: number) => boolean): KeyTable<Value>;
}

interface Table {
  readonly entries: Map<string, Kept>;
  /** Drops values that are over. */
  sweep(now: number): void;
}

/** About 250 bytes each: 50 MB at most. */
const MAX_KEYS = 200_000;
/** The part of a full space that is freed at once, so that the work is spread over as many new keys. */
const FREED = 1 / 8;
/** Fewer values are not worth a sweep. */
const MIN_SWEEP = 1000;
/** A longer key is replaced by its digest. */
const MAX_KEY = 64;

/** A key of bounded length: the key itself, or its SHA-256 where it is longer. */
export function boundedKey(key: string): string | Promise<string> {
  return key.length <= MAX_KEY ? key : digestOf(key);
}

async function digestOf(key: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)));
  return `#${btoa(String.fromCharCode(...bytes))}`;
}

/** The most keys each owner may have so that all fit into `room`; 0 where not even one each does. */
function fairShare(counts: Iterable<number>, room: number): number {
  const sorted = [...counts].sort((a, b) => a - b);
  let left = room;
  for (const [index, count] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - index));
    if (count > share) return share;
    left -= count;
  }
  return Number.POSITIVE_INFINITY;
}

/** Makes an empty space. `max`: keys in all. @default 200000 */
export function createKeySpace({ clock, max = MAX_KEYS }: { clock: Clock; max?: number }): KeySpace {
  /** Weak references: when a config drops a middleware, its table goes with it. */
  let tables: WeakRef<Table>[] = [];
  /** An upper bound of the number of keys. */
  let kept = 0;

  function living(): Table[] {
    tables = tables.filter((ref) => ref.deref() !== undefined);
    return tables.flatMap((ref) => ref.deref() ?? []);
  }

  function makeRoom(): void {
    const now = clock.now();
    const all = living();
    for (const table of all) table.sweep(now);
    const held = (): number => all.reduce((sum, { entries }) => sum + entries.size, 0);
    kept = held();
    const room = Math.floor(max * (1 - FREED));
    if (kept <= room) return;
    const owned = new Map<string, number>();
    for (const { entries } of all) {
      for (const { owner } of entries.values()) owned.set(owner, (owned.get(owner) ?? 0) + 1);
    }
    const share = Math.max(1, fairShare(owned.values(), room));
    for (const { entries } of all) {
      for (const [key, { owner }] of entries) {
        const has = owned.get(owner)!;
        if (has <= share) continue;
        owned.set(owner, has - 1);
        entries.delete(key);
      }
    }
    // More clients than keys: the oldest keys of the largest tables.
    for (const { entries } of all.sort((a, b) => b.entries.size - a.entries.size)) {
      let over = held() - room;
      for (const key of entries.keys()) {
        if (over-- <= 0) break;
        entries.delete(key);
      }
    }
    kept = held();
  }

  return {
    table<Value extends Kept>(isOver: (value: Value, now: number) => boolean): KeyTable<Value> {
      const entries = new Map<string, Value>();
      /** New keys until the next sweep. */
      let until = MIN_SWEEP;
      const table: Table = {
        entries,
        sweep(now) {
          const before = entries.size;
          for (const [key, value] of entries) if (isOver(value, now)) entries.delete(key);
          kept -= before - entries.size;
          until = Math.max(MIN_SWEEP, entries.size);
        },
      };
      tables.push(new WeakRef(table));
      return {
        get: (key) => entries.get(key),
        set(key, value) {
          if (!entries.has(key)) {
            if (--until <= 0) table.sweep(clock.now());
            if (kept >= max) makeRoom();
            kept++;
          }
          entries.set(detached(key), { ...value, owner: detached(value.owner) });
        },
      };
    },
  };
}
