import { commented, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { namespaceOf, type OcelotDiscovery } from "./discovery.ts";
import { declinePositive, declineSet, declineTrue, firstSet, isUnset } from "./values.ts";

/** Where a route leads and how it is spoken to there. */
export interface OcelotTarget {
  readonly keys: YamlMapping;
  /** The namespace it names. */
  readonly namespace: string | undefined;
}

const SCHEMES: Readonly<Record<string, "http" | "https">> = { http: "http", https: "https", ws: "http", wss: "https" };
const SERVICE = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

interface Balancing {
  readonly balancer: YamlValue | undefined;
  /** Ocelot's own way: the first address, whatever others there are. */
  readonly first: boolean;
}

/** `LoadBalancerOptions`. */
function balancingOf(options: Input): Balancing {
  const type = options.at("Type");
  const [key, expiry] = [options.at("Key"), options.at("Expiry")];
  const word = isUnset(type) ? "noloadbalancer" : (type.text()?.toLowerCase() ?? "");
  if (word !== "cookiestickysessions") {
    for (const input of [key, expiry]) if (!isUnset(input)) input.take();
  }
  switch (word) {
    case "noloadbalancer":
      return { balancer: undefined, first: true };
    case "roundrobin":
      return { balancer: undefined, first: false };
    case "leastconnection":
      return { balancer: "least_requests", first: false };
    case "cookiestickysessions": {
      const name = isUnset(key) ? undefined : key.text();
      if (!isUnset(expiry)) expiry.number();
      if (name === undefined || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
        type.decline("it needs a Key, the name of the application's cookie");
        return { balancer: undefined, first: false };
      }
      const words = "the same session goes to the same node for as long as that is there: nothing expires";
      return { balancer: commented({ consistent_hash: { cookie: name } }, words), first: false };
    }
    default:
      type.decline("it is a class of the application that runs Ocelot: requests go round the addresses");
      return { balancer: undefined, first: false };
  }
}

function nodesOf(hosts: Input, port: number, first: boolean): YamlValue[] {
  return hosts.items().flatMap((item): YamlValue[] => {
    const host = item.at("Host");
    const name = isUnset(host) ? undefined : host.text();
    if (name === undefined || !/^[A-Za-z0-9_.:[\]-]+$/.test(name)) {
      item.decline(name === undefined ? "it has no Host" : "its Host is no name or address");
      return [];
    }
    const written = item.at("Port");
    const number = isUnset(written) ? port : written.number();
    if (number !== undefined && (!Number.isInteger(number) || number < 0 || number > 65_535)) {
      item.decline("its Port is none");
      return [];
    }
    return [{ host: name, port: number || port, first }];
  });
}

/** Without a balancer Ocelot takes the first address: the others have no weight until that one fails. */
const weighted = (nodes: readonly YamlValue[]): YamlValue[] =>
  nodes.map((node, index) => {
    const { first, ...rest } = node as { first: boolean; host: string; port: number };
    return first && index > 0 ? commented({ ...rest, weight: 0 }, "Ocelot never asks it; here it stands in") : rest;
  });

/** The keys that say where a route leads, or why it leads nowhere. */
export function ocelotTarget(
  route: Input,
  options: { balancing: Input; scheme: Input; discovery: OcelotDiscovery },
): OcelotTarget | { readonly nowhere: string } {
  const [hosts, service, space] = ["DownstreamHostAndPorts", "ServiceName", "ServiceNamespace"].map((key) =>
    route.at(key),
  ) as [Input, Input, Input];
  const written = firstSet(route.at("DownstreamScheme"), options.scheme);
  const word = isUnset(written) ? undefined : written.text()?.toLowerCase();
  const scheme = word === undefined ? undefined : SCHEMES[word];
  const { balancer, first } = balancingOf(options.balancing);

  if (!isUnset(service)) {
    const name = service.text();
    if (name === undefined || !SERVICE.test(name)) {
      return { nowhere: "its ServiceName is no name that a service of Kubernetes can have" };
    }
    if (!options.discovery.on) service.note("there is no discovery to find it with: requests get a 503");
    if (!isUnset(hosts)) hosts.take();
    const namespace = namespaceOf(space);
    const type = options.balancing.at("Type");
    if (first && !isUnset(type)) type.note("requests go round all addresses of a service");
    if (word !== undefined && scheme === undefined) {
      written.note("it names a port, which is spoken to in http; where no port has this name, requests get a 503");
    }
    return {
      namespace,
      keys: {
        service: name.toLowerCase(),
        namespace,
        port_name: scheme === undefined ? word : undefined,
        // ws and wss choose the port of that name, as http and https do.
        scheme: scheme === undefined ? undefined : word,
        balancer,
      },
    };
  }
  if (word !== undefined && scheme === undefined) written.decline("it must be http, https, ws or wss");
  if (!isUnset(space)) space.decline("there is no ServiceName beside it");
  const nodes = weighted(nodesOf(hosts, scheme === "https" ? 443 : 80, first));
  if (nodes.length === 0) {
    const some = hosts.items().length > 0;
    return {
      nowhere: some
        ? "none of its DownstreamHostAndPorts can be asked"
        : "it has neither a ServiceName nor DownstreamHostAndPorts",
    };
  }
  return { namespace: undefined, keys: { nodes, scheme: scheme === "https" ? scheme : undefined, balancer } };
}

/** `HttpHandlerOptions` and what else says how an upstream is spoken to. */
export function handlerOf(route: Input, handler: Input, globals: Input): YamlMapping {
  declineTrue(handler.at("AllowAutoRedirect"), "redirects of an upstream go to the client");
  declineTrue(handler.at("UseCookieContainer"), "cookies are the client's own: none are kept here");
  declineTrue(handler.at("UseTracing"), "see tracing for OpenTelemetry");
  const proxy = handler.at("UseProxy");
  if (!isUnset(proxy)) proxy.boolean();
  declinePositive(handler.at("MaxConnectionsPerServer"), "the runtime sees to connections");
  declinePositive(handler.at("PooledConnectionLifetimeSeconds"), "the runtime sees to connections");
  for (const from of [route, globals]) {
    const version = from.at("DownstreamHttpVersion");
    if (!isUnset(version) && !/^1(?:\.1)?$/.test(version.text() ?? "")) {
      version.decline("upstreams are spoken to in HTTP/1.1");
    }
    const policy = from.at("DownstreamHttpVersionPolicy");
    if (!isUnset(policy) && !/lower|exact/i.test(policy.text() ?? ""))
      policy.decline("upstreams are spoken to in HTTP/1.1");
  }
  const blind = route.at("DangerousAcceptAnyServerCertificateValidator");
  const global = globals.at("DangerousAcceptAnyServerCertificateValidator");
  const on = isUnset(blind) ? !isUnset(global) && global.boolean() === true : blind.boolean() === true;
  declineSet(route.at("DownstreamHostHeader"), "write upstream_host");
  return on ? { upstream_tls: { verify: false } } : {};
}
