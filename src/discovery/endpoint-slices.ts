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

function addEndpoints(packer: EndpointPacker, value: unknown, namespace: string, notes: string[]): void {
  for (const item of asList(value, "endpoints")) {
    const endpoint = asObject(item);
    if (endpoint === undefined) throw new InvalidObjectError("an entry of endpoints is not an object");
    const conditions = asObject(endpoint.conditions);
    // Absent and null are "unknown", which the API asks readers to take as ready, and as serving when ready is.
    const ready = conditions?.ready !== false;
    const serving = (conditions?.serving ?? ready) === true;
    const terminating = conditions?.terminating === true;
    const zone =
      asText(endpoint.zone) || asText(asObject(endpoint.topology ?? endpoint.deprecatedTopology)?.[ZONE_TOPOLOGY]);
    const target = readTarget(endpoint.targetRef, namespace);
    const hints = readHints(endpoint.hints);
    for (const host of asList(endpoint.addresses, "an endpoint's addresses")) {
      if (isAddress(host))
        packer.add({ host, ready, serving, terminating, uid: target.uid, pod: target.pod, zone, hints });
      else notes.push("an address that is no IP address: skipped");
    }
  }
}

/**
 * Reads `discovery.k8s.io` EndpointSlices, v1 and v1beta1. A slice without the service's label belongs to no service and
 * decodes to undefined. Every address of an endpoint counts as one. FQDN slices are kept empty, with a note.
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
 */
export function endpointSliceDecoder(options: DecoderOptions): Decoder<SliceRecord> {
  const { keepNamespace } = options;
  const intern = createPortInterner();
  const decode = (object: unknown): SliceRecord | undefined => {
    const { root, meta } = readMeta(object, "EndpointSlice");
    const service = asText(meta.labels[SERVICE_NAME_LABEL]);
    if (service === "" || !keepNamespace(meta.namespace)) return undefined;
    const notes: string[] = [];
    const packer = createPacker();
    if (root.addressType === "FQDN") notes.push("its addressType is FQDN, which is not supported: skipped");
    else addEndpoints(packer, root.endpoints, meta.namespace, notes);
    const ports = intern(readPorts(root.ports, "ports", notes));
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
      notes: notes.length === 0 ? NO_NOTES : notes,
    };
  };
  return Object.assign(decode, { fromBytes: sliceByteReader(options, intern) });
}
