import type { Node, NodeDetail, NodesAnswer } from "../discovery/views.ts";
import type { GatewayRoute } from "../route-set.ts";

/** The service without its port: routes may ask for the same one in other words. */
const serviceOf = (name: string): string => name.replace(/:[^/]*$/, "");

const addressOf = ({ host, port }: Node): string => `${host} ${port}`;

interface Known {
  until: number;
  readonly ejectedBy: string[];
  readonly unhealthyFor: string[];
}

/** What the pools of routes hold against addresses of a service. */
function heldAgainst(name: string, routes: readonly GatewayRoute[]): ReadonlyMap<string, Known> {
  const held = new Map<string, Known>();
  for (const route of routes) {
    if (route.kind !== "proxy") continue;
    for (const { pool, upstream, query } of route.choices) {
      if (query === undefined || serviceOf(upstream.name) !== serviceOf(name)) continue;
      for (const { endpoint, ejectedUntil, healthy } of pool.inspect()) {
        if (ejectedUntil === undefined && healthy) continue;
        const address = addressOf(endpoint);
        const known = held.get(address) ?? { until: 0, ejectedBy: [], unhealthyFor: [] };
        held.set(address, known);
        if (!healthy) known.unhealthyFor.push(route.rule.id);
        if (ejectedUntil === undefined) continue;
        known.ejectedBy.push(route.rule.id);
        known.until = Math.max(known.until, ejectedUntil);
      }
    }
  }
  return held;
}

/**
 * A detailed answer of discovery with what the gateway's routes found out about the nodes. `name`: the service as its
 * upstream names it.
 */
export function withEjections(answer: NodesAnswer, name: string, routes: readonly GatewayRoute[]): NodesAnswer {
  const held = heldAgainst(name, routes);
  if (held.size === 0) return answer;
  const tell = (node: Node): Node | NodeDetail => {
    const known = held.get(addressOf(node));
    if (known === undefined) return node;
    const { until, ejectedBy, unhealthyFor } = known;
    return {
      ...node,
      ...(until === 0 ? {} : { ejection: { until: new Date(until).toISOString(), routes: ejectedBy } }),
      ...(unhealthyFor.length === 0 ? {} : { unhealthy: { routes: unhealthyFor } }),
    };
  };
  return { ...answer, nodes: answer.nodes.map(tell) };
}
