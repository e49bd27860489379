/** Remembers a bounded number of answers over any number of maps. */
export interface Recall {
  /** A map of its own for one asker. */
  map<V>(): Map<string, V>;
  /** Keeps an answer. Once there are too many over all maps, everything is forgotten first. */
  keep<V>(map: Map<string, V>, key: string, value: V): void;
}

/** Longer texts are not kept: they come from attackers rather than from users. */
const LONGEST_KEY = 256;

/**
 * At most `limit` answers. Forgetting all of them at once costs what is in use one computation each, in every `limit`
 * new keys: a flood of keys that never come again slows the others by a fraction, and needs no order of use to be kept.
 */
export function createRecall(limit: number): Recall {
  const maps: Map<string, unknown>[] = [];
  let held = 0;
  return {
    map<V>() {
      const map = new Map<string, V>();
      maps.push(map);
      return map;
    },
    keep(map, key, value) {
      if (key.length > LONGEST_KEY) return;
      if (held === limit) {
        for (const one of maps) one.clear();
        held = 0;
      }
      map.set(key, value);
      held++;
    },
  };
}
