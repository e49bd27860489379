import type { Endpoint, Node, Upstream } from "../discovery/types.ts";

/** `nodes:` of a route as an upstream: addresses that never change. Nodes named twice count once, with both weights. */
export function staticUpstream(nodes: readonly Node[], name: string): Upstream {
  const byAddress = new Map<string, Endpoint>();
  for (const node of nodes) {
    const host = node.host.replace(/^\[(.*)\]$/, "$1");
    const address = `${host.includes(":") ? `[${host}]` : host}:${node.port}`;
    const weight = node.weight + (byAddress.get(address)?.weight ?? 0);
    byAddress.set(
      address,
      Object.freeze({
        host,
        port: node.port,
        weight,
        address,
        uid: undefined,
        pod: undefined,
        zone: undefined,
        terminating: false,
        preferred: true,
      }),
    );
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
