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
  readHints,
  readMeta,
  readPorts,
  readTarget,
  readWeight,
  SERVICE_NAME_LABEL,
} from "./object-reader.ts";
import { sliceByteReader } from "./slice-bytes.ts";
import { createPacker, type EndpointPacker, type SliceRecord } from "./slice-record.ts";

/** `v1beta1` has no `zone` field: there the node's labels are copied. */
const ZONE_TOPOLOGY = "topology.kubernetes.io/zone";

function addEndpoints(packer: EndpointPacker, value: unknown, namespace: string, notes: Notes): void {
  for (const item of asList(value, "endpoints")) {
    const endpoint = asObject(item);
    if (endpoint === undefined) {
      notes.add("an entry of endpoints is not an object: skipped");
      continue;
    }
    const conditions = asObject(endpoint.conditions);
    // Absent and null are "unknown", which the API asks readers to take as ready, and as serving when ready is.
    const ready = conditions?.ready !== false;
    const serving = (conditions?.serving ?? ready) === true;
    const terminating = conditions?.terminating === true;
    const zone =
      asText(endpoint.zone) || asText(asObject(endpoint.topology ?? endpoint.deprecatedTopology)?.[ZONE_TOPOLOGY]);
    const target = readTarget(endpoint.targetRef, namespace);
    const hints = readHints(endpoint.hints);
    const addresses = noteList(endpoint.addresses, "an endpoint's addresses", notes);
    if (addresses.length === 0) continue;
    const host = readAddress(addresses[0]);
    if (host === undefined) {
      notes.add("an address that is no IP address: skipped");
      continue;
    }
    if (addresses.length > 1) notes.add("an endpoint has several addresses: the first is used, as in kube-proxy");
    packer.add({ host, ready, serving, terminating, uid: target.uid, pod: target.pod, zone, hints });
  }
}

/**
 * Reads `discovery.k8s.io` EndpointSlices, v1 and v1beta1. A slice without the service's label belongs to no service
 * and decodes to undefined. An endpoint is one node: further addresses of it have no meaning. FQDN slices are kept
 * empty, with a note.
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
 */
export function endpointSliceDecoder(options: DecoderOptions): Decoder<SliceRecord> {
  const { keepNamespace } = options;
  const intern = createPortInterner();
  const decode = (object: unknown): SliceRecord | undefined => {
    const { root, meta } = readMeta(object, "EndpointSlice");
    const service = asText(meta.labels[SERVICE_NAME_LABEL]);
    if (service === "" || !keepNamespace(meta.namespace)) return undefined;
    const notes = createNotes();
    const packer = createPacker();
    if (root.addressType === "FQDN") notes.add("its addressType is FQDN, which is not supported: skipped");
    else addEndpoints(packer, root.endpoints, meta.namespace, notes);
    const ports = intern(readPorts(asList(root.ports, "ports"), notes));
    const weight = readWeight(meta.annotations, notes);
    return {
      namespace: meta.namespace,
      name: meta.name,
      service,
      resourceVersion: meta.resourceVersion,
      groups: [{ ports, packed: packer.pack() }],
      usable: packer.usable,
      weight,
      truncated: false,
      notes: notes.list(),
    };
  };
  return Object.assign(decode, { fromBytes: sliceByteReader(options, intern) });
}
