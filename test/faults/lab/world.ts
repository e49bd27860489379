import type { Random } from "../../../src/base/clock.ts";

/**
 * The cluster as schedules describe it: objects short enough to print, the manifests made of them, and what a gateway
 * must make of those. The last part is written from the API's documentation and shares no code with src/.
 */

/** An address of a slice, or of an Endpoints object's subset. */
export interface Address {
  readonly ip: string;
  /** `plain`: without conditions, which means ready. `leaving`: terminating, still serves. `gone`: terminating only. */
  readonly is: "plain" | "ready" | "unready" | "leaving" | "gone";
}

/** One EndpointSlice or Endpoints object. */
export interface Sketch {
  readonly namespace: string;
  readonly name: string;
  /** undefined: it carries no service label (a slice nobody owns). An Endpoints object's own name. */
  readonly service: string | undefined;
  readonly team: "blue" | "red";
  readonly weight: number | undefined;
  /** The port named `http`; undefined: it has none, only the one named `metrics`. */
  readonly http: number | undefined;
  readonly addresses: readonly Address[];
}

export type Kind = "Endpoints" | "EndpointSlice";

export const NAMESPACES: readonly string[] = ["alpha", "beta", "gamma"];
export const SERVICES: readonly string[] = ["web", "api"];

/** Every service a schedule may touch, as `namespace/name`. */
export const ALL_SERVICES: readonly string[] = NAMESPACES.flatMap((ns) => SERVICES.map((name) => `${ns}/${name}`));

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
export const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

const STATES = ["plain", "ready", "ready", "ready", "unready", "leaving", "gone"] as const;

function addresses(random: Random, kind: Kind): Address[] {
  const count = random() < 0.12 ? 0 : between(random, 1, 5);
  const ips = new Set<string>();
  // Few addresses for many slices: some are in two of them, with other conditions.
  while (ips.size < count) ips.add(`10.1.${between(random, 0, 1)}.${between(random, 1, 9)}`);
  return [...ips].map((ip) => ({
    ip,
    is: kind === "Endpoints" ? pick(random, ["ready", "unready"]) : pick(random, STATES),
  }));
}

/** A random object of the kind: new, or a change of one that has the same name. */
export function randomSketch(random: Random, kind: Kind): Sketch {
  const service = pick(random, SERVICES);
  return {
    namespace: pick(random, NAMESPACES),
    // Slices of one name that change their service: the name says nothing about whose it is.
    name: kind === "Endpoints" ? service : `slice-${between(random, 1, 5)}`,
    service: kind === "EndpointSlice" && random() < 0.05 ? undefined : service,
    team: random() < 0.75 ? "blue" : "red",
    weight: random() < 0.2 ? between(random, 0, 9) : undefined,
    http: random() < 0.9 ? pick(random, [8080, 9090]) : undefined,
    addresses: addresses(random, kind),
  };
}

const CONDITIONS = {
  plain: {},
  ready: { ready: true, serving: true, terminating: false },
  unready: { ready: false, serving: false, terminating: false },
  leaving: { ready: false, serving: true, terminating: true },
  gone: { ready: false, serving: false, terminating: true },
} as const;

/** The manifest of a sketch. */
export function manifest(sketch: Sketch, kind: Kind): object {
  const { namespace, name, service, team, weight, http } = sketch;
  const labels: Record<string, string> = { team };
  if (service !== undefined) labels["kubernetes.io/service-name"] = service;
  const annotations = weight === undefined ? undefined : { "podway.dev/weight": String(weight) };
  const metadata = { namespace, name, labels, ...(annotations && { annotations }) };
  const ports = [
    { name: "metrics", port: 9100, protocol: "TCP" },
    ...(http === undefined ? [] : [{ name: "http", port: http, protocol: "TCP" }]),
  ];
  if (kind === "EndpointSlice") {
    const endpoints = sketch.addresses.map(({ ip, is }) => ({ addresses: [ip], conditions: CONDITIONS[is] }));
    return { apiVersion: "discovery.k8s.io/v1", kind, metadata, addressType: "IPv4", ports, endpoints };
  }
  const of = (ready: boolean) =>
    sketch.addresses.filter(({ is }) => (is === "ready") === ready).map(({ ip }) => ({ ip }));
  const subset = {
    ...(of(true).length > 0 && { addresses: of(true) }),
    ...(of(false).length > 0 && { notReadyAddresses: of(false) }),
    ports,
  };
  return { apiVersion: "v1", kind, metadata, subsets: sketch.addresses.length === 0 ? [] : [subset] };
}

interface Port {
  name?: string;
  port: number;
}
/** What of an object the reckoning reads. */
export interface Manifest {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Which objects a gateway's configuration lets it see. */
export type Sees = (object: Manifest) => boolean;

/** `namespace/name` of the service an object belongs to; undefined: to none. */
export function serviceOf(object: Manifest, kind: Kind): string | undefined {
  const { namespace, name, labels } = object.metadata;
  const service = kind === "Endpoints" ? name : labels?.["kubernetes.io/service-name"];
  return service === undefined ? undefined : `${namespace}/${service}`;
}

interface Candidate {
  readonly address: string;
  readonly weight: number;
  /** 2: ready. 1: leaving, still serves. 0: neither. */
  readonly worth: number;
}

function candidates(object: Manifest, kind: Kind, port: string): Candidate[] {
  const weight = Number(object.metadata.annotations?.["podway.dev/weight"] ?? 50);
  const numberIn = (ports: unknown): number | undefined =>
    (ports as Port[] | undefined)?.find(({ name }) => name === port)?.port;
  if (kind === "EndpointSlice") {
    const number = numberIn(object.ports);
    if (number === undefined) return [];
    const endpoints = (object.endpoints ?? []) as { addresses: string[]; conditions?: Record<string, boolean> }[];
    return endpoints.flatMap(({ addresses: hosts, conditions = {} }) => {
      const ready = conditions.ready ?? true;
      const leaving = conditions.terminating === true && (conditions.serving ?? ready);
      return hosts.map((host) => ({ address: `${host}:${number}`, weight, worth: ready ? 2 : leaving ? 1 : 0 }));
    });
  }
  const subsets = (object.subsets ?? []) as {
    addresses?: { ip: string }[];
    notReadyAddresses?: { ip: string }[];
    ports?: Port[];
  }[];
  return subsets.flatMap((subset) => {
    const number = numberIn(subset.ports);
    if (number === undefined) return [];
    const of = (list: { ip: string }[] | undefined, worth: number) =>
      (list ?? []).map(({ ip }) => ({ address: `${ip}:${number}`, weight, worth }));
    return [...of(subset.addresses, 2), ...of(subset.notReadyAddresses, 0)];
  });
}

/** The nodes of one service's objects, as one line of text: `10.1.0.1:8080*50 …`, sorted; "" for none. */
export function reckon(objects: readonly Manifest[], kind: Kind, port = "http"): string {
  const best = new Map<string, Candidate>();
  const byName = [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const candidate of byName.flatMap((object) => candidates(object, kind, port))) {
    const other = best.get(candidate.address);
    if (other === undefined || candidate.worth > other.worth) best.set(candidate.address, candidate);
  }
  const all = [...best.values()];
  const worth = all.some((one) => one.worth === 2) ? 2 : 1;
  return nodesText(all.filter((one) => one.worth === worth));
}

/** Nodes as one line of text, to compare and to print. */
export function nodesText(nodes: readonly { readonly address: string; readonly weight: number }[]): string {
  return nodes
    .map(({ address, weight }) => `${address}*${weight}`)
    .sort()
    .join(" ");
}
