import { canonicalAddress, isAddress as isIpAddress, isIpv6 } from "../../base/addresses.ts";
import { InvalidObjectError, isRecord } from "../../kubernetes/errors.ts";
import type { PortList, SliceEndpoint, SlicePort } from "./slice-record.ts";

/** The parts that Endpoints and EndpointSlices have in common, read without trust: a decoder's input is any JSON. */

type Json = Readonly<Record<string, unknown>>;

/** The value as a JSON object, or undefined. */
export function asObject(value: unknown): Json | undefined {
  return isRecord(value) ? value : undefined;
}

/** The value as a text, or "". */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** An array; empty for null and absent, as Go writes an empty slice. Throws `InvalidObjectError` for the rest. */
export function asList(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new InvalidObjectError(`${what} is not a list`);
}

/** `metadata` as far as discovery reads it. */
export interface ReadMeta {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly labels: Json;
  readonly annotations: Json;
}

/** What was left out of an object, and why: each note once, and so many at most. */
export interface Notes {
  add(text: string): void;
  /** Nearly always the same empty list. */
  list(): readonly string[];
}

/** Notes of one object that are kept. */
const NOTES = 20;

/** No notes yet. */
export function createNotes(): Notes {
  let notes: string[] | undefined;
  return {
    add(text) {
      notes ??= [];
      if (notes.length <= NOTES && !notes.includes(text)) notes.push(notes.length < NOTES ? text : "and more");
    },
    list: () => notes ?? NO_NOTES,
  };
}

/** A list within an object: what is none counts as an empty one, with a note. */
export function noteList(value: unknown, what: string, notes: Notes): readonly unknown[] {
  if (value === undefined || value === null || Array.isArray(value)) return value ?? [];
  notes.add(`${what} are not a list: skipped`);
  return [];
}

/**
 * `metadata` of a namespaced object. Throws `InvalidObjectError` when it has no name or namespace, or one with a slash
 * (which would let two objects share a key), or another kind.
 */
export function readMeta(object: unknown, kind: string): { root: Json; meta: ReadMeta } {
  const root = asObject(object);
  const metadata = asObject(root?.metadata);
  if (root === undefined || metadata === undefined) {
    throw new InvalidObjectError(`an ${kind} without metadata`, "identity");
  }
  // Items of a list carry no kind.
  if (root.kind !== undefined && root.kind !== null && root.kind !== kind) {
    throw new InvalidObjectError(`an object of kind ${JSON.stringify(root.kind).slice(0, 60)}, not ${kind}`, "kind");
  }
  const name = asText(metadata.name);
  const namespace = asText(metadata.namespace);
  if (name === "" || namespace === "") {
    throw new InvalidObjectError(`an ${kind} without a name or a namespace`, "identity");
  }
  if (name.includes("/") || namespace.includes("/")) {
    throw new InvalidObjectError(`an ${kind} whose name or namespace has a slash`, "identity");
  }
  return {
    root,
    meta: {
      namespace,
      name,
      resourceVersion: asText(metadata.resourceVersion),
      labels: asObject(metadata.labels) ?? {},
      annotations: asObject(metadata.annotations) ?? {},
    },
  };
}

/** The label that says whose slice it is. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** The annotation that sets the weight of an object's addresses. */
export const WEIGHT = "podway.dev/weight";

/** The weight an annotation sets, noting one that is no weight. */
export function readWeight(annotations: Json, notes: Notes): number | undefined {
  const text = annotations[WEIGHT];
  if (text === undefined) return undefined;
  if (typeof text === "string" && /^[0-9]{1,6}$/.test(text.trim())) return Number(text);
  notes.add(`annotation ${WEIGHT} is not a whole number from 0 to 999999: ignored`);
  return undefined;
}

const isPort = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;

/** Ports of a subset or a slice; what cannot be a port is left out with a note. */
export function readPorts(list: readonly unknown[], notes: Notes): SlicePort[] {
  const ports: SlicePort[] = [];
  for (const item of list) {
    const port = asObject(item);
    const name = asText(port?.name);
    const shown = JSON.stringify(name.slice(0, 60));
    if (port === undefined) notes.add("an entry of ports is not an object: skipped");
    else if (port.port === undefined || port.port === null) {
      notes.add(`port ${shown} has no number (it means all ports): skipped`);
    } else if (isPort(port.port)) {
      ports.push({ name, port: port.port, protocol: asText(port.protocol) || "TCP" });
    } else {
      notes.add(`port ${shown} is ${JSON.stringify(port.port).slice(0, 60)}, not a number from 1 to 65535: skipped`);
    }
  }
  return ports;
}

/**
 * An IP address in its one canonical form, so that equal addresses are equal texts; undefined: it is none. An IPv4
 * number with a leading zero is none: a URL would read it as octal.
 */
export function readAddress(text: unknown): string | undefined {
  return typeof text === "string" && isIpAddress(text) ? canonicalAddress(text) : undefined;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

function isIPv4At(bytes: Uint8Array, from: number, to: number): boolean {
  let dots = 0;
  let digits = 0;
  let value = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (isDigit(byte)) {
      if (digits > 0 && value === 0) return false;
      digits++;
      value = value * 10 + byte - 0x30;
      if (value > 255) return false;
    } else if (byte === 0x2e && digits > 0) {
      dots++;
      digits = 0;
      value = 0;
    } else return false;
  }
  return dots === 3 && digits > 0;
}

/** The longest text of an IPv6 address in canonical form. */
const IPV6_LENGTH = 39;

function isIPv6At(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > IPV6_LENGTH) return false;
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
  return isIpv6(text) && canonicalAddress(text) === text;
}

/** True for the bytes of an IP address in its canonical form. */
export function isAddressAt(bytes: Uint8Array, from: number, to: number): boolean {
  return isIPv4At(bytes, from, to) || isIPv6At(bytes, from, to);
}

/** The pod a `targetRef` names. */
export function readTarget(value: unknown, namespace: string): Pick<SliceEndpoint, "uid" | "pod"> {
  const target = asObject(value);
  if (target === undefined) return { uid: "", pod: "" };
  const name = asText(target.name);
  const isPod = name !== "" && (target.kind === undefined || target.kind === "Pod");
  return { uid: asText(target.uid), pod: isPod ? `${asText(target.namespace) || namespace}/${name}` : "" };
}

/** The zones an endpoint is hinted to; undefined: it has no hint. */
export function readHints(value: unknown): readonly string[] | undefined {
  const zones = asObject(value)?.forZones;
  if (!Array.isArray(zones)) return undefined;
  const names = zones.map((zone) => asText(asObject(zone)?.name)).filter((name) => name !== "");
  return names.length === 0 ? undefined : names;
}

/** Most clusters have a few dozen different port lists; a cluster that makes up more gets no memory for it. */
const PORT_LISTS = 4096;

/** Gives equal lists of ports one shared object. */
export function createPortInterner(): (ports: readonly SlicePort[]) => PortList {
  const known = new Map<string, PortList>();
  return (ports) => {
    let key = "";
    // Quoted: a name may hold whatever else stands between two ports.
    for (const { name, port, protocol } of ports) key += `${JSON.stringify(name)}:${port}/${JSON.stringify(protocol)},`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= PORT_LISTS) known.clear();
    const list = { key, ports };
    known.set(key, list);
    return list;
  };
}

/** What both decoders are made with. */
export interface DecoderOptions {
  /** False for a namespace that a selector of ours leaves out: its objects decode to undefined. */
  readonly keepNamespace: (namespace: string) => boolean;
}

/** Nearly every record has none: they share this one. */
export const NO_NOTES: readonly string[] = [];
