import type { Cluster } from "./cluster.ts";
import { unpackEndpoints } from "./records/slice-record.ts";
import { describePorts, portKeys } from "./resolve/select.ts";
import type { ServiceEntry, SnapshotReader } from "./store/snapshot.ts";

/** A page of the services of all clusters. */
export interface ServicesQuery {
  /** Words, each of which must be in `[id/]namespace/name`; case does not matter. "": all services. */
  readonly search: string;
  readonly offset: number;
  readonly limit: number;
}

/** A service in a list. */
export interface ServiceSummary {
  /** "" in single-cluster mode. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** `[id/]namespace/name`, as `nodes` takes it. */
  readonly reference: string;
  /** `http (8080)`: every port once. */
  readonly ports: readonly string[];
  /** What goes after the reference's colon: the name of each TCP port, or its number. */
  readonly portKeys: readonly string[];
  /** Addresses, whatever their ports. */
  readonly addresses: { readonly ready: number; readonly terminating: number; readonly unready: number };
}

/** The answer to a `ServicesQuery`. */
export interface ServicesPage {
  /** Services there are. */
  readonly total: number;
  /** Services that the search found. */
  readonly found: number;
  readonly services: readonly ServiceSummary[];
}

type Known = Pick<ServiceSummary, "ports" | "portKeys" | "addresses"> & { readonly version: number };

/** Worked out when a page first shows a service, and again when it has changed. */
const summaries = new WeakMap<ServiceEntry, Known>();

function countAddresses(entry: ServiceEntry): ServiceSummary["addresses"] {
  const best = new Map<string, keyof ServiceSummary["addresses"]>();
  for (const slice of entry.slices) {
    for (const group of slice.groups) {
      for (const { host, ready, serving, terminating } of unpackEndpoints(group.packed)) {
        if (ready) best.set(host, "ready");
        else if (!best.has(host)) best.set(host, terminating && serving ? "terminating" : "unready");
      }
    }
  }
  const counts = { ready: 0, terminating: 0, unready: 0 };
  for (const condition of best.values()) counts[condition]++;
  return counts;
}

function known(entry: ServiceEntry): Known {
  const before = summaries.get(entry);
  if (before !== undefined && before.version === entry.version) return before;
  const { slices, version } = entry;
  const now = {
    version,
    ports: describePorts(slices),
    portKeys: [...portKeys(slices)],
    addresses: countAddresses(entry),
  };
  summaries.set(entry, now);
  return now;
}

/** A service under its name, ready to be searched for. */
interface Named {
  readonly name: string;
  readonly lower: string;
  readonly entry: ServiceEntry;
}

/** The services of each cluster in order. Built again when one comes or goes, not when one changes. */
const indexes = new WeakMap<SnapshotReader, { readonly membership: number; readonly names: readonly Named[] }>();

function indexOf(reader: SnapshotReader): readonly Named[] {
  const membership = reader.membership();
  const before = indexes.get(reader);
  if (before?.membership === membership) return before.names;
  const names = Array.from(reader.entries(), (entry) => {
    const name = `${entry.namespace}/${entry.name}`;
    return { name, lower: name.toLowerCase(), entry };
  }).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  indexes.set(reader, { membership, names });
  return names;
}

/**
 * Finds services by name, sorted by cluster (in the given order), namespace and name. Only what is on the page is
 * summarized, so that a page of 10,000 services costs a millisecond.
 */
export function listServices(clusters: readonly Cluster[], multi: boolean, query: ServicesQuery): ServicesPage {
  const words = query.search.toLowerCase().split(/\s+/).filter(Boolean);
  const end = query.offset + query.limit;
  let total = 0;
  let found = 0;
  const services: ServiceSummary[] = [];
  for (const { id, reader } of clusters) {
    const prefix = multi ? `${id}/` : "";
    const wanted = words.filter((word) => !prefix.includes(word));
    for (const { name, lower, entry } of indexOf(reader)) {
      if (entry.slices.length === 0) continue;
      total++;
      if (!wanted.every((word) => lower.includes(word) || (multi && (prefix + lower).includes(word)))) continue;
      if (found >= query.offset && found < end) {
        const { ports, portKeys, addresses } = known(entry);
        const { namespace } = entry;
        services.push({
          cluster: id,
          namespace,
          name: entry.name,
          reference: prefix + name,
          ports,
          portKeys,
          addresses,
        });
      }
      found++;
    }
  }
  return { total, found, services };
}
