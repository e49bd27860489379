import type { Gateway } from "../../gateway/gateway.ts";
import type { GatewayView } from "../../gateway/view.ts";
import type { Held } from "../../reports/explain/ejections.ts";
import { type GatewayEvent, newestEvents } from "../../telemetry/events.ts";
import { createTotals } from "./totals.ts";
import type { Team } from "./worker-pool.ts";

/**
 * What the admin API shows where workers serve: the keeper's own gateway, which takes no requests but has the clusters,
 * the routes and the health checks; and what only the workers know, asked for and put together. The one place for that:
 * a new member of `GatewayView` that tells of requests needs an entry in `Questions` and a line here.
 */
export function keeperView(gateway: Gateway, team: Team): GatewayView {
  const totals = createTotals();
  /** As the workers told last: the console asks for the counts all the time, and for these with them. */
  let ejections: (readonly GatewayEvent[])[] = [];
  const heldByWorkers = async (): Promise<(readonly Held[])[]> => (await team.ask("held")).map(({ answer }) => answer);
  return {
    ...gateway,
    readiness() {
      const readiness = gateway.readiness();
      if (team.listening() > 0) return readiness;
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
      const told = team.ask("ejections");
      for (const { worker, answer } of await team.ask("traffic")) totals.add(worker, answer);
      ejections = (await told).map(({ answer }) => answer);
      const metrics = await gateway.metrics();
      return { ...metrics, traffic: totals.sum(metrics.traffic, team.living()) };
    },
  };
}
