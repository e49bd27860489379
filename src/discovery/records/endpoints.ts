import type { Decoder } from "../../kubernetes/types.ts";
import {
  asList,
  asObject,
  asText,
  createNotes,
  createPortInterner,
  type DecoderOptions,
  type Notes,
  noteList,
  readAddress,
  readMeta,
  readPorts,
  readTarget,
  readWeight,
} from "./object-reader.ts";
import { createPacker, type EndpointGroup, type EndpointPacker, type SliceRecord } from "./slice-record.ts";

const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";

function addAddresses(packer: EndpointPacker, value: unknown, ready: boolean, namespace: string, notes: Notes): void {
  for (const item of noteList(value, "a subset's addresses", notes)) {
    const address = asObject(item);
    const host = readAddress(address?.ip);
    if (address === undefined || host === undefined) {
      notes.add("an address without a usable ip: skipped");
      continue;
    }
    packer.add({
      host,
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
 * Reads `v1` Endpoints: each subset is a group of its own; `notReadyAddresses` are kept only to say why a service has
 * no nodes.
 * An object holds at most 1,000 addresses; the annotation that says there are more is kept as `truncated`.
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/
 */
export function endpointsDecoder({ keepNamespace }: DecoderOptions): Decoder<SliceRecord> {
  const intern = createPortInterner();
  return (object) => {
    const { root, meta } = readMeta(object, "Endpoints");
    if (!keepNamespace(meta.namespace)) return undefined;
    const notes = createNotes();
    let usable = 0;
    const groups: EndpointGroup[] = [];
    for (const item of asList(root.subsets, "subsets")) {
      const subset = asObject(item);
      if (subset === undefined) {
        notes.add("an entry of subsets is not an object: skipped");
        continue;
      }
      const packer = createPacker();
      addAddresses(packer, subset.addresses, true, meta.namespace, notes);
      addAddresses(packer, subset.notReadyAddresses, false, meta.namespace, notes);
      usable += packer.usable;
      const ports = readPorts(noteList(subset.ports, "a subset's ports", notes), notes);
      groups.push({ ports: intern(ports), packed: packer.pack() });
    }
    const truncated = asText(meta.annotations[OVER_CAPACITY]) === "truncated";
    if (truncated) notes.add("the control plane cut this object at 1,000 addresses: set watch_endpoint_slices: true");
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
      notes: notes.list(),
    };
  };
}
