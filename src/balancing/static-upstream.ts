import type { Endpoint, Node, Upstream } from "../discovery/types.ts";

/**
 * `nodes:` of a route as an upstream: addresses that never change. A node that is listed twice counts once, with both
 * weights; of two priorities the greater one counts.
 */
export function staticUpstream(
  nodes: readonly (Node & { readonly priority?: number | undefined })[],
  name: string,
): Upstream {
  const byAddress = new Map<string, Endpoint>();
  for (const node of nodes) {
    const host = node.host.replace(/^\[(.*)\]$/, "$1");
    const address = `${host.includes(":") ? `[${host}]` : host}:${node.port}`;
    const { priority = 0 } = node;
    const before = byAddress.get(address);
    if (before !== undefined && before.priority > priority) continue;
    const weight = node.weight + (before?.priority === priority ? before.weight : 0);
    const rest = { uid: undefined, pod: undefined, zone: undefined, terminating: false, preferred: true };
    byAddress.set(address, Object.freeze({ host, port: node.port, weight, address, priority, ...rest }));
  }
  const endpoints = Object.freeze([...byAddress.values()].sort(byHostAndPort));
  return {
    name,
    cluster: "",
    endpoints: () => endpoints,
    refresh: () => undefined,
    reason: () =>
      endpoints.length > 0
        ? undefined
        : { code: "no_endpoints", detail: `${name} has no nodes`, outward: "the service has no endpoints" },
  };
}

const byHostAndPort = (a: Node, b: Node): number => (a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1);
