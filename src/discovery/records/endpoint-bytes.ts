import {
  afterList,
  afterObject,
  afterPlainString,
  afterValue,
  type ItemReader,
  isText,
  type MemberReader,
  UNSURE,
} from "../../kubernetes/json-bytes.ts";
import { isAddressAt, readHints } from "./object-reader.ts";
import { createPackedBytes, type EndpointSpans, type PackedBytes } from "./packed-bytes.ts";
import { READY, SERVING, TERMINATING } from "./slice-record.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text's bytes, to compare with. */
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** The text of a part of some bytes. */
export const decodeRange = (bytes: Uint8Array, from: number, to: number): string =>
  decoder.decode(bytes.subarray(from, to));

const NAME = bytesOf("name");
const NAMESPACE = bytesOf("namespace");
const KIND = bytesOf("kind");
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
const POD = bytesOf("Pod");

const TRUE = 0x74;
const NULL = 0x6e;

/** A walk over the endpoints of a slice: what was found of the one at hand, and what is kept of all. */
export class EndpointWalk implements EndpointSpans {
  hostFrom = 0;
  hostTo = 0;
  flags = 0;
  uidFrom = 0;
  uidTo = 0;
  podFrom = 0;
  podTo = 0;
  podNamespaceFrom = 0;
  podNamespaceTo = 0;
  zoneFrom = 0;
  zoneTo = 0;
  hints: string | undefined = undefined;
  /** Which objects of the endpoint came already. */
  once = 0;
  /** undefined is "unknown". */
  ready: boolean | undefined = undefined;
  serving: boolean | undefined = undefined;
  terminating: boolean | undefined = undefined;
  /** Of all: how many may get traffic. */
  usable = 0;
  readonly packed: PackedBytes = createPackedBytes();
  /** Zones by the JSON they were written as. */
  readonly hintTexts: Map<string, string | undefined> = new Map();
}

/** A boolean, or undefined for null. */
const flagAt = (bytes: Uint8Array, at: number): boolean | undefined =>
  bytes[at] === NULL ? undefined : bytes[at] === TRUE;
const isFlag = (byte: number | undefined): boolean => byte === TRUE || byte === 0x66 || byte === NULL;

const condition: MemberReader<EndpointWalk> = (walk, bytes, from, to, value) => {
  if (!isFlag(bytes[value])) return UNSURE;
  if (isText(bytes, from, to, READY_KEY)) walk.ready = flagAt(bytes, value);
  else if (isText(bytes, from, to, SERVING_KEY)) walk.serving = flagAt(bytes, value);
  else if (isText(bytes, from, to, TERMINATING_KEY)) walk.terminating = flagAt(bytes, value);
  return afterValue(bytes, value);
};

const target: MemberReader<EndpointWalk> = (walk, bytes, from, to, value) => {
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

const address: ItemReader<EndpointWalk> = (walk, bytes, at) => {
  const end = afterPlainString(bytes, at);
  // Several addresses of one endpoint are allowed and never seen: there is a note to be made.
  if (end === UNSURE || walk.hostTo !== 0 || !isAddressAt(bytes, at + 1, end - 1)) return UNSURE;
  walk.hostFrom = at + 1;
  walk.hostTo = end - 1;
  return end;
};

/** Each of these objects may come once: the second would replace the first, what it lacks included. */
const first = (walk: EndpointWalk, bit: number): boolean => {
  if ((walk.once & bit) !== 0) return false;
  walk.once |= bit;
  return true;
};

const hints = (walk: EndpointWalk, bytes: Uint8Array, at: number): number => {
  const end = afterValue(bytes, at);
  if (end === UNSURE) return UNSURE;
  const text = decodeRange(bytes, at, end);
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

const endpointField: MemberReader<EndpointWalk> = (walk, bytes, from, to, value) => {
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

/** One item of `endpoints`: adds it to what is packed. */
export const endpoint: ItemReader<EndpointWalk> = (walk, bytes, at) => {
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
