import type { Random } from "../clock.ts";
import { nextTurn, startAnywhere, totalWeight } from "./smooth.ts";

/**
 * Divides requests among several services by weight (`services:` of a route), with smooth turns from a random start.
 * Returns the function that gives the next entry; it costs one pass over the entries and allocates nothing.
 *
 * Only weights decide, as in the Gateway API (HTTPBackendRef `weight`): a service without endpoints keeps its share, and
 * those requests are answered 503, so that a canary that fails to start does not silently get nothing and the stable
 * version is not handed more than was planned. Weight 0 gets nothing; undefined: all have weight 0.
 */
export function createSplit<Entry extends { readonly weight: number }>(
  entries: readonly Entry[],
  random: Random,
): () => Entry | undefined {
  const holders = entries
    .filter((entry) => entry.weight > 0)
    .map((entry) => ({ entry, weight: entry.weight, credit: 0 }));
  if (holders.length === 0) return () => undefined;
  const total = totalWeight(holders);
  startAnywhere(holders, total, random);
  return () => nextTurn(holders, total).entry;
}
