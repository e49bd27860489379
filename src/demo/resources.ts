import type { ApiVerb } from "./types.ts";

/** A kind of object this server serves. */
export interface Resource {
  /** Plural, as in URLs; also the store's table. */
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly group: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Fields beside metadata.name and metadata.namespace that a field selector may name. */
  readonly fields: readonly string[];
  /** Is there a `/status` subresource? Writes to the object itself then leave `status` alone. */
  readonly status: boolean;
  /** May a PUT create it? */
  readonly createOnUpdate: boolean;
  /** Does a DELETE answer the object (true) or a Status? */
  readonly deleteAnswersObject: boolean;
  /** Is `metadata.generation` counted? */
  readonly generation: boolean;
}

const core = {
  group: "",
  namespaced: true,
  shortNames: [],
  categories: [],
  fields: [],
  status: false,
  createOnUpdate: false,
  deleteAnswersObject: false,
  generation: false,
} as const;

/** All resources, in the order discovery shows them. */
export const RESOURCES: readonly Resource[] = [
  { ...core, plural: "configmaps", singular: "configmap", kind: "ConfigMap", shortNames: ["cm"] },
  { ...core, plural: "endpoints", singular: "endpoints", kind: "Endpoints", shortNames: ["ep"], createOnUpdate: true },
  {
    ...core,
    plural: "events",
    singular: "event",
    kind: "Event",
    shortNames: ["ev"],
    createOnUpdate: true,
    fields: [
      "involvedObject.kind",
      "involvedObject.namespace",
      "involvedObject.name",
      "involvedObject.uid",
      "involvedObject.apiVersion",
      "involvedObject.resourceVersion",
      "involvedObject.fieldPath",
      "reason",
      "reportingComponent",
      "source",
      "type",
    ],
  },
  {
    ...core,
    plural: "namespaces",
    singular: "namespace",
    kind: "Namespace",
    namespaced: false,
    shortNames: ["ns"],
    fields: ["status.phase"],
    status: true,
    deleteAnswersObject: true,
  },
  {
    ...core,
    plural: "nodes",
    singular: "node",
    kind: "Node",
    namespaced: false,
    shortNames: ["no"],
    fields: ["spec.unschedulable"],
    status: true,
  },
  {
    ...core,
    plural: "pods",
    singular: "pod",
    kind: "Pod",
    shortNames: ["po"],
    categories: ["all"],
    fields: [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName",
    ],
    status: true,
    deleteAnswersObject: true,
  },
  {
    ...core,
    plural: "serviceaccounts",
    singular: "serviceaccount",
    kind: "ServiceAccount",
    shortNames: ["sa"],
    deleteAnswersObject: true,
  },
  {
    ...core,
    plural: "services",
    singular: "service",
    kind: "Service",
    shortNames: ["svc"],
    categories: ["all"],
    fields: ["spec.clusterIP", "spec.type"],
    status: true,
    createOnUpdate: true,
    deleteAnswersObject: true,
  },
  {
    ...core,
    group: "discovery.k8s.io",
    plural: "endpointslices",
    singular: "endpointslice",
    kind: "EndpointSlice",
    generation: true,
  },
];

/** Verbs that every resource has, as discovery lists them. */
export const VERBS: readonly ApiVerb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** Finds a resource of a group by its plural. */
export const findResource = (group: string, plural: string): Resource | undefined =>
  RESOURCES.find((resource) => resource.group === group && resource.plural === plural);

/** Finds a resource by kind (`Endpoints`), plural, singular or short name. Throws a TypeError that lists the kinds. */
export function resourceOf(name: string): Resource {
  const found = RESOURCES.find(
    ({ kind, plural, singular, shortNames }) =>
      kind === name || plural === name || singular === name || shortNames.includes(name),
  );
  if (!found) {
    throw new TypeError(`Cannot serve "${name}": the kinds are ${RESOURCES.map(({ kind }) => kind).join(", ")}`);
  }
  return found;
}

/** What a request's path names. */
export interface ResourceTarget {
  readonly resource: Resource;
  /** `v1`, or `v1beta1` of the slices. */
  readonly version: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Is this below `/api/v1` or a served `/apis/GROUP/VERSION`? */
export const knownVersion = (path: string, sliceVersions: readonly string[]): boolean =>
  path.startsWith("/api/v1/") || sliceVersions.some((version) => path.startsWith(`/apis/discovery.k8s.io/${version}/`));

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** Takes `/api/v1/…` and `/apis/GROUP/VERSION/…` apart; undefined where this server has nothing there. */
export function parseTarget(path: string, sliceVersions: readonly string[]): ResourceTarget | undefined {
  const parts = path
    .replace(/^\/+|\/+$/g, "")
    .split("/")
    .map(decode);
  let group = "";
  let version: string | undefined;
  if (parts[0] === "api") version = parts[1];
  else if (parts[0] === "apis") [, group, version] = parts as [string, string, string];
  else return undefined;
  const served =
    group === "" ? version === "v1" : group === "discovery.k8s.io" && sliceVersions.includes(version ?? "");
  if (!served || version === undefined) return undefined;
  const rest = parts.slice(group === "" ? 2 : 3);
  // `namespaces/NAME` and its status are the namespace itself; anything longer is inside it.
  const inside = rest[0] === "namespaces" && rest.length > 2 && rest[2] !== "status" && rest[2] !== "finalize";
  const namespace = inside ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = inside ? rest.slice(2) : rest;
  const resource = findResource(group, plural ?? "");
  if (!resource || more.length > 0) return undefined;
  if (resource.namespaced ? name !== undefined && namespace === undefined : namespace !== undefined) return undefined;
  return { resource, version, namespace, name, subresource };
}

/** `v1` or `discovery.k8s.io/v1`. */
export const apiVersionOf = (resource: Resource, version = "v1"): string =>
  resource.group === "" ? version : `${resource.group}/${version}`;
