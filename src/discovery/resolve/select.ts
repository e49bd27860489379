import type { SliceEndpoint, SlicePort, SliceRecord } from "../records/slice-record.ts";
import { unpackEndpoints } from "../records/slice-record.ts";
import type { ServiceEntry } from "../store/snapshot.ts";
import type { Endpoint } from "../types.ts";

/** How a cluster's configuration and this gateway's place steer the choice. */
export interface SelectionOptions {
  readonly defaultWeight: number;
  /** Which of a dual-stack pod's addresses is used; `any`: that of the first slice it is in. */
  readonly addressFamily: "any" | "ipv4" | "ipv6";
  /** This gateway's zone. */
  readonly zone: string | undefined;
}

/** Which port is asked for. */
export type WantedPort =
  /** By `:port` or `port_name`: a name or a number. */
  | { readonly by: "port"; readonly text: string }
  /** The port of that name, ignoring case, or else the first. */
  | { readonly by: "scheme"; readonly text: string }
  | { readonly by: "first" };

/** True for the ports of a service that were asked for. */
export type PortRule = (port: SlicePort) => boolean;

const isTcp = (port: SlicePort): boolean => port.protocol === "TCP";

function* portsOf(slices: readonly SliceRecord[]): Iterable<SlicePort> {
  for (const slice of slices) for (const group of slice.groups) yield* group.ports.ports;
}

/** `http`, `8080`, `dns (UDP)`: every port of the slices once, in order. */
export function describePorts(slices: readonly SliceRecord[]): string[] {
  const texts = new Set<string>();
  for (const port of portsOf(slices)) {
    const text = port.name === "" ? String(port.port) : `${port.name} (${port.port})`;
    texts.add(isTcp(port) ? text : `${text} ${port.protocol}`);
  }
  return [...texts];
}

/** By what each TCP port can be asked for: its name, or its number where it has none. */
export function portKeys(slices: readonly SliceRecord[]): Set<string> {
  const keys = new Set<string>();
  for (const port of portsOf(slices)) if (isTcp(port)) keys.add(port.name === "" ? String(port.port) : port.name);
  return keys;
}

/** True when there is a port an HTTP route may use. */
export function hasTcpPort(slices: readonly SliceRecord[]): boolean {
  return [...portsOf(slices)].some(isTcp);
}

/** Which rule found a port: by `:port` or `port_name` in this order, else by the scheme, else the first. */
export type PortMatch = "name" | "unnamed_number" | "service_number" | "named_number" | "scheme" | "first";

/** Which ports are meant, and which rule says so. */
export interface PortChoice {
  readonly by: PortMatch;
  readonly takes: PortRule;
}

function byText(text: string, ports: readonly SlicePort[], service: ServiceEntry["service"]): PortChoice | undefined {
  const orders: PortChoice[] = [{ by: "name", takes: (port) => port.name === text }];
  if (/^[1-9][0-9]{0,4}$/.test(text)) {
    const number = Number(text);
    orders.push({ by: "unnamed_number", takes: (port) => port.name === "" && port.port === number });
    const own = service?.ports.find((port) => port.port === number && port.protocol === "TCP");
    // Kubernetes joins a Service's port to the endpoints' by name; targetPort may be another in each pod.
    if (own !== undefined) orders.push({ by: "service_number", takes: (port) => port.name === own.name });
    orders.push({ by: "named_number", takes: (port) => port.port === number });
  }
  return orders.find(({ takes }) => ports.some(takes));
}

/**
 * Which ports of these slices are meant, in this order: a name; the number of an unnamed port; the
 * Service's own number; the number of a named one. Only TCP ports are ever chosen. undefined: there is no such port.
 */
export function choosePort(
  slices: readonly SliceRecord[],
  service: ServiceEntry["service"],
  wanted: WantedPort,
): PortChoice | undefined {
  const ports = [...portsOf(slices)].filter(isTcp);
  const choose = (): PortChoice | undefined => {
    if (wanted.by === "port") return byText(wanted.text, ports, service);
    if (wanted.by === "scheme") {
      const scheme = wanted.text.toLowerCase();
      const ofScheme: PortRule = (port) => port.name.toLowerCase() === scheme;
      if (ports.some(ofScheme)) return { by: "scheme", takes: ofScheme };
    }
    const first = ports[0];
    return first && { by: "first", takes: (port) => port.name === first.name };
  };
  const choice = choose();
  return choice && { by: choice.by, takes: (port) => isTcp(port) && choice.takes(port) };
}

/** What a choice comes to: the ports once each, as `describePorts` names them. */
export function portsTaken(slices: readonly SliceRecord[], { takes }: PortChoice): SlicePort[] {
  const taken = new Map<string, SlicePort>();
  for (const port of portsOf(slices)) if (takes(port)) taken.set(`${port.name} ${port.port}`, port);
  return [...taken.values()];
}

/** An address with what was decided about it: `excluded` says why it gets no traffic. */
export interface Assessed {
  readonly slice: SliceRecord;
  readonly endpoint: SliceEndpoint;
  readonly port: number;
  readonly weight: number;
  excluded: string | undefined;
  /** Why others come first, though it may get traffic; undefined: none does. */
  behind: string | undefined;
}

