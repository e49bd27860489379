import type { Gateway } from "../../gateway/gateway.ts";
import type { Held } from "../../reports/explain/ejections.ts";
import type { GatewayEvent } from "../../telemetry/events.ts";
import type { TrafficStatistics } from "../../telemetry/traffic.ts";

/**
 * What the keeper may ask every worker, and what each answers: plain data that can be cloned and put together with the
 * others'. Whatever the admin API has to know of the gateways that serve is one line here; `keeperView` puts it together.
 */
export interface Questions {
  /** Nothing but a sign of life: whatever was told before has arrived. */
  readonly ping: undefined;
  /** What it has counted since it began, and the addresses its routes have. */
  readonly traffic: TrafficStatistics;
  /** What its routes hold against addresses: each worker ejects by itself. */
  readonly held: readonly Held[];
  /** What it ejected lately, the newest first. */
  readonly ejections: readonly GatewayEvent[];
}

/** As many as somebody reads. */
const EVENTS = 100;

/** How a worker's gateway answers them. */
export const ANSWERS: { readonly [K in keyof Questions]: (gateway: Gateway) => Questions[K] } = {
  ping: () => undefined,
  traffic: (gateway) => gateway.traffic(),
  held: (gateway) => gateway.held(),
  ejections: (gateway) => gateway.events(EVENTS).filter(({ kind }) => kind === "ejected"),
};
