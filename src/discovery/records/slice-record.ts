/**
 * What is kept of an Endpoints object or an EndpointSlice: few small things, since a big cluster has 150,000 endpoints
 * and most gateways route to a handful of them. Endpoints stay packed as text until their service is asked for.
 */

/** A port of a slice. The name "" is Kubernetes' way of saying that a service's only port has none. */
export interface SlicePort {
  readonly name: string;
  readonly port: number;
  /** An HTTP route uses TCP only. */
  readonly protocol: string;
}

/** The ports of a group, shared by all groups with the same ones. */
export interface PortList {
  /** Equal texts are equal lists. */
  readonly key: string;
  readonly ports: readonly SlicePort[];
}

/** Endpoints that share their ports: a slice is one group, an Endpoints object has one for each subset. */
export interface EndpointGroup {
  readonly ports: PortList;
  /** See `packEndpoints`. */
  readonly packed: string;
}

/** An Endpoints object or an EndpointSlice, reduced. */
export interface SliceRecord {
  readonly namespace: string;
  /** The object's own name: for EndpointSlices not the service's. */
  readonly name: string;
  readonly service: string;
  readonly resourceVersion: string;
  readonly groups: readonly EndpointGroup[];
  /** How many of its addresses may get traffic, the terminating ones that still serve included. */
  readonly usable: number;
  /** From the annotation `podway.dev/weight`; undefined: the cluster's default. */
  readonly weight: number | undefined;
  /** The control plane left addresses out (Endpoints hold at most 1,000). */
  readonly truncated: boolean;
  /** What was left out of it and why, for people; nearly always the same empty list. */
  readonly notes: readonly string[];
}

/** One address, unpacked. */
export interface SliceEndpoint {
  readonly host: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** "" where the object names no pod, or none with a uid. */
  readonly uid: string;
  /** `namespace/name` of the pod, or "". */
  readonly pod: string;
  readonly zone: string;
  /** Zones it is hinted to; undefined: it has no hint. */
  readonly hints: readonly string[] | undefined;
}

/** An address's conditions in the packed text, added up. */
export const READY = 1;
export const SERVING = 2;
export const TERMINATING = 4;

/** Fields of one address in the packed text. */
const FIELDS = 6;

/** Collects the addresses of a group; `pack` gives the text to keep. */
export interface EndpointPacker {
  add(endpoint: SliceEndpoint): void;
  /** Addresses added so far that may get traffic. */
  readonly usable: number;
  pack(): string;
}

/**
 * One string of about 90 bytes an address, instead of an object and four strings of 270: JSON of a flat array, made and
 * read by the runtime's own code. Equal endpoints in equal order give equal texts.
 */
export function createPacker(): EndpointPacker {
  const flat: (string | number | readonly string[])[] = [];
  let usable = 0;
  return {
    add(endpoint) {
      if (endpoint.ready || (endpoint.serving && endpoint.terminating)) usable++;
      flat.push(
        endpoint.host,
        (endpoint.ready ? READY : 0) | (endpoint.serving ? SERVING : 0) | (endpoint.terminating ? TERMINATING : 0),
        endpoint.uid,
        endpoint.pod,
        endpoint.zone,
        endpoint.hints ?? 0,
      );
    },
    get usable() {
      return usable;
    },
    pack: () => JSON.stringify(flat),
  };
}

/** The addresses of a packed text. */
export function unpackEndpoints(packed: string): SliceEndpoint[] {
  const flat = JSON.parse(packed) as (string | number | readonly string[])[];
  const endpoints: SliceEndpoint[] = [];
  for (let at = 0; at < flat.length; at += FIELDS) {
    const flags = flat[at + 1] as number;
    const hints = flat[at + 5];
    endpoints.push({
      host: flat[at] as string,
      ready: (flags & READY) !== 0,
      serving: (flags & SERVING) !== 0,
      terminating: (flags & TERMINATING) !== 0,
      uid: flat[at + 2] as string,
      pod: flat[at + 3] as string,
      zone: flat[at + 4] as string,
      hints: typeof hints === "object" ? hints : undefined,
    });
  }
  return endpoints;
}

/** True when no reader could tell the two apart; their versions may differ. */
export function sameContent(a: SliceRecord, b: SliceRecord): boolean {
  return (
    a.service === b.service &&
    a.weight === b.weight &&
    a.truncated === b.truncated &&
    a.groups.length === b.groups.length &&
    a.groups.every((group, i) => {
      const other = b.groups[i]!;
      return group.packed === other.packed && group.ports.key === other.ports.key;
    }) &&
    a.notes.length === b.notes.length &&
    a.notes.every((note, i) => note === b.notes[i])
  );
}

/** What a record costs besides its packed text: itself, its name, its place in the maps. Measured, rounded up. */
const RECORD_BYTES = 700;

/** Estimated bytes of heap a record takes. */
export function recordBytes(record: SliceRecord): number {
  return record.groups.reduce((sum, group) => sum + group.packed.length, RECORD_BYTES);
}
