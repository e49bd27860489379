import type { SliceRecord } from "../../src/discovery/records/slice-record.ts";
import type { Decoder } from "../../src/kubernetes/types.ts";

/**
 * What a reader has to make of bytes, read in the plainest way: the whole body at once, split at newlines, each line
 * through JSON.parse. The decoder of objects is the product's own: what is checked here is everything around it.
 */

/** What is held: the record of each object, by `namespace/name`. */
export type Held = Map<string, SliceRecord>;

/** What must have come of it. `either`: the server's own word for an error decides. */
export interface Expected {
  readonly held: Held;
  readonly next: "list" | "watch" | "either" | "page";
  /** The version a watch that follows must start from. */
  readonly version: string;
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const metadataOf = (object: unknown): Json | undefined => {
  const metadata = isObject(object) ? object.metadata : undefined;
  return isObject(metadata) ? metadata : undefined;
};
/** True for what could be an object of a namespace. */
const isNamed = (object: unknown): boolean => {
  const { name, namespace } = metadataOf(object) ?? {};
  return [name, namespace].every((text) => typeof text === "string" && text !== "" && !text.includes("/"));
};
const decimal = /^(?:0|[1-9][0-9]*)$/;

/** True when both are numbers and the first is less. */
const goesBack = (version: string, from: string): boolean =>
  decimal.test(version) && decimal.test(from) && BigInt(version) < BigInt(from);

/** Takes one line in; false: it cannot be one. */
function takeLine(
  line: unknown,
  held: Held,
  state: { version: string },
  decode: Decoder<SliceRecord>,
): boolean | "error" {
  if (!isObject(line)) return false;
  const { type, object } = line;
  if (type === "ERROR") return "error";
  const metadata = metadataOf(object);
  const version = typeof metadata?.resourceVersion === "string" ? metadata.resourceVersion || undefined : undefined;
  if (type === "BOOKMARK") {
    if (version === undefined || goesBack(version, state.version)) return false;
    state.version = version;
    return true;
  }
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") return false;
  if (version !== undefined && goesBack(version, state.version)) return false;
  try {
    const record = type === "DELETED" ? undefined : decode(object);
    const name = metadata?.name;
    if (record !== undefined) held.set(`${record.namespace}/${record.name}`, record);
    else if (typeof name === "string") held.delete(`${metadata?.namespace ?? ""}/${name}`);
  } catch {
    // An object that cannot be read changes nothing, and is no reason to stop.
  }
  state.version = version ?? state.version;
  return true;
}

/** What a watch with this body makes of what was held before. */
export function expectWatch(body: Uint8Array, before: Held, version: string, decode: Decoder<SliceRecord>): Expected {
  const held = new Map(before);
  const state = { version };
  let start = 0;
  for (let end = body.indexOf(10); end !== -1; end = body.indexOf(10, start)) {
    const bytes = body.subarray(start, end);
    start = end + 1;
    if (bytes.length === 0) continue;
    let line: unknown;
    try {
      line = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return { held, next: "list", version: state.version };
    }
    const taken = takeLine(line, held, state, decode);
    if (taken === "error") return { held, next: "either", version: state.version };
    if (!taken) return { held, next: "list", version: state.version };
  }
  return { held, next: "watch", version: state.version };
}

/** What a list with this body makes of an empty reader. */
export function expectList(body: Uint8Array, listKind: string, decode: Decoder<SliceRecord>): Expected {
  const refused: Expected = { held: new Map(), next: "list", version: "" };
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return refused;
  }
  const metadata = metadataOf(list);
  if (!isObject(list) || list.kind !== listKind || metadata === undefined) return refused;
  const version = metadata.resourceVersion;
  // An empty Go slice may be written as null; a list without the key is none.
  const items = list.items === null ? [] : list.items;
  if (typeof version !== "string" || version === "" || !Array.isArray(items)) return refused;
  const held: Held = new Map();
  if (typeof metadata.continue === "string" && metadata.continue !== "")
    return { held: new Map(), next: "page", version };
  if (items.length > 0 && !items.some(isNamed)) return refused;
  for (const item of items) {
    try {
      const record = decode(item);
      if (record !== undefined) held.set(`${record.namespace}/${record.name}`, record);
    } catch {
      // It is left out by itself.
    }
  }
  return { held, next: "watch", version };
}
