import type { Cluster } from "./cluster.ts";
import type { SliceRecord } from "./records/slice-record.ts";
import {
  type Assessed,
  assess,
  choosePort,
  chosen,
  describePorts,
  portKeys,
  portsTaken,
  type WantedPort,
} from "./resolve/select.ts";
import { createUpstream } from "./resolve/upstream.ts";
import type { ServiceEntry } from "./store/snapshot.ts";
import type { EmptyReason, Node, ServiceReference } from "./types.ts";
import type { Dump, NodeDetail, NodesAnswer, PortAnswer } from "./views.ts";

/** What the admin API shows of services: worked out when asked for, from the same decisions as the routes'. */

const toNode = ({ endpoint, port, weight }: Assessed): Node => ({ host: endpoint.host, port, weight });

function toDetail(item: Assessed): NodeDetail {
  const { slice, endpoint, excluded, behind } = item;
  const { ready, serving, terminating, zone, pod, uid, hints } = endpoint;
  return {
    ...toNode(item),
    slice: slice.name,
    resourceVersion: slice.resourceVersion,
    conditions: { ready, serving, terminating },
    ...(zone === "" ? {} : { zone }),
    ...(pod === "" ? {} : { pod }),
    ...(uid === "" ? {} : { uid }),
    ...(hints === undefined ? {} : { hints }),
    ...(excluded === undefined ? {} : { excluded }),
    ...(behind === undefined ? {} : { behind }),
  };
}

/** A service of a cluster, and the port that is asked for. */
export interface ServiceTarget {
  readonly cluster: Cluster;
  readonly reference: ServiceReference;
  readonly wanted: WantedPort;
}

/** What decisions are about: while `empty_grace` runs, what the service had before. */
function slicesOf(cluster: Cluster, entry: ServiceEntry): readonly SliceRecord[] {
  const grace = entry.last !== undefined && cluster.clock.now() < entry.last.until;
  return grace ? entry.last!.slices : entry.slices;
}

/** The decisions about one port of a service. */
function assessEntry(cluster: Cluster, entry: ServiceEntry, wanted: WantedPort): Assessed[] {
  const slices = slicesOf(cluster, entry);
  const choice = choosePort(slices, entry.service, wanted);
  return choice === undefined ? [] : assess(slices, choice.takes, cluster.selection);
}

function answerPort({ cluster, reference, wanted }: ServiceTarget, entry: ServiceEntry): PortAnswer {
  const slices = slicesOf(cluster, entry);
  const choice = choosePort(slices, entry.service, wanted);
  const from = { port: reference.port === undefined ? "port_name" : "reference", scheme: "scheme", first: "nowhere" };
  return {
    asked: wanted.by === "first" ? null : wanted.text,
    from: from[wanted.by] as PortAnswer["from"],
    by: choice?.by ?? null,
    ports: choice === undefined ? [] : portsTaken(slices, choice).map(({ name, port }) => ({ name, port })),
    exist: describePorts(slices),
  };
}

/** Why there are no nodes, as an answer shows it. */
export const describeReason = ({ code, detail, available }: EmptyReason) => ({
  code,
  reason: detail,
  ...(available && { available }),
});

/** The answer of `nodes(REF)`. */
export function answerNodes(service: string, target: ServiceTarget, verbose: boolean): NodesAnswer {
  const { cluster, reference, wanted } = target;
  const upstream = createUpstream(cluster, reference, wanted);
  const reason = upstream.reason();
  const why = reason === undefined ? {} : describeReason(reason);
  if (!verbose) {
    const nodes = upstream.endpoints().map(({ host, port, weight }) => ({ host, port, weight }));
    return { service, nodes, ...why };
  }
  const entry = cluster.reader.get(`${reference.namespace}/${reference.name}`);
  const items = entry === undefined ? [] : assessEntry(cluster, entry, wanted);
  const used = reason === undefined ? chosen(items) : [];
  const left = cluster.status().skipped?.objects.filter(({ namespace }) => namespace === reference.namespace) ?? [];
  const notes = [
    ...(entry?.slices.flatMap((slice) => slice.notes.map((note) => `${slice.name}: ${note}`)) ?? []),
    ...left.map(({ name, why }) => `${name || "an object"} of this namespace is left out: ${why}`),
  ];
  return {
    service,
    nodes: used.map(toDetail),
    ...why,
    ...(entry === undefined || entry.slices.length === 0 ? {} : { port: answerPort(target, entry) }),
    excluded: items.filter((item) => !used.includes(item)).map(toDetail),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/** A cluster's services in the shape of APISIX's dump: nodes by port name, or by number where it has no name. */
export function dumpServices(cluster: Cluster): Dump["endpoints"][number]["endpoints"] {
  const dumped: { name: string; value: string }[] = [];
  for (const entry of cluster.reader.entries()) {
    if (entry.slices.length === 0) continue;
    const ports: Record<string, Node[]> = {};
    for (const text of portKeys(entry.slices)) {
      ports[text] = chosen(assessEntry(cluster, entry, { by: "port", text })).map(toNode);
    }
    dumped.push({ name: `${entry.namespace}/${entry.name}`, value: JSON.stringify(ports) });
  }
  return dumped.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
