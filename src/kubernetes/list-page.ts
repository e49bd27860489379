import { decode, parseJson } from "./body.ts";
import { InvalidObjectError, shorten } from "./errors.ts";
import {
  afterList,
  afterObject,
  afterPlainString,
  afterValue,
  compacted,
  extentOf,
  type ItemReader,
  isText,
  type MemberReader,
  UNSURE,
} from "./json-bytes.ts";
import { type SkippedObject, skippedObject } from "./skipped-objects.ts";
import type { ByteReader, Collection, ReadObject } from "./types.ts";

/** An object of a page: read from its bytes, or as unchecked JSON, or one that must not even be parsed. */
export type ListItem<T> =
  | { readonly read: ReadObject<T> }
  | { readonly json: unknown }
  | { readonly skipped: SkippedObject };

/** One page of a LIST. */
export interface CollectionPage<T = never> {
  /** In the server's order. */
  readonly items: readonly ListItem<T>[];
  readonly resourceVersion: string;
  /** The token of the next page; undefined: this was the last page. */
  readonly continue: string | undefined;
  /** How many objects are left, where the server says so. */
  readonly remaining: number | undefined;
}

function pageOf(value: unknown, collection: Collection): CollectionPage<never> {
  const list = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const refuse = (text: string): never => {
    throw new InvalidObjectError(text);
  };
  if (list.kind !== collection.listKind) {
    refuse(`the answer is of kind ${shorten(JSON.stringify(list.kind) ?? "(none)", 60)}, not ${collection.listKind}`);
  }
  const metadata = (typeof list.metadata === "object" && list.metadata !== null ? list.metadata : {}) as Record<
    string,
    unknown
  >;
  const { resourceVersion } = metadata;
  if (typeof resourceVersion !== "string" || resourceVersion === "") {
    return refuse("the list has no metadata.resourceVersion");
  }
  // Go writes an empty list as null or []; a list without the key was not made by an apiserver, and must not empty us.
  if (list.items === undefined) return refuse("the list has no items key");
  const items: unknown = list.items ?? [];
  if (!Array.isArray(items)) return refuse("the list's items are not an array");
  const next = metadata.continue;
  return {
    items: items.map((json: unknown) => ({ json })),
    resourceVersion,
    continue: typeof next === "string" && next !== "" ? next : undefined,
    remaining: typeof metadata.remainingItemCount === "number" ? metadata.remainingItemCount : undefined,
  };
}

const encoder = new TextEncoder();
const KIND = encoder.encode("kind");
const METADATA = encoder.encode("metadata");
const ITEMS = encoder.encode("items");
const VERSION = encoder.encode("resourceVersion");
const CONTINUE = encoder.encode("continue");
const REMAINING = encoder.encode("remainingItemCount");

/** What was found of one page. Each of its three parts may come once: a second would replace the first. */
interface Walk<T> {
  readonly read: ByteReader<T> | undefined;
  readonly kind: Uint8Array;
  readonly seen: Set<"kind" | "metadata" | "items">;
  version: string | undefined;
  next: string | undefined;
  remaining: number | undefined;
  readonly items: ListItem<T>[];
}

const metaField: MemberReader<Walk<unknown>> = (walk, bytes, from, to, value) => {
  const end = afterValue(bytes, value);
  if (isText(bytes, from, to, REMAINING)) {
    walk.remaining = Number(decode(bytes.subarray(value, end)));
    return Number.isInteger(walk.remaining) ? end : UNSURE;
  }
  const isVersion = isText(bytes, from, to, VERSION);
  if (!isVersion && !isText(bytes, from, to, CONTINUE)) return end;
  if (afterPlainString(bytes, value) !== end) return UNSURE;
  const text = decode(bytes.subarray(value + 1, end - 1));
  if (isVersion) walk.version = text;
  else walk.next = text;
  return end;
};

const item: ItemReader<Walk<unknown>> = (walk, bytes, at) => {
  const object = walk.read?.(bytes, at);
  if (object !== undefined) {
    walk.items.push({ read: object });
    return object.end;
  }
  const { end, parseable } = extentOf(bytes, at);
  if (!parseable) {
    const error = new InvalidObjectError("it is nested too deeply", "nesting");
    walk.items.push({ skipped: skippedObject(undefined, error) });
    return end;
  }
  try {
    walk.items.push({ json: JSON.parse(decode(bytes.subarray(at, end))) });
    return end;
  } catch {
    return UNSURE;
  }
};

const pageField: MemberReader<Walk<unknown>> = (walk, bytes, from, to, value) => {
  const once = (part: "kind" | "metadata" | "items"): boolean =>
    !walk.seen.has(part) && walk.seen.add(part) !== undefined;
  if (isText(bytes, from, to, ITEMS)) return once("items") ? afterList(bytes, value, walk, item) : UNSURE;
  if (isText(bytes, from, to, METADATA)) return once("metadata") ? afterObject(bytes, value, walk, metaField) : UNSURE;
  const end = afterValue(bytes, value);
  if (!isText(bytes, from, to, KIND)) return end;
  return once("kind") && end !== UNSURE && isText(bytes, value + 1, end - 1, walk.kind) ? end : UNSURE;
};

/** The page, if it is all plain; undefined: `JSON.parse` must tell. */
function walkPage<T>(bytes: Uint8Array, collection: Collection, read?: ByteReader<T>): CollectionPage<T> | undefined {
  const walk: Walk<T> = {
    read,
    kind: encoder.encode(collection.listKind),
    seen: new Set(),
    version: undefined,
    next: undefined,
    remaining: undefined,
    items: [],
  };
  const end = afterObject(bytes, 0, walk as Walk<unknown>, pageField);
  // kube-apiserver ends a list with a newline.
  const whole = end === bytes.length || (end === bytes.length - 1 && bytes[end] === 0x0a);
  if (!whole || walk.seen.size < 3 || !walk.version) return undefined;
  const { items, version, next, remaining } = walk;
  return { items, resourceVersion: version, continue: next || undefined, remaining };
}

/** Reads a page. Throws `InvalidObjectError` for what is none. */
export function readPage<T>(
  bytes: Uint8Array,
  collection: Collection,
  read: ByteReader<T> | undefined,
): CollectionPage<T> {
  const plain = read && walkPage(bytes, collection, read);
  if (plain !== undefined) return plain;
  if (extentOf(bytes, 0).parseable) return pageOf(parseJson(decode(bytes)), collection);
  // Object by object, so that one trap does not keep the others out.
  const rest = walkPage<T>(compacted(bytes), collection);
  if (rest === undefined) throw new InvalidObjectError("the list is nested too deeply", "nesting");
  return rest;
}
