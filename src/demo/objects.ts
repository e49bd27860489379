import { apiVersionOf, type Resource } from "./resources.ts";
import type { Json, StoredObject } from "./types.ts";

/** Is it a JSON object (no array, no null)? */
export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value as an array; empty when it is none. */
export const arrayOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The elements that are objects. */
export const objectsOf = (value: unknown): readonly Json[] => arrayOf(value).filter(isObject);

/** Equality of JSON values; the order of keys does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  const others = Object.keys(b).filter((key) => b[key] !== undefined);
  return keys.length === others.length && keys.every((key) => sameJson(a[key], b[key]));
}

/**
 * The text of an object without its kind and apiVersion and without the first brace. Kept: many readers get the same.
 */
const tails = new WeakMap<StoredObject, string>();

function tailOf(object: StoredObject): string {
  let tail = tails.get(object);
  if (tail === undefined) {
    const { kind: _kind, apiVersion: _version, ...rest } = object;
    tail = JSON.stringify(rest).slice(1);
    tails.set(object, tail);
  }
  return tail;
}

/** An object's JSON as an item of a list: real lists of built-in kinds leave kind and apiVersion out. */
export const itemText = (object: StoredObject): string => `{${tailOf(object)}`;

/** An object's JSON on its own or in a watch event. */
export const objectText = (object: StoredObject): string =>
  `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},${tailOf(object)}`;

function endpointToBeta(endpoint: Json): Json {
  const { nodeName, zone, deprecatedTopology, ...rest } = endpoint;
  const topology = {
    ...(deprecatedTopology as Json),
    ...(nodeName !== undefined && { "kubernetes.io/hostname": nodeName }),
    ...(zone !== undefined && { "topology.kubernetes.io/zone": zone }),
  };
  return {
    ...rest,
    ...(Object.keys(topology).length > 0 && { topology }),
    ...(nodeName !== undefined && { nodeName }),
  };
}

function endpointFromBeta(endpoint: Json): Json {
  const { topology, nodeName, ...rest } = endpoint;
  if (!isObject(topology)) return endpoint;
  const { "topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": host, ...others } = topology;
  return {
    ...rest,
    ...((nodeName ?? host) !== undefined && { nodeName: nodeName ?? host }),
    ...(zone !== undefined && { zone }),
    ...(Object.keys(others).length > 0 && { deprecatedTopology: others }),
  };
}

/** A stored object as a version of the API shows it: `v1beta1` slices have `topology` instead of `zone`. */
export function toVersion(resource: Resource, version: string, object: StoredObject): StoredObject {
  if (version === "v1") return object;
  return {
    ...object,
    apiVersion: apiVersionOf(resource, version),
    ...(Array.isArray(object.endpoints) && { endpoints: objectsOf(object.endpoints).map(endpointToBeta) }),
  };
}

/** An object a client wrote in some version, as it is stored. */
export function fromVersion(resource: Resource, version: string, object: Json): Json {
  if (version === "v1") return object;
  return {
    ...object,
    apiVersion: apiVersionOf(resource),
    ...(Array.isArray(object.endpoints) && { endpoints: objectsOf(object.endpoints).map(endpointFromBeta) }),
  };
}
