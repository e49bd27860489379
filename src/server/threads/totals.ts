import { ofTheGone } from "../../telemetry/counters.ts";
import { sumTraffic, type TrafficStatistics } from "../../telemetry/traffic.ts";

/** What all workers there were have counted: numbers that only grow do so here too, whoever dies or does not answer. */
export interface Totals {
  /** A worker told what it has counted since it began. */
  add(worker: number, traffic: TrafficStatistics): void;
  /**
   * All together, with what the keeper itself knows of its routes' addresses. `living`: workers that are there. What is
   * counted for routes that the keeper does not have any more is forgotten.
   */
  sum(own: TrafficStatistics, living: ReadonlySet<number>): TrafficStatistics;
}

const nothing: TrafficStatistics = { series: [], pools: [] };

const keyOf = ({ route, service }: { readonly route: string; readonly service: string }): string =>
  JSON.stringify([route, service]);

/** Nobody has counted anything. */
export function createTotals(): Totals {
  const told = new Map<number, TrafficStatistics>();
  let gone = nothing;
  return {
    add: (worker, traffic) => void told.set(worker, traffic),
    sum(own, living) {
      for (const [worker, { series, spans }] of told) {
        if (living.has(worker)) continue;
        gone = sumTraffic([gone, { series: series.map(ofTheGone), pools: [], spans }]);
        told.delete(worker);
      }
      const known = new Set(own.series.map(keyOf));
      const kept = ({ series, pools, spans }: TrafficStatistics): TrafficStatistics => ({
        series: series.filter((one) => known.has(keyOf(one))),
        pools: pools.filter((one) => known.has(keyOf(one))),
        spans,
      });
      gone = kept(gone);
      return sumTraffic([own, gone, ...[...told.values()].map(kept)]);
    },
  };
}
