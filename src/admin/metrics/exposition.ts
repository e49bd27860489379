import prometheus, { type Metric, type OpenMetricsContentType, type PrometheusContentType } from "prom-client";
import type { GatewayMetrics } from "../../telemetry/gateway-metrics.ts";
import type { ProcessMetrics } from "../../telemetry/process-metrics.ts";
import { clusterFamilies } from "./cluster-families.ts";
import { bit, type Family, gauge } from "./family.ts";
import { processFamilies } from "./process-families.ts";
import { streamFamilies } from "./stream-families.ts";
import { trafficFamilies } from "./traffic-families.ts";

// prom-client is CommonJS, whose names Deno does not see: hence the default import.
const { Registry, openMetricsContentType, prometheusContentType } = prometheus;

/** The two formats there are: Prometheus' own, and OpenMetrics for those who ask for it. */
export const FORMATS = { text: prometheusContentType, openMetrics: openMetricsContentType } as const;

/** All metrics there are, filled or not. A part with metrics of its own adds its families here. */
export function allFamilies(gateway: GatewayMetrics, process: ProcessMetrics): Family[] {
  return [
    ...trafficFamilies(gateway.traffic),
    ...streamFamilies(gateway.traffic.streams ?? []),
    ...clusterFamilies(gateway.clusters),
    gauge("podway_ready", "1: every required cluster has a snapshot.", bit(gateway.ready)),
    gauge("podway_draining", "1: the gateway was told to stop and finishes what is under way.", bit(gateway.draining)),
    ...processFamilies(process),
  ];
}

/**
 * A family as prom-client's registry takes metrics. Its own classes count by names made of the labels; we count
 * elsewhere, and hand over what was counted.
 */
class Collected {
  /** Written by the registry: OpenMetrics names a counter without its `_total`. */
  name: string;
  readonly #family: Family;
  readonly #turn: () => Promise<void>;

  /** `turn` resolves when its samples may be made. */
  constructor(family: Family, turn: () => Promise<void>) {
    this.name = family.name;
    this.#family = family;
    this.#turn = turn;
  }

  get help(): string {
    return this.#family.help;
  }

  get type(): Family["type"] {
    return this.#family.type;
  }

  async get() {
    await this.#turn();
    const { name, help, type } = this;
    const values = this.#family.samples().map(({ labels, value, suffix, shared }) => ({
      labels,
      value,
      metricName: suffix === undefined ? undefined : name + suffix,
      sharedLabels: shared,
    }));
    return { name, help, type, values };
  }
}

/**
 * The families in one of the two formats. `pause` lets other work go on: it is awaited before each family, so that a
 * scrape of thousands of routes does not hold up requests for all of its time.
 */
export async function expose(
  families: readonly Family[],
  format: PrometheusContentType | OpenMetricsContentType,
  pause: () => Promise<void>,
): Promise<string> {
  const registry = new Registry<typeof format>();
  registry.setContentType(format);
  let turn = Promise.resolve();
  const next = (): Promise<void> => {
    turn = turn.then(pause);
    return turn;
  };
  for (const family of families) registry.registerMetric(new Collected(family, next) as unknown as Metric);
  return await registry.metrics();
}
