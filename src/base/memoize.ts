import { detached } from "./detached.ts";

/** Longer texts are not kept: they come from attackers rather than from users. */
const LONGEST_KEY = 256;

/**
 * The same function, with the answers to its last few questions kept: for pure functions that every request asks, with
 * few different questions. It holds at most `limit` answers and forgets all of them when there are more, so a flood of
 * questions that never come again costs the others one computation each in every `limit`.
 */
export function memoize<V extends NonNullable<unknown> | null>(
  compute: (key: string) => V,
  limit = 1024,
): (key: string) => V {
  const known = new Map<string, V>();
  return (key) => {
    const kept = known.get(key);
    if (kept !== undefined) return kept;
    if (key.length > LONGEST_KEY) return compute(key);
    const own = detached(key);
    const value = compute(own);
    if (known.size >= limit) known.clear();
    known.set(own, value);
    return value;
  };
}
