import { convertedFrom, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { balancerOf } from "./balancer.ts";
import { commentsOf } from "./comments.ts";
import { roleOf } from "./plugins/refusing.ts";
import type { Resources } from "./resources.ts";
import { toMilliseconds } from "./seconds.ts";
import { attemptsOf, nodesOf, timeoutsOf } from "./upstream.ts";

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

/** Attempts that a stream can have. */
const MAX_ATTEMPTS = 10;

function targetOf(upstream: Input): { where: YamlMapping; nodes: number } | string {
  const scheme = upstream.at("scheme").text();
  if (scheme !== undefined && scheme !== "tcp" && scheme !== "tls") return "its upstream is not TCP";
  const tls = scheme === "tls" ? { upstream_tls: { verify: false } } : {};
  const service = upstream.at("service_name").text();
  if (service !== undefined) {
    const type = upstream.at("discovery_type").text();
    return type === "kubernetes"
      ? { where: { service, ...tls }, nodes: MAX_ATTEMPTS }
      : "its nodes are found by a discovery that the gateway does not have";
  }
  const nodes = nodesOf(upstream.at("nodes"), "tcp");
  return nodes.length === 0
    ? "its upstream has no nodes"
    : { where: { nodes: nodes as unknown as YamlValue, ...tls }, nodes: Math.min(MAX_ATTEMPTS, nodes.length) };
}

/** `checks.active` of a stream's upstream: connecting to each node, again and again. */
function healthOf(checks: Input): YamlMapping | undefined {
  const active = checks.at("active");
  if (!active.exists) return undefined;
  active.at("type").text();
  const often = active.at("healthy").at("interval").number() ?? 1;
  const seconds = active.at("timeout").number() ?? 1;
  return {
    active: {
      interval: Math.max(100, toMilliseconds(often)),
      timeout: Math.max(1, toMilliseconds(seconds)),
      healthy: active.at("healthy").at("successes").number() ?? 2,
      unhealthy: active.at("unhealthy").at("tcp_failures").number() ?? 2,
    },
  };
}

/** What stands before a stream and is not carried over; undefined: nothing. */
function guardOf(route: Input): string | undefined {
  const plugins = route.at("plugins");
  if (plugins.exists && plugins.keys().length === 0) plugins.take();
  for (const name of plugins.keys()) {
    const role = roleOf(name);
    if (plugins.at(name).at("_meta").at("disable").raw === true) plugins.at(name).take();
    else if (role === "guards") return "one of its plugins may refuse connections, and streams have no plugins here";
    else plugins.at(name).decline("streams have no plugins here", role === "limits" ? "access" : "difference");
  }
  return undefined;
}

function streamOf(route: Input, addresses: readonly string[], resources: Resources): YamlMapping | string {
  for (const key of ["remote_addr", "sni", "protocol"]) {
    if (route.at(key).exists) return `connections are told apart by the address they come to, not by ${key}`;
  }
  const guard = guardOf(route);
  if (guard !== undefined) return guard;
  const port = route.at("server_port").number();
  const host = route.at("server_addr").text();
  const known = addresses.find((address) => port === undefined || address.endsWith(`:${port}`));
  if (port === undefined && (addresses.length !== 1 || known === undefined)) {
    return "it names no server_port, and there is not exactly one address in apisix.stream_proxy.tcp";
  }
  const reference = route.at("upstream_id");
  if (reference.exists) route.at("upstream").decline("upstream_id is there too, and it counts");
  const upstream = reference.exists ? resources.upstreams.find(reference) : route.at("upstream");
  if (upstream === undefined || !upstream.exists) return "it has no upstream";
  const target = targetOf(upstream);
  if (typeof target === "string") return target;
  upstream.at("id").text();
  const balancer = balancerOf(upstream);
  const timeouts = timeoutsOf(upstream.at("timeout")) as { connect?: number; idle?: number } | undefined;
  return {
    listen: host === undefined ? (known ?? `0.0.0.0:${port}`) : `${host}:${port ?? known!.split(":").at(-1)}`,
    ...target.where,
    balancer,
    timeouts: timeouts && { connect: timeouts.connect, idle: timeouts.idle },
    retries: { attempts: attemptsOf(upstream, MAX_ATTEMPTS) ?? target.nodes },
    health: healthOf(upstream.at("checks")),
  };
}

/** The port a route is for; undefined: any. */
const portOf = (route: Input): string | undefined => {
  const { raw } = route.at("server_port");
  return raw === undefined ? undefined : String(raw);
};

/** `streams` of ours, made of `stream_routes`. */
export function streamsOf(roots: readonly Input[], resources: Resources): YamlValue[] | undefined {
  const places = addressesOf(roots);
  const addresses = [...places.keys()];
  const used = new Set<unknown>();
  const taken = new Set<string>();
  const found = resources.streamRoutes.map((route) => ({ route, stream: streamOf(route, addresses, resources) }));
  // Names are in TLS, which is ended where an address says so: one for a name takes no connection elsewhere.
  const ends = [...places.values()].some((place) => place.at("tls").raw === true);
  const shut = found.flatMap(({ route, stream }) =>
    typeof stream === "string" && (ends || !route.at("sni").exists) ? [portOf(route)] : [],
  );
  const made = found.flatMap(({ route, stream }, index): YamlValue[] => {
    if (typeof stream === "string") {
      route.decline(`the stream is left out: ${stream}`, "access");
      return [];
    }
    if (shut.some((port) => port === undefined || portOf(route) === undefined || port === portOf(route))) {
      route.decline("the stream is left out: connections of another one that is left out would come to it", "access");
      return [];
    }
    const wanted = route.at("id").text() ?? `stream-${index + 1}`;
    const id = taken.has(wanted) ? `${wanted}-${index + 1}` : wanted;
    taken.add(id);
    used.add(stream.listen);
    return [convertedFrom(route, { id, ...stream }, ...commentsOf(route))];
  });
  for (const [address, place] of places) if (!used.has(address)) place.note("no stream listens here", "trifle");
  return made.length === 0 ? undefined : made;
}
