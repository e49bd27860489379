import { isObject, objectsOf } from "./objects.ts";
import type { Json, StoredObject } from "./types.ts";

/** Does an endpoint's targetRef mean this pod? */
const means = (ref: unknown, namespace: string, pod: StoredObject): boolean =>
  isObject(ref) &&
  ref.kind === "Pod" &&
  ref.name === pod.metadata.name &&
  (ref.namespace ?? namespace) === pod.metadata.namespace &&
  (ref.uid === undefined || ref.uid === pod.metadata.uid);

/**
 * Endpoints or an EndpointSlice without that pod, as its controller would write it; undefined where it names it not.
 */
export function withoutPod(object: StoredObject, pod: StoredObject): StoredObject | undefined {
  const namespace = object.metadata.namespace!;
  const gone = ({ targetRef }: Json): boolean => means(targetRef, namespace, pod);
  if (object.kind === "EndpointSlice") {
    const endpoints = objectsOf(object.endpoints);
    if (!endpoints.some(gone)) return undefined;
    const generation = (object.metadata.generation ?? 1) + 1;
    return { ...object, metadata: { ...object.metadata, generation }, endpoints: endpoints.filter((e) => !gone(e)) };
  }
  const subsets = objectsOf(object.subsets);
  const lists = ["addresses", "notReadyAddresses"] as const;
  if (!subsets.some((subset) => lists.some((list) => objectsOf(subset[list]).some(gone)))) return undefined;
  const left = subsets
    .map((subset) => {
      const copy: Json = { ...subset };
      for (const list of lists) {
        const rest = objectsOf(subset[list]).filter((address) => !gone(address));
        if (rest.length > 0) copy[list] = rest;
        else delete copy[list];
      }
      return copy;
    })
    .filter((subset) => lists.some((list) => subset[list] !== undefined));
  return { ...object, subsets: left };
}
