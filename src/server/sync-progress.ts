import type { Clock } from "../base/clock.ts";
import type { ClusterStatus } from "../discovery/views.ts";
import type { Progress } from "./progress.ts";

/** How often the clusters are looked at. */
const LOOK_MS = 100;

const count = new Intl.NumberFormat("en").format;

/** How far the first lists are, in one line; undefined: all clusters that were waited for are in step. */
export function syncLine(clusters: readonly ClusterStatus[]): string | undefined {
  const waiting = clusters.filter(({ required, ages }) => required && ages.list === null);
  if (waiting.length === 0) return undefined;
  return waiting
    .map(({ id, state, listing }) => {
      const name = id === "" ? "cluster" : `cluster ${id}`;
      if (listing === undefined) return `${name}: ${state}`;
      const { objects, remaining } = listing;
      const of = remaining === undefined ? "" : ` of ${count(objects + remaining)}`;
      const share = remaining === undefined ? "" : ` (${Math.floor((100 * objects) / (objects + remaining))}%)`;
      return `${name}: ${count(objects)}${of} objects read${share}`;
    })
    .join(", ");
}

/** Shows how far the first lists are until they are in, or the returned function is called. */
export function showSync(status: () => readonly ClusterStatus[], progress: Progress, clock: Clock): () => void {
  let cancel = () => {};
  const look = (): void => {
    const line = syncLine(status());
    if (line === undefined) {
      progress.end();
      return;
    }
    progress.show(line);
    cancel = clock.after(LOOK_MS, look);
  };
  look();
  return () => {
    cancel();
    progress.end();
  };
}
