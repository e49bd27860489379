import type { Random } from "../base/clock.ts";
import { nextTurn, startAnywhere, totalWeight } from "./smooth.ts";

/** Divides a route's requests among several services. */
export interface Split<Entry> {
  /** The entry this request goes to. Costs one pass over the entries and allocates nothing. */
  choose(): Entry;
}

/**
 * A split by weight (`services:` of a route), with smooth turns from a random start. There is at least one entry.
 *
 * Only weights decide, as in the Gateway API (HTTPBackendRef `weight`): a service without endpoints keeps its share, and
 * those requests are answered 503, so that a canary that fails to start is noticed and the stable version is not handed
 * more than was planned. Weight 0 gets nothing while another has weight; where all have 0, all count the same.
 */
export function createSplit<Entry extends { readonly weight: number }>(
  entries: readonly Entry[],
  random: Random,
): Split<Entry> {
  const weighted = entries.filter((entry) => entry.weight > 0);
  const holders =
    weighted.length > 0
      ? weighted.map((entry) => ({ entry, weight: entry.weight, credit: 0 }))
      : entries.map((entry) => ({ entry, weight: 1, credit: 0 }));
  const total = totalWeight(holders);
  startAnywhere(holders, total, random);
  return { choose: () => nextTurn(holders, total).entry };
}
