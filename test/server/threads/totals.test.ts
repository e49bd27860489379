import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createTotals } from "../../../src/server/threads/totals.ts";
import {
  countAnswer,
  countSocket,
  freshCounts,
  type SeriesCounts,
  viewSeries,
} from "../../../src/telemetry/counters.ts";
import type { TrafficStatistics } from "../../../src/telemetry/traffic.ts";

/** So many answers of a route, and open WebSockets. */
function counts(route: string, answers: number, sockets = 0): SeriesCounts {
  const series = freshCounts(route, "web");
  for (let i = 0; i < answers; i++) countAnswer(series, 200, 1);
  for (let i = 0; i < sockets; i++) countSocket(series, 1);
  return series;
}

const traffic = (...series: SeriesCounts[]): TrafficStatistics => ({ series, pools: [] });
const answered = (sum: TrafficStatistics, route: string): number | undefined => {
  const series = sum.series.find((one) => one.route === route);
  return series && viewSeries(series).statuses[1];
};
const sockets = (sum: TrafficStatistics): number => viewSeries(sum.series[0]!).sockets;

describe("what all workers counted", () => {
  const own = traffic(counts("r", 0));

  test("is their sum, whether or not one answered this time", () => {
    const totals = createTotals();
    totals.add(1, traffic(counts("r", 3)));
    totals.add(2, traffic(counts("r", 4)));
    assertEquals(answered(totals.sum(own, new Set([1, 2])), "r"), 7);
    totals.add(2, traffic(counts("r", 6)));
    assertEquals(answered(totals.sum(own, new Set([1, 2])), "r"), 9);
  });

  test("does not fall when one is gone; nothing of that is open any more", () => {
    const totals = createTotals();
    totals.add(1, traffic(counts("r", 3, 2)));
    totals.add(2, traffic(counts("r", 4, 1)));
    const before = totals.sum(own, new Set([1, 2]));
    assertEquals([answered(before, "r"), sockets(before)], [7, 3]);
    totals.add(3, traffic(counts("r", 1)));
    for (let again = 0; again < 2; again++) {
      const after = totals.sum(own, new Set([2, 3]));
      assertEquals([answered(after, "r"), sockets(after)], [8, 1]);
    }
  });

  test("forgets routes that are gone, of the dead too", () => {
    const totals = createTotals();
    totals.add(1, traffic(counts("r", 3), counts("old", 5)));
    assertEquals(answered(totals.sum(traffic(counts("r", 0), counts("old", 0)), new Set()), "old"), 5);
    assertEquals(answered(totals.sum(own, new Set()), "old"), undefined);
    assertEquals(answered(totals.sum(own, new Set()), "r"), 3);
  });
});
