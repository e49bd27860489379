import type { AdminOptions } from "../../src/admin/app.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { GatewayView } from "../../src/gateway/view.ts";
import { ExplainQueryError } from "../../src/reports/explain/question.ts";
import type { ProcessMetrics } from "../../src/telemetry/process-metrics.ts";

/** A gateway that has nothing to tell, but for what a test says. */
export const view = (more: Partial<GatewayView> = {}): GatewayView => ({
  readiness: () => ({ ready: true, draining: false, waiting: [] }),
  status: () => [],
  metrics: () => ({ traffic: { series: [], pools: [], spans: undefined }, clusters: [], ready: true, draining: false }),
  dump: () => ({ config: [], endpoints: [] }),
  nodes: async (service) => ({ service, nodes: [] }),
  services: () => ({ total: 0, found: 0, services: [] }),
  events: () => [],
  refusedConfig: () => [],
  explain: async () => {
    throw new ExplainQueryError("the URL is not one");
  },
  routes: () => [],
  streams: () => [],
  report: () => {},
  ...more,
});

const PROCESS: ProcessMetrics = {
  version: "1.2.3",
  runtime: "bun",
  usage: { started: 1, userCpu: 2, systemCpu: 3, resident: 4, heapUsed: 5, heapTotal: 6 },
  loopLag: 0.001,
  reloads: { ok: 1, failed: 2, current: false, since: 5000, hash: 7 },
};

/** What the admin API is made with; no token: it is open. */
export const adminOptions = (token?: string): AdminOptions => ({
  token,
  processMetrics: async () => PROCESS,
  inForce: () => ({ file: "gateway.yaml", hash: 7, since: "1970-01-01T00:00:05.000Z", current: true, config: {} }),
  clock: systemClock,
});
