/** EndpointSlices as the control plane writes them, for measuring. */

/** Endpoints in each slice. */
export const PER_SLICE = 15;

/** Which cluster: one service for each slice, spread over namespaces and nodes. */
export interface ClusterShape {
  readonly slices: number;
  readonly namespaces: number;
  readonly nodes: number;
}

const uidOf = (index: number, n: number): string =>
  `${index.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

const zoneOf = (node: number): string => `eu-1${"abc"[node % 3]}`;

/** The name of service `index`. */
export const serviceOf = (index: number): string => `svc-${index}`;

/** The namespace of service `index`. */
export const namespaceOf = (index: number, { namespaces }: ClusterShape): string => `team-${index % namespaces}`;

/** Address of endpoint `e` of slice `index`; another one in each generation. */
export const addressOf = (index: number, e: number, generation: number): string =>
  `10.${(index >> 8) & 255}.${index & 255}.${e + 1 + (generation % 2) * 100}`;

const MANAGED_FIELDS = [
  {
    manager: "kube-controller-manager",
    operation: "Update",
    apiVersion: "discovery.k8s.io/v1",
    time: "2026-10-30T08:15:30Z",
    fieldsType: "FieldsV1",
    fieldsV1: {
      "f:addressType": {},
      "f:endpoints": {},
      "f:metadata": {
        "f:annotations": { ".": {}, "f:endpoints.kubernetes.io/last-change-trigger-time": {} },
        "f:generateName": {},
        "f:labels": {
          ".": {},
          "f:app": {},
          "f:endpointslice.kubernetes.io/managed-by": {},
          "f:kubernetes.io/service-name": {},
        },
        "f:ownerReferences": { ".": {}, 'k:{"uid":"b7ec7e5c-3f2e-4a0b-9d6c-0a3f8c1d2e4f"}': {} },
      },
      "f:ports": {},
    },
  },
];

/** What of a slice may differ from the cluster's rule. */
export interface SliceParts {
  readonly resourceVersion: string;
  /** Changes every address. */
  readonly generation: number;
  /** Where its endpoints listen, when they must really be there. */
  readonly at?: { readonly addresses: readonly string[]; readonly port: number } | undefined;
}

/** Slice `index` with its managed fields: about 4.9 kB of JSON. */
export function sliceOf(index: number, shape: ClusterShape, { resourceVersion, generation, at }: SliceParts): object {
  const namespace = namespaceOf(index, shape);
  const service = serviceOf(index);
  const nodeOf = (e: number): number => (index * PER_SLICE + e) % shape.nodes;
  const addresses = at?.addresses ?? Array.from({ length: PER_SLICE }, (_, e) => addressOf(index, e, generation));
  return {
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: {
      name: `${service}-x${index.toString(36)}`,
      generateName: `${service}-`,
      namespace,
      uid: uidOf(index, 0),
      resourceVersion,
      generation: 1 + generation,
      creationTimestamp: "2026-10-30T08:15:30Z",
      labels: {
        app: service,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": service,
      },
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-10-30T08:15:30Z" },
      ownerReferences: [
        {
          apiVersion: "v1",
          kind: "Service",
          name: service,
          uid: uidOf(index, 1),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: MANAGED_FIELDS,
    },
    addressType: "IPv4",
    endpoints: addresses.map((address, e) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: {
        kind: "Pod",
        namespace,
        name: `${service}-7d9f8b6c5d-x${e.toString(36)}k2q`,
        uid: uidOf(index, e + 2),
      },
      nodeName: `node-${nodeOf(e)}`,
      zone: zoneOf(nodeOf(e)),
    })),
    ports: [{ name: "http", port: at?.port ?? 8080, protocol: "TCP" }],
  };
}
