import { InvalidObjectError } from "../kubernetes/errors.ts";
import type { Decoder } from "../kubernetes/types.ts";
import {
  asList,
  asObject,
  asText,
  createPortInterner,
  type DecoderOptions,
  isAddress,
  NO_NOTES,
  readMeta,
  readPorts,
  readTarget,
  readWeight,
} from "./object-reader.ts";
import { createPacker, type EndpointGroup, type EndpointPacker, type SliceRecord } from "./slice-record.ts";

const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";

function addAddresses(
  packer: EndpointPacker,
  value: unknown,
  ready: boolean,
  namespace: string,
  notes: string[],
): void {
  for (const item of asList(value, "a subset's addresses")) {
    const address = asObject(item);
    if (address === undefined) throw new InvalidObjectError("an entry of a subset's addresses is not an object");
    if (!isAddress(address.ip)) {
      notes.push(`an address without a usable ip: skipped`);
      continue;
    }
    packer.add({
      host: address.ip,
      ready,
      serving: ready,
      terminating: false,
      ...readTarget(address.targetRef, namespace),
      zone: "",
      hints: undefined,
    });
  }
}

/**
 * Reads `v1` Endpoints: each subset is a group of its own; `notReadyAddresses` are kept only to say why there is nobody.
 * An object holds at most 1,000 addresses; the annotation that says there are more is kept as `truncated`.
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/
 */
export function endpointsDecoder({ keepNamespace }: DecoderOptions): Decoder<SliceRecord> {
  const intern = createPortInterner();
  return (object) => {
    const { root, meta } = readMeta(object, "Endpoints");
    if (!keepNamespace(meta.namespace)) return undefined;
    const notes: string[] = [];
    let usable = 0;
    const groups: EndpointGroup[] = [];
    for (const item of asList(root.subsets, "subsets")) {
      const subset = asObject(item);
      if (subset === undefined) throw new InvalidObjectError("an entry of subsets is not an object");
      const packer = createPacker();
      addAddresses(packer, subset.addresses, true, meta.namespace, notes);
      addAddresses(packer, subset.notReadyAddresses, false, meta.namespace, notes);
      usable += packer.usable;
      groups.push({ ports: intern(readPorts(subset.ports, "a subset's ports", notes)), packed: packer.pack() });
    }
    const truncated = asText(meta.annotations[OVER_CAPACITY]) === "truncated";
    if (truncated) notes.push("the control plane cut this object at 1,000 addresses: set watch_endpoint_slices: true");
    const weight = readWeight(meta.annotations, notes);
    return {
      namespace: meta.namespace,
      name: meta.name,
      service: meta.name,
      resourceVersion: meta.resourceVersion,
      groups,
      usable,
      weight,
      truncated,
      notes: notes.length === 0 ? NO_NOTES : notes,
    };
  };
}
