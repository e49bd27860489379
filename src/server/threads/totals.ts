import { ofTheGone } from "../../telemetry/counters.ts";
import { sumTraffic, type TrafficStatistics } from "../../telemetry/traffic.ts";

/** The sum over all workers, dead ones included: counters never go down when a worker dies or does not answer. */
export interface Totals {
  /** `traffic`: what the worker has counted since it started. */
  add(worker: number, traffic: TrafficStatistics): void;
  /**
   * All together, with what the primary itself knows of its routes' addresses. `living`: the workers that run. Counts
   * of routes that the primary does not have any more are dropped.
   */
  sum(own: TrafficStatistics, living: ReadonlySet<number>): TrafficStatistics;
}

const nothing: TrafficStatistics = { series: [], pools: [] };

const keyOf = ({ route, service }: { readonly route: string; readonly service: string }): string =>
  JSON.stringify([route, service]);

export function createTotals(): Totals {
  const latest = new Map<number, TrafficStatistics>();
  let gone = nothing;
  return {
    add: (worker, traffic) => void latest.set(worker, traffic),
    sum(own, living) {
      for (const [worker, { series, spans, refused }] of latest) {
        if (living.has(worker)) continue;
        gone = sumTraffic([gone, { series: series.map(ofTheGone), pools: [], spans, refused }]);
        latest.delete(worker);
      }
      const known = new Set(own.series.map(keyOf));
      const kept = ({ series, pools, spans, refused }: TrafficStatistics): TrafficStatistics => ({
        series: series.filter((one) => known.has(keyOf(one))),
        pools: pools.filter((one) => known.has(keyOf(one))),
        spans,
        refused,
      });
      gone = kept(gone);
      return sumTraffic([own, gone, ...[...latest.values()].map(kept)]);
    },
  };
}
