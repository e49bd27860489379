import type { Gateway } from "../../gateway/gateway.ts";
import type { GatewayView } from "../../gateway/view.ts";
import type { Held } from "../../reports/explain/ejections.ts";
import { type GatewayEvent, newestEvents } from "../../telemetry/events.ts";
import { createTotals } from "./totals.ts";
import type { WorkerPool } from "./worker-pool.ts";

/**
 * What the admin API shows where workers serve: the primary's own gateway, which takes no requests but has the
 * clusters, the routes and the health checks, merged with what only the workers know. A new member of `GatewayView`
 * about requests needs an entry in `Methods` and a line here.
 */
export function primaryView(gateway: Gateway, pool: WorkerPool): GatewayView {
  const totals = createTotals();
  /** As of the last `metrics`, which the console asks for all the time. */
  let ejections: (readonly GatewayEvent[])[] = [];
  const heldByWorkers = async (): Promise<(readonly Held[])[]> => (await pool.call("held")).map(({ answer }) => answer);
  return {
    ...gateway,
    readiness() {
      const readiness = gateway.readiness();
      if (pool.listening() > 0) return readiness;
      const waiting = { id: "workers", state: "connecting", reason: "no worker listens just now" };
      return { ...readiness, ready: false, waiting: [...readiness.waiting, waiting] };
    },
    async nodes(service, { verbose }) {
      return gateway.nodes(service, { verbose, held: verbose ? (await heldByWorkers()).flat() : [] });
    },
    async explain(query) {
      return gateway.explain(query, { workers: await heldByWorkers() });
    },
    events: (limit) => newestEvents([gateway.events(limit), ...ejections], limit),
    async metrics() {
      const ejected = pool.call("ejections");
      for (const { worker, answer } of await pool.call("traffic")) totals.add(worker, answer);
      ejections = (await ejected).map(({ answer }) => answer);
      const metrics = await gateway.metrics();
      return { ...metrics, traffic: totals.sum(metrics.traffic, pool.living()) };
    },
  };
}
