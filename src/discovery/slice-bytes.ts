import {
  afterList,
  afterObject,
  afterPlainString,
  afterValue,
  type Item,
  isText,
  type Member,
  UNSURE,
} from "../kubernetes/json-bytes.ts";
import type { ByteReader } from "../kubernetes/types.ts";
import {
  type DecoderOptions,
  isAddressAt,
  NO_NOTES,
  readHints,
  readPorts,
  SERVICE_NAME_LABEL,
  WEIGHT,
} from "./object-reader.ts";
import { createPackedBytes, type EndpointSpans, type PackedBytes } from "./packed-bytes.ts";
import { type PortList, READY, SERVING, type SlicePort, type SliceRecord, TERMINATING } from "./slice-record.ts";

/*
 * EndpointSlices straight from the bytes of their JSON: nothing is made but what is kept, which costs a third of
 * `JSON.parse` and the decoder of objects. What is not the plain case is left to those two.
 */

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

const KIND = bytesOf("kind");
const METADATA = bytesOf("metadata");
const ADDRESS_TYPE = bytesOf("addressType");
const ENDPOINTS = bytesOf("endpoints");
const PORTS = bytesOf("ports");
const NAME = bytesOf("name");
const NAMESPACE = bytesOf("namespace");
const VERSION = bytesOf("resourceVersion");
const LABELS = bytesOf("labels");
const ANNOTATIONS = bytesOf("annotations");
const SERVICE = bytesOf(SERVICE_NAME_LABEL);
const WEIGHT_KEY = bytesOf(WEIGHT);
const ADDRESSES = bytesOf("addresses");
const CONDITIONS = bytesOf("conditions");
const TARGET = bytesOf("targetRef");
const ZONE = bytesOf("zone");
const HINTS = bytesOf("hints");
const TOPOLOGY = bytesOf("topology");
const OLD_TOPOLOGY = bytesOf("deprecatedTopology");
const UID = bytesOf("uid");
const READY_KEY = bytesOf("ready");
const SERVING_KEY = bytesOf("serving");
const TERMINATING_KEY = bytesOf("terminating");

const SLICE = bytesOf("EndpointSlice");
const FQDN = bytesOf("FQDN");
const POD = bytesOf("Pod");

const TRUE = 0x74;
const NULL = 0x6e;

/** Where the parts of one slice stand: from, to; both 0 for what is not there. Used again for every slice. */
interface Walk extends EndpointSpans {
  nameFrom: number;
  nameTo: number;
  namespaceFrom: number;
  namespaceTo: number;
  versionFrom: number;
  versionTo: number;
  serviceFrom: number;
  serviceTo: number;
  portsFrom: number;
  portsTo: number;
  /** Objects that may stand only once: a second one would replace the first as a whole. */
  metadata: number;
  endpoints: number;
  once: number;
  /** Of the endpoint at hand: undefined is "unknown". */
  ready: boolean | undefined;
  serving: boolean | undefined;
  terminating: boolean | undefined;
  usable: number;
  readonly packed: PackedBytes;
  readonly hintTexts: Map<string, string | undefined>;
}

const decoder = new TextDecoder();
const textAt = (bytes: Uint8Array, from: number, to: number): string => decoder.decode(bytes.subarray(from, to));

/** A boolean or null; UNSURE is told by the returned end. */
const flagAt = (bytes: Uint8Array, at: number): boolean | undefined =>
  bytes[at] === NULL ? undefined : bytes[at] === TRUE;
const isFlag = (byte: number | undefined): boolean => byte === TRUE || byte === 0x66 || byte === NULL;

const condition: Member<Walk> = (walk, bytes, from, to, value) => {
  if (!isFlag(bytes[value])) return UNSURE;
  if (isText(bytes, from, to, READY_KEY)) walk.ready = flagAt(bytes, value);
  else if (isText(bytes, from, to, SERVING_KEY)) walk.serving = flagAt(bytes, value);
  else if (isText(bytes, from, to, TERMINATING_KEY)) walk.terminating = flagAt(bytes, value);
  return afterValue(bytes, value);
};

const target: Member<Walk> = (walk, bytes, from, to, value) => {
  const end = afterPlainString(bytes, value);
  if (end === UNSURE) return UNSURE;
  if (isText(bytes, from, to, NAME)) {
    walk.podFrom = value + 1;
    walk.podTo = end - 1;
  } else if (isText(bytes, from, to, UID)) {
    walk.uidFrom = value + 1;
    walk.uidTo = end - 1;
  } else if (isText(bytes, from, to, NAMESPACE)) {
    walk.podNamespaceFrom = value + 1;
    walk.podNamespaceTo = end - 1;
  } else if (isText(bytes, from, to, KIND) && !isText(bytes, value + 1, end - 1, POD)) return UNSURE;
  return end;
};

const address: Item<Walk> = (walk, bytes, at) => {
  const end = afterPlainString(bytes, at);
  // Several addresses of one endpoint are allowed and never seen.
  if (end === UNSURE || walk.hostTo !== 0 || !isAddressAt(bytes, at + 1, end - 1)) return UNSURE;
  walk.hostFrom = at + 1;
  walk.hostTo = end - 1;
  return end;
};

