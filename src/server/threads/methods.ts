import type { Gateway } from "../../gateway/gateway.ts";
import type { Held } from "../../reports/explain/ejections.ts";
import type { GatewayEvent } from "../../telemetry/events.ts";
import type { TrafficStatistics } from "../../telemetry/traffic.ts";

/**
 * The calls that the primary makes to every worker, and their results: plain data that can be cloned and merged. What
 * the admin API has to know of the workers' gateways is one line here; `primaryView` merges it.
 */
export interface Methods {
  /** A sign of life: every message sent before has arrived. */
  readonly ping: undefined;
  /** What it has counted since it began, and the addresses its routes have. */
  readonly traffic: TrafficStatistics;
  /** What its routes hold against addresses: each worker ejects by itself. */
  readonly held: readonly Held[];
  /** What it ejected lately, the newest first. */
  readonly ejections: readonly GatewayEvent[];
}

/** More than a reader of the console looks at. */
const EVENTS = 100;

/** How a worker's gateway handles them. */
export const HANDLERS: { readonly [K in keyof Methods]: (gateway: Gateway) => Methods[K] } = {
  ping: () => undefined,
  traffic: (gateway) => gateway.traffic(),
  held: (gateway) => gateway.held(),
  ejections: (gateway) => gateway.events(EVENTS).filter(({ kind }) => kind === "ejected"),
};
