/** The last so many of something. */
export interface Ring<T> {
  add(item: T): void;
  /** The newest first. */
  newest(): T[];
}

/** An empty ring that holds at most `size` items: the oldest makes room for the newest. */
export function createRing<T>(size: number): Ring<T> {
  const items: T[] = [];
  let next = 0;
  return {
    add(item) {
      items[next] = item;
      next = (next + 1) % size;
    },
    newest: () => [...items.slice(0, next).reverse(), ...items.slice(next).reverse()],
  };
}
