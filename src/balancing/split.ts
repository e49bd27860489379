import type { Random } from "../base/clock.ts";
import { nextTurn, startAnywhere, totalWeight } from "./smooth.ts";

/**
 * Divides requests by weight among the `services:` of a route, with smooth turns from a random start. There is at least
 * one entry. A choice costs one pass over the entries and allocates nothing.
 *
 * Only weights decide, as in the Gateway API (HTTPBackendRef `weight`): a service without endpoints keeps its share,
 * and those requests are answered 503. So a canary that fails to start is noticed, and the stable version does not get
 * more than was planned. Weight 0 gets nothing while another has weight; where all have 0, all count the same.
 */
export function createSplit<Entry extends { readonly weight: number }>(entries: readonly Entry[], random: Random) {
  const weighted = entries.filter((entry) => entry.weight > 0);
  const holders = (weighted.length > 0 ? weighted : entries).map((entry) => ({
    entry,
    weight: entry.weight || 1,
    credit: 0,
  }));
  const total = totalWeight(holders);
  startAnywhere(holders, total, random);
  return { choose: (): Entry => nextTurn(holders, total).entry };
}
