import {
  afterList,
  afterObject,
  afterPlainString,
  afterValue,
  isText,
  type MemberReader,
  UNSURE,
} from "../../kubernetes/json-bytes.ts";
import type { ByteReader } from "../../kubernetes/types.ts";
import { bytesOf, decodeRange, EndpointWalk, endpoint } from "./endpoint-bytes.ts";
import { createNotes, type DecoderOptions, NO_NOTES, readPorts, SERVICE_NAME_LABEL, WEIGHT } from "./object-reader.ts";
import type { PortList, SlicePort, SliceRecord } from "./slice-record.ts";

/*
 * EndpointSlices straight from the bytes of their JSON: nothing is made but what is kept, which costs a third of
 * `JSON.parse` and the decoder of objects. What is not the plain case is left to those two.
 */

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

const SLICE = bytesOf("EndpointSlice");
const FQDN = bytesOf("FQDN");

/** Where the parts of one slice stand: from, to; both 0 for what is not there. Used again for every slice. */
class Walk extends EndpointWalk {
  nameFrom = 0;
  nameTo = 0;
  namespaceFrom = 0;
  namespaceTo = 0;
  versionFrom = 0;
  versionTo = 0;
  serviceFrom = 0;
  serviceTo = 0;
  portsFrom = 0;
  portsTo = 0;
  /** How often these came: a second one would replace the first as a whole. */
  metadata = 0;
  endpoints = 0;
}

const label: MemberReader<Walk> = (walk, bytes, from, to, value) => {
  const end = afterPlainString(bytes, value);
  if (isText(bytes, from, to, SERVICE)) {
    walk.serviceFrom = value + 1;
    walk.serviceTo = end - 1;
  }
  return end;
};

const annotation: MemberReader<Walk> = (_walk, bytes, from, to, value) =>
  isText(bytes, from, to, WEIGHT_KEY) ? UNSURE : afterValue(bytes, value);

const metaField: MemberReader<Walk> = (walk, bytes, from, to, value) => {
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

const sliceField: MemberReader<Walk> = (walk, bytes, from, to, value) => {
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

const restart = (walk: Walk): void => {
  walk.nameFrom = walk.nameTo = walk.namespaceFrom = walk.namespaceTo = walk.versionFrom = walk.versionTo = 0;
  walk.serviceFrom = walk.serviceTo = walk.portsFrom = walk.portsTo = walk.metadata = walk.endpoints = walk.usable = 0;
  walk.packed.begin();
};

/** The ports of a JSON list; undefined: there would be a note about them. */
function plainPorts(text: string, intern: (ports: readonly SlicePort[]) => PortList): PortList | undefined {
  const notes = createNotes();
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) return undefined;
  const ports = intern(readPorts(list, notes));
  return notes.list().length === 0 ? ports : undefined;
}

/** Different port lists looked for first, as bytes: most clusters have no more. */
const RECENT = 16;

/** Ports as they stand in the JSON are few different texts: the lists are shared with those of the object decoder. */
function createPortReader(intern: (ports: readonly SlicePort[]) => PortList) {
  const recent: { readonly bytes: Uint8Array; readonly ports: PortList }[] = [];
  return (bytes: Uint8Array, from: number, to: number): PortList | undefined => {
    for (const known of recent) if (isText(bytes, from, to, known.bytes)) return known.ports;
    const ports = plainPorts(decodeRange(bytes, from, to), intern);
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
  const walk = new Walk();
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
    if (namespace.includes("/") || name.includes("/")) return undefined;
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
