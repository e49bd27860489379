import { type Made, type MadeMapping, madeFrom } from "../document.ts";
import type { Input } from "../input.ts";
import { balancerOf } from "./balancer.ts";
import { wordsOf } from "./cosmetics.ts";
import type { Resources } from "./resources.ts";
import { nodesOf, timeoutsOf } from "./upstream.ts";

/** Addresses that `apisix.stream_proxy.tcp` listens on, each with its place. */
function addressesOf(roots: readonly Input[]): Map<string, Input> {
  const found = roots.flatMap((root) => {
    const proxy = root.at("apisix").at("stream_proxy");
    const tcp = proxy.at("tcp");
    for (const item of proxy.at("udp").items()) item.decline("streams are TCP");
    return tcp.items().flatMap((item): [string, Input][] => {
      const address = item.isMapping ? item.at("addr") : item;
      const text = address.text();
      if (text === undefined) return [];
      if (item.at("tls").boolean() === true)
        item.at("tls").decline("a stream ends TLS with certificates of its own: streams[].tls");
      return [[text.includes(":") ? text : `0.0.0.0:${text}`, item]];
    });
  });
  return new Map(found);
}

function targetOf(upstream: Input): MadeMapping | string {
  const scheme = upstream.at("scheme").text();
  if (scheme !== undefined && scheme !== "tcp" && scheme !== "tls") return "its upstream is not TCP";
  const tls = scheme === "tls" ? { upstream_tls: { verify: false } } : {};
  const service = upstream.at("service_name").text();
  if (service !== undefined) {
    const type = upstream.at("discovery_type").text();
    return type === "kubernetes"
      ? { service, ...tls }
      : "its nodes are found by a discovery that the gateway does not have";
  }
  const nodes = nodesOf(upstream.at("nodes"), "tcp");
  return nodes.length === 0 ? "its upstream has no nodes" : { nodes: nodes as unknown as Made, ...tls };
}

function streamOf(route: Input, addresses: readonly string[], resources: Resources): MadeMapping | string {
  for (const key of ["remote_addr", "sni", "protocol"]) {
    if (route.at(key).exists) return `connections are told apart by the address they come to, not by ${key}`;
  }
  const port = route.at("server_port").number();
  const host = route.at("server_addr").text();
  const known = addresses.find((address) => port === undefined || address.endsWith(`:${port}`));
  if (port === undefined && (addresses.length !== 1 || known === undefined)) {
    return "it names no server_port, and there is not exactly one address in apisix.stream_proxy.tcp";
  }
  const reference = route.at("upstream_id");
  const upstream = reference.exists ? resources.upstreams.find(reference) : route.at("upstream");
  if (upstream === undefined || !upstream.exists) return "it has no upstream";
  const target = targetOf(upstream);
  if (typeof target === "string") return target;
  upstream.at("id").text();
  const balancer = balancerOf(upstream);
  const timeouts = timeoutsOf(upstream.at("timeout")) as { connect?: number; idle?: number } | undefined;
  return {
    listen: host === undefined ? (known ?? `0.0.0.0:${port}`) : `${host}:${port ?? known!.split(":").at(-1)}`,
    ...target,
    balancer,
    timeouts: timeouts && { connect: timeouts.connect, idle: timeouts.idle },
  };
}

/** `streams` of ours, made of `stream_routes`. */
export function streamsOf(roots: readonly Input[], resources: Resources): Made[] | undefined {
  const places = addressesOf(roots);
  const addresses = [...places.keys()];
  const used = new Set<unknown>();
  const taken = new Set<string>();
  const made = resources.streamRoutes.flatMap((route, index): Made[] => {
    const stream = streamOf(route, addresses, resources);
    if (typeof stream === "string") {
      route.decline(`the stream is left out: ${stream}`);
      return [];
    }
    const wanted = route.at("id").text() ?? `stream-${index + 1}`;
    const id = taken.has(wanted) ? `${wanted}-${index + 1}` : wanted;
    taken.add(id);
    used.add(stream.listen);
    return [madeFrom(route, { id, ...stream }, ...wordsOf(route))];
  });
  for (const [address, place] of places) if (!used.has(address)) place.note("no stream listens here");
  return made.length === 0 ? undefined : made;
}