/** Each of these objects may come once: the second would replace the first, what it lacks included. */
const first = (walk: Walk, bit: number): boolean => {
  if ((walk.once & bit) !== 0) return false;
  walk.once |= bit;
  return true;
};

const hints = (walk: Walk, bytes: Uint8Array, at: number): number => {
  const end = afterValue(bytes, at);
  if (end === UNSURE) return UNSURE;
  const text = textAt(bytes, at, end);
  // Positions in what is packed are both bytes and characters.
  if (!/^[ -~]*$/.test(text)) return UNSURE;
  if (!walk.hintTexts.has(text)) {
    // Three zones have seven combinations; a cluster that makes up more gets no memory for it.
    if (walk.hintTexts.size > 1000) walk.hintTexts.clear();
    const zones = readHints(JSON.parse(text));
    walk.hintTexts.set(text, zones && JSON.stringify(zones));
  }
  walk.hints = walk.hintTexts.get(text);
  return end;
};

const endpointField: Member<Walk> = (walk, bytes, from, to, value) => {
  if (isText(bytes, from, to, ADDRESSES)) {
    return first(walk, 1) ? afterList(bytes, value, walk, address) : UNSURE;
  }
  if (isText(bytes, from, to, CONDITIONS)) {
    return first(walk, 2) ? afterObject(bytes, value, walk, condition) : UNSURE;
  }
  if (isText(bytes, from, to, TARGET)) return first(walk, 4) ? afterObject(bytes, value, walk, target) : UNSURE;
  if (isText(bytes, from, to, ZONE)) {
    const end = afterPlainString(bytes, value);
    walk.zoneFrom = value + 1;
    walk.zoneTo = end - 1;
    return end;
  }
  if (isText(bytes, from, to, HINTS)) return hints(walk, bytes, value);
  if (isText(bytes, from, to, TOPOLOGY) || isText(bytes, from, to, OLD_TOPOLOGY)) return UNSURE;
  return afterValue(bytes, value);
};

const endpoint: Item<Walk> = (walk, bytes, at) => {
  walk.hostFrom = walk.hostTo = walk.uidFrom = walk.uidTo = walk.podFrom = walk.podTo = 0;
  walk.podNamespaceFrom = walk.podNamespaceTo = walk.zoneFrom = walk.zoneTo = walk.once = 0;
  walk.ready = walk.serving = walk.terminating = walk.hints = undefined;
  const end = afterObject(bytes, at, walk, endpointField);
  if (end === UNSURE || walk.hostTo === 0) return UNSURE;
  // Without a namespace of its own a target is in the slice's, which may not have been seen yet.
  if (walk.podTo > walk.podFrom && walk.podNamespaceTo === walk.podNamespaceFrom) return UNSURE;
  const ready = walk.ready !== false;
  const serving = walk.serving ?? ready;
  const terminating = walk.terminating === true;
  walk.flags = (ready ? READY : 0) | (serving ? SERVING : 0) | (terminating ? TERMINATING : 0);
  if (ready || (serving && terminating)) walk.usable++;
  walk.packed.add(bytes, walk);
  return end;
};

const label: Member<Walk> = (walk, bytes, from, to, value) => {
  const end = afterPlainString(bytes, value);
  if (isText(bytes, from, to, SERVICE)) {
    walk.serviceFrom = value + 1;
    walk.serviceTo = end - 1;
  }
  return end;
};

const annotation: Member<Walk> = (_walk, bytes, from, to, value) =>
  isText(bytes, from, to, WEIGHT_KEY) ? UNSURE : afterValue(bytes, value);

const metaField: Member<Walk> = (walk, bytes, from, to, value) => {
  if (isText(bytes, from, to, LABELS)) {
    return walk.serviceTo === 0 ? afterObject(bytes, value, walk, label) : UNSURE;
  }
  if (isText(bytes, from, to, ANNOTATIONS)) return afterObject(bytes, value, walk, annotation);
  const name = isText(bytes, from, to, NAME);
  const namespace = isText(bytes, from, to, NAMESPACE);
  const version = isText(bytes, from, to, VERSION);
  if (!name && !namespace && !version) return afterValue(bytes, value);
  const end = afterPlainString(bytes, value);
  if (name) {
    walk.nameFrom = value + 1;
    walk.nameTo = end - 1;
  } else if (namespace) {
    walk.namespaceFrom = value + 1;
    walk.namespaceTo = end - 1;
  } else {
    walk.versionFrom = value + 1;
    walk.versionTo = end - 1;
  }
  return end;
};