const isIpv6 = (host: string): boolean => host.includes(":");

/** `host:port` as it goes into a URL. */
export const addressOf = (host: string, port: number): string =>
  isIpv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

const isReady = (item: Assessed): boolean => item.endpoint.ready;
const stillServes = (item: Assessed): boolean => item.endpoint.serving && item.endpoint.terminating;

/** How much an address is worth: ready, terminating but serving, neither. */
const rank = (item: Assessed): number => (isReady(item) ? 2 : stillServes(item) ? 1 : 0);

/** Excludes all that `keep` does not want, with a reason. */
function exclude(
  items: readonly Assessed[],
  keep: (item: Assessed) => boolean,
  reason: (item: Assessed) => string,
): void {
  for (const item of items) if (item.excluded === undefined && !keep(item)) item.excluded = reason(item);
}

const usedOf = (items: readonly Assessed[]): Assessed[] => items.filter((item) => item.excluded === undefined);

/** The same address and port in several slices is one backend: the best of them counts, else the first. */
function excludeDuplicates(items: readonly Assessed[]): void {
  const best = new Map<string, Assessed>();
  for (const item of items) {
    const address = addressOf(item.endpoint.host, item.port);
    const other = best.get(address);
    if (other === undefined || rank(item) > rank(other)) best.set(address, item);
  }
  exclude(
    items,
    (item) => best.get(addressOf(item.endpoint.host, item.port)) === item,
    () => "the same address and port is in another slice",
  );
}

function excludeUnready(items: readonly Assessed[]): void {
  const used = usedOf(items);
  const keep = used.some(isReady) ? isReady : stillServes;
  exclude(items, keep, ({ endpoint }) => {
    if (!endpoint.terminating) return "not ready";
    return endpoint.serving ? "terminating, and others are ready" : "terminating, and serves no more";
  });
}

/** A pod with addresses of both families is one backend; other addresses stand for themselves. */
function excludeOtherFamily(items: readonly Assessed[], family: SelectionOptions["addressFamily"]): void {
  const podOf = ({ endpoint }: Assessed): string => endpoint.uid || endpoint.pod;
  const families = new Map<string, boolean>();
  for (const item of usedOf(items)) {
    const pod = podOf(item);
    if (pod === "") continue;
    const ipv6 = isIpv6(item.endpoint.host);
    if (!families.has(pod) || (family !== "any" && ipv6 === (family === "ipv6"))) families.set(pod, ipv6);
  }
  exclude(
    items,
    (item) => (families.get(podOf(item)) ?? isIpv6(item.endpoint.host)) === isIpv6(item.endpoint.host),
    (item) => `the pod's ${isIpv6(item.endpoint.host) ? "IPv4" : "IPv6"} address is used`,
  );
}

/**
 * Puts the addresses hinted to this zone first. A zone is a preference: the others stay, for when none of the zone
 * takes traffic. As in kube-proxy, hints count only where every ready endpoint has one and one of them names this zone;
 * and addresses that are used although they terminate are all alike.
 * https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/#safeguards
 */
function preferZone(items: readonly Assessed[], zone: string | undefined): void {
  if (zone === undefined) return;
  const used = usedOf(items);
  const hinted = (item: Assessed): boolean => item.endpoint.hints?.includes(zone) === true;
  if (!used.every((item) => isReady(item) && item.endpoint.hints !== undefined) || !used.some(hinted)) return;
  for (const item of used) {
    if (!hinted(item))
      item.behind = `not hinted to zone ${zone}, and others are: used when none of those takes traffic`;
  }
}

/** Every address of the ports asked for, with the decision about it. The one place where it is decided. */
export function assess(slices: readonly SliceRecord[], rule: PortRule, options: SelectionOptions): Assessed[] {
  const items: Assessed[] = [];
  for (const slice of slices) {
    const weight = slice.weight ?? options.defaultWeight;
    for (const group of slice.groups) {
      const port = group.ports.ports.find(rule)?.port;
      if (port === undefined) continue;
      for (const endpoint of unpackEndpoints(group.packed)) {
        items.push({ slice, endpoint, port, weight, excluded: undefined, behind: undefined });
      }
    }
  }
  excludeDuplicates(items);
  excludeUnready(items);
  excludeOtherFamily(items, options.addressFamily);
  preferZone(items, options.zone);
  return items;
}

const byHostThenPort = (a: Assessed, b: Assessed): number =>
  a.endpoint.host < b.endpoint.host ? -1 : a.endpoint.host > b.endpoint.host ? 1 : a.port - b.port;

/** What gets traffic, sorted by host as text, then port. */
export function chosen(items: readonly Assessed[]): Assessed[] {
  return usedOf(items).sort(byHostThenPort);
}

/** The endpoint readers share. */
export function toEndpoint({ endpoint, port, weight, behind }: Assessed): Endpoint {
  return Object.freeze({
    host: endpoint.host,
    port,
    weight,
    address: addressOf(endpoint.host, port),
    uid: endpoint.uid || undefined,
    pod: endpoint.pod || undefined,
    zone: endpoint.zone || undefined,
    terminating: !endpoint.ready,
    priority: 0,
    preferred: behind === undefined,
  });
}
