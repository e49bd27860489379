import type { Node, NodeDetail, NodesAnswer } from "../../discovery/views.ts";
import type { CompiledRoute } from "../../proxy/route.ts";

/**
 * What a route holds against an address: plain data, since the thread that serves sends it to the one that is asked.
 */
export interface Held {
  readonly route: string;
  /** As its upstream names it. */
  readonly service: string;
  readonly host: string;
  readonly port: number;
  /** Until when it gets nothing after failed requests, ms since the epoch; undefined: it is not ejected. */
  readonly until: number | undefined;
  /** Its active health checks fail. */
  readonly unhealthy: boolean;
}

/** All that the pools of routes hold against addresses of services now. */
export function heldBy(routes: readonly CompiledRoute<{ readonly id: string }>[]): Held[] {
  return routes.flatMap((route) =>
    route.kind !== "proxy"
      ? []
      : route.choices.flatMap(({ pool, upstream }) =>
          pool
            .targetStates()
            .filter(({ ejectedUntil, healthy }) => ejectedUntil !== undefined || !healthy)
            .map(({ endpoint: { host, port }, ejectedUntil: until, healthy }) => {
              return { route: route.rule.id, service: upstream.name, host, port, until, unhealthy: !healthy };
            }),
        ),
  );
}

/** The service without its port: routes may ask for the same one in other words. */
const serviceOf = (name: string): string => name.replace(/:[^/]*$/, "");

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** A detailed answer of discovery with what is held against its nodes. `name`: the service as its upstream names it. */
export function withEjections(answer: NodesAnswer, name: string, held: readonly Held[]): NodesAnswer {
  const ofService = held.filter(({ service }) => serviceOf(service) === serviceOf(name));
  if (ofService.length === 0) return answer;
  const tell = (node: Node): Node | NodeDetail => {
    const known = ofService.filter(({ host, port }) => host === node.host && port === node.port);
    const ejected = known.filter(({ until }) => until !== undefined);
    const unhealthy = known.filter((one) => one.unhealthy);
    const until = Math.max(...ejected.map((one) => one.until!));
    const ejection = { until: new Date(ejected.length === 0 ? 0 : until).toISOString() };
    return {
      ...node,
      ...(ejected.length === 0 ? {} : { ejection: { ...ejection, routes: unique(ejected.map(({ route }) => route)) } }),
      ...(unhealthy.length === 0 ? {} : { unhealthy: { routes: unique(unhealthy.map(({ route }) => route)) } }),
    };
  };
  return { ...answer, nodes: answer.nodes.map(tell) };
}