const sliceField: Member<Walk> = (walk, bytes, from, to, value) => {
  if (isText(bytes, from, to, METADATA)) {
    return walk.metadata++ === 0 ? afterObject(bytes, value, walk, metaField) : UNSURE;
  }
  if (isText(bytes, from, to, ENDPOINTS)) {
    return walk.endpoints++ === 0 ? afterList(bytes, value, walk, endpoint) : UNSURE;
  }
  if (isText(bytes, from, to, PORTS)) {
    walk.portsFrom = value;
    walk.portsTo = afterValue(bytes, value);
    return walk.portsTo;
  }
  const isKind = isText(bytes, from, to, KIND);
  if (!isKind && !isText(bytes, from, to, ADDRESS_TYPE)) return afterValue(bytes, value);
  const end = afterPlainString(bytes, value);
  if (end === UNSURE) return UNSURE;
  const plain = isKind ? isText(bytes, value + 1, end - 1, SLICE) : !isText(bytes, value + 1, end - 1, FQDN);
  return plain ? end : UNSURE;
};

const createWalk = (): Walk => ({
  hostFrom: 0,
  hostTo: 0,
  flags: 0,
  uidFrom: 0,
  uidTo: 0,
  podFrom: 0,
  podTo: 0,
  podNamespaceFrom: 0,
  podNamespaceTo: 0,
  zoneFrom: 0,
  zoneTo: 0,
  hints: undefined,
  nameFrom: 0,
  nameTo: 0,
  namespaceFrom: 0,
  namespaceTo: 0,
  versionFrom: 0,
  versionTo: 0,
  serviceFrom: 0,
  serviceTo: 0,
  portsFrom: 0,
  portsTo: 0,
  metadata: 0,
  endpoints: 0,
  once: 0,
  ready: undefined,
  serving: undefined,
  terminating: undefined,
  usable: 0,
  packed: createPackedBytes(),
  hintTexts: new Map(),
});

const restart = (walk: Walk): void => {
  walk.nameFrom = walk.nameTo = walk.namespaceFrom = walk.namespaceTo = walk.versionFrom = walk.versionTo = 0;
  walk.serviceFrom = walk.serviceTo = walk.portsFrom = walk.portsTo = walk.metadata = walk.endpoints = walk.usable = 0;
  walk.packed.begin();
};

/** The ports of a JSON list; undefined: there is something to be said about them. */
function plainPorts(text: string, intern: (ports: readonly SlicePort[]) => PortList): PortList | undefined {
  const notes: string[] = [];
  try {
    const ports = intern(readPorts(JSON.parse(text), "ports", notes));
    return notes.length === 0 ? ports : undefined;
  } catch {
    return undefined;
  }
}

/** Different port lists looked for first, as bytes: most clusters have no more. */
const RECENT = 16;

/** Ports as they stand in the JSON are few different texts: the lists are shared with those of the object decoder. */
function createPortReader(intern: (ports: readonly SlicePort[]) => PortList) {
  const recent: { readonly bytes: Uint8Array; readonly ports: PortList }[] = [];
  return (bytes: Uint8Array, from: number, to: number): PortList | undefined => {
    for (const known of recent) if (isText(bytes, from, to, known.bytes)) return known.ports;
    const ports = plainPorts(textAt(bytes, from, to), intern);
    if (ports === undefined) return undefined;
    recent.unshift({ bytes: bytes.slice(from, to), ports });
    if (recent.length > RECENT) recent.pop();
    return ports;
  };
}

/** Reads a slice where its bytes are the plain case; `intern` is the object decoder's. */
export function sliceByteReader(
  { keepNamespace }: DecoderOptions,
  intern: (ports: readonly SlicePort[]) => PortList,
): ByteReader<SliceRecord> {
  const walk = createWalk();
  const portsOf = createPortReader(intern);
  return (bytes, at) => {
    restart(walk);
    const end = afterObject(bytes, at, walk, sliceField);
    if (end === UNSURE) return undefined;
    if (walk.nameTo <= walk.nameFrom || walk.namespaceTo <= walk.namespaceFrom) return undefined;
    if (walk.serviceTo <= walk.serviceFrom || walk.versionTo <= walk.versionFrom) return undefined;
    if (walk.portsTo === 0 || walk.endpoints === 0) return undefined;
    const { packed } = walk;
    const packedTo = packed.close();
    const namespaceAt = packed.aside(bytes, walk.namespaceFrom, walk.namespaceTo);
    const nameAt = packed.aside(bytes, walk.nameFrom, walk.nameTo);
    const versionAt = packed.aside(bytes, walk.versionFrom, walk.versionTo);
    const serviceAt = packed.aside(bytes, walk.serviceFrom, walk.serviceTo);
    const text = packed.end();
    const namespace = text.slice(namespaceAt, nameAt);
    const name = text.slice(nameAt, versionAt);
    const resourceVersion = text.slice(versionAt, serviceAt);
    if (!keepNamespace(namespace)) return { namespace, name, resourceVersion, item: undefined, end };
    const ports = portsOf(bytes, walk.portsFrom, walk.portsTo);
    if (ports === undefined) return undefined;
    const item: SliceRecord = {
      namespace,
      name,
      service: text.slice(serviceAt),
      resourceVersion,
      groups: [{ ports, packed: text.slice(0, packedTo) }],
      usable: walk.usable,
      weight: undefined,
      truncated: false,
      notes: NO_NOTES,
    };
    return { namespace, name, resourceVersion, item, end };
  };
}
