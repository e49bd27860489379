import type { Cluster } from "../cluster.ts";
import type { ServiceEntry } from "../store/snapshot.ts";
import type { EmptyReason, ServiceReference } from "../types.ts";
import { type Assessed, assess, choosePort, describePorts, hasTcpPort, type WantedPort } from "./select.ts";

/** All a client may read: no addresses, no names. */
const OUTWARD: Record<EmptyReason["code"], string> = {
  no_endpoints: "The service has no endpoint that is ready",
  not_synced: "The endpoints of the service are not known yet",
  service_unknown: "The service is not known",
  port_unknown: "The service has no such port",
};

/** A reason, with its text for clients. */
export function emptyReason(code: EmptyReason["code"], detail: string, available?: readonly string[]): EmptyReason {
  return { code, detail, outward: OUTWARD[code], ...(available === undefined ? {} : { available }) };
}

/** Names that are listed; a cluster has thousands. */
const SHOWN = 20;

function firstOf(names: Iterable<string>): { shown: string[]; text: string } {
  const shown: string[] = [];
  let more = 0;
  for (const name of names) {
    if (shown.length < SHOWN) shown.push(name);
    else more++;
  }
  shown.sort();
  return { shown, text: shown.join(", ") + (more === 0 ? "" : ` and ${more} more`) };
}

const objectOf = (cluster: Cluster): string =>
  cluster.config.watch_endpoint_slices ? "EndpointSlice" : "Endpoints object";

/** The selector may be why an object that exists is not seen: that cannot be known here. */
const labelHint = ({ config }: Cluster): string =>
  config.label_selector === undefined ? "" : ` that matches label_selector ${config.label_selector}`;

function unknownService(cluster: Cluster, { namespace, name }: ServiceReference): EmptyReason {
  const { reader } = cluster;
  const what = `no ${objectOf(cluster)} of service ${name} in namespace ${namespace}${labelHint(cluster)}`;
  const here = firstOf(reader.servicesIn(namespace));
  if (here.shown.length > 0) {
    return emptyReason("service_unknown", `${what}; services there: ${here.text}`, here.shown);
  }
  const namespaces = firstOf(reader.namespaces());
  const elsewhere =
    namespaces.text === "" ? "no service is known at all" : `namespaces with services: ${namespaces.text}`;
  return emptyReason("service_unknown", `${what}, nor of any other; ${elsewhere}`, namespaces.shown);
}

const notesOf = (entry: ServiceEntry): string => {
  const notes = new Set(entry.slices.flatMap((slice) => slice.notes.map((note) => `${slice.name}: ${note}`)));
  return notes.size === 0 ? "" : ` (${[...notes].join("; ")})`;
};

function noneChosen(items: readonly Assessed[], entry: ServiceEntry): EmptyReason {
  const count = items.length;
  const notes = notesOf(entry);
  if (count === 0)
    return emptyReason(
      "no_endpoints",
      `the service has no endpoints: it is scaled to zero, or no pod matches it${notes}`,
    );
  const terminating = items.filter(({ endpoint }) => endpoint.terminating).length;
  if (terminating === count) {
    return emptyReason("no_endpoints", `all ${count} endpoints are terminating and serve no more${notes}`);
  }
  const rest = terminating === 0 ? "" : `, ${terminating} of them terminating`;
  return emptyReason("no_endpoints", `none of ${count} endpoints is ready${rest}${notes}`);
}

const describeWanted = (wanted: WantedPort): string => (wanted.by === "first" ? "a port" : `port ${wanted.text}`);

/** Why a service that is known has no nodes on this port. */
export function whyEmpty(cluster: Cluster, entry: ServiceEntry, wanted: WantedPort): EmptyReason {
  const { service, slices } = entry;
  if (service?.type === "ExternalName") {
    const target = service.externalName;
    return emptyReason(
      "no_endpoints",
      `the service is of type ExternalName (${target}): it has no endpoints and cannot be routed to`,
    );
  }
  if (slices.length === 0) {
    return emptyReason("no_endpoints", `the Service exists, but has no ${objectOf(cluster)}${labelHint(cluster)}`);
  }
  const ports = describePorts(slices);
  if (ports.length === 0) return noneChosen([], entry);
  const rule = choosePort(slices, service, wanted)?.takes;
  if (rule === undefined) {
    const own = service?.ports.map((port) => port.port).join(", ");
    const known = own === undefined || own === "" ? "" : `; the Service's own: ${own}`;
    const asNumber = wanted.by === "port" && /^[0-9]+$/.test(wanted.text) && !cluster.config.resolve_service_ports;
    const hint = asNumber ? "; for the Service's own port numbers set resolve_service_ports: true" : "";
    const only = hasTcpPort(slices) ? "" : ", and none of them is TCP";
    return emptyReason(
      "port_unknown",
      `no ${describeWanted(wanted)}; ports: ${ports.join(", ")}${known}${only}${hint}`,
      ports,
    );
  }
  return noneChosen(assess(slices, rule, cluster.selection), entry);
}

/** Why nothing is known of a service. */
export function whyAbsent(cluster: Cluster, reference: ServiceReference): EmptyReason {
  const reason = cluster.guard(reference.namespace, reference.name).unavailable();
  if (reason?.why === "not_synced") return emptyReason("not_synced", reason.detail);
  if (reason?.why === "filtered_out") return emptyReason("service_unknown", reason.detail);
  return unknownService(cluster, reference);
}
