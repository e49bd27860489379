import type { Clock, Random } from "../clock.ts";
import { isoSeconds, uuid } from "./identity.ts";
import { isObject, objectsOf, sameJson } from "./objects.ts";
import { apiVersionOf, RESOURCES, type Resource } from "./resources.ts";
import { alreadyExists, badRequest, conflict, invalid, notFound, terminating } from "./status.ts";
import type { Store } from "./store.ts";
import type { ApiserverSettings, Json, StoredMeta, StoredObject } from "./types.ts";
import { causesOf } from "./validation.ts";

/** Who writes, and whether for real. */
export interface WriteOptions {
  /** The managedFields entry's manager. */
  readonly manager: string;
  readonly dryRun?: boolean;
  /** Also writes `status` where the resource has a subresource for it, as only the direct helpers may. */
  readonly withStatus?: boolean;
}

/** How to delete. */
export interface RemoveOptions {
  readonly dryRun?: boolean;
  /** As in DeleteOptions. */
  readonly preconditions?: unknown;
  /** A namespace is `Terminating` for a moment before it goes with its contents, as where a controller does that. */
  readonly graceful?: boolean;
}

/** How long a namespace terminates: enough for a client to delete by name what is in it, as with a real controller. */
const NAMESPACE_TERMINATION_MS = 500;

/** The writes of the API over the store: defaults, validation, preconditions, and what follows from a deletion. */
export interface Writer {
  create(resource: Resource, namespace: string, object: Json, options: WriteOptions): StoredObject;
  update(resource: Resource, namespace: string, name: string, object: Json, options: WriteOptions): StoredObject;
  updateStatus(resource: Resource, namespace: string, name: string, object: Json, options: WriteOptions): StoredObject;
  /** Answers the object as it last was, or as it waits for its end. */
  remove(resource: Resource, namespace: string, name: string, options?: RemoveOptions): StoredObject;
}

/** What generated names end in: the apiserver's own letters, without vowels. */
const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** `fieldsV1` of an object: its maps, with lists as leaves. */
function fieldsV1(value: unknown): Json {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [`f:${key}`, fieldsV1(inner)]));
}

function managed(object: Json, meta: StoredMeta, options: WriteOptions, now: number, operation: string): unknown[] {
  const { kind: _kind, apiVersion, metadata: _metadata, ...fields } = object;
  const { labels, annotations } = meta;
  const kept = (meta.managedFields ?? []).filter((entry) => !isObject(entry) || entry.manager !== options.manager);
  const own = { ...(labels && { labels }), ...(annotations && { annotations }) };
  return [
    ...kept,
    {
      manager: options.manager,
      operation,
      apiVersion,
      time: isoSeconds(now),
      fieldsType: "FieldsV1",
      fieldsV1: fieldsV1({ ...(Object.keys(own).length > 0 && { metadata: own }), ...fields }),
    },
  ];
}

const withProtocol = (port: Json): Json => ({ ...port, protocol: port.protocol ?? "TCP" });

/** Fills in what the apiserver's defaulting fills in, as far as clients of endpoints and kubectl can see it. */
function withDefaults(resource: Resource, object: Json, clusterIp: () => string): Json {
  switch (resource.kind) {
    case "Endpoints":
      return Array.isArray(object.subsets)
        ? {
            ...object,
            subsets: objectsOf(object.subsets).map((subset) =>
              Array.isArray(subset.ports) ? { ...subset, ports: objectsOf(subset.ports).map(withProtocol) } : subset,
            ),
          }
        : object;
    case "EndpointSlice":
      return {
        ...object,
        endpoints: object.endpoints ?? null,
        ports: Array.isArray(object.ports)
          ? objectsOf(object.ports).map((port) => withProtocol({ name: "", ...port }))
          : (object.ports ?? null),
      };
    case "Service": {
      const spec = isObject(object.spec) ? object.spec : {};
      const type = spec.type ?? "ClusterIP";
      const ip = spec.clusterIP || (type === "ExternalName" ? undefined : clusterIp());
      const ports = objectsOf(spec.ports).map((port) => ({
        ...withProtocol(port),
        targetPort: port.targetPort ?? port.port,
      }));
      return {
        ...object,
        spec: {
          ...spec,
          ...(ip !== undefined && { clusterIP: ip, clusterIPs: spec.clusterIPs ?? [ip] }),
          type,
          ...(ports.length > 0 && { ports }),
          sessionAffinity: spec.sessionAffinity ?? "None",
        },
        status: object.status ?? { loadBalancer: {} },
      };
    }
    case "Pod": {
      const spec = isObject(object.spec) ? object.spec : {};
      const defaults = {
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 30,
        dnsPolicy: "ClusterFirst",
        schedulerName: "default-scheduler",
      };
      return {
        ...object,
        spec: { ...defaults, ...spec },
        status: object.status ?? { phase: "Pending", qosClass: "BestEffort" },
      };
    }
    case "Namespace":
      return { ...object, spec: object.spec ?? { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
    default:
      return object;
  }
}

/** Does an endpoint's targetRef mean this pod? */
const means = (ref: unknown, namespace: string, pod: StoredObject): boolean =>
  isObject(ref) &&
  ref.kind === "Pod" &&
  ref.name === pod.metadata.name &&
  (ref.namespace ?? namespace) === pod.metadata.namespace &&
  (ref.uid === undefined || ref.uid === pod.metadata.uid);

function withoutPod(object: StoredObject, pod: StoredObject): StoredObject | undefined {
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

const RESERVED = [
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "generation",
  "managedFields",
  "deletionTimestamp",
  "selfLink",
];

/** Makes the writer of a store. */
export function createWriter(options: {
  readonly store: Store;
  readonly settings: ApiserverSettings;
  readonly clock: Clock;
  readonly random: Random;
}): Writer {
  const { store, settings, clock, random } = options;
  let lastClusterIp = 1;
  const clusterIp = (): string => {
    lastClusterIp++;
    return `10.96.${Math.floor(lastClusterIp / 254) % 256}.${(lastClusterIp % 254) + 1}`;
  };

  function check(resource: Resource, object: Json): void {
    const metadata = object.metadata as Json;
    const causes = causesOf(resource, object, settings.refuseLoopback);
    if (causes.length > 0) throw invalid(resource.kind, resource.group, String(metadata.name ?? ""), causes);
  }

  /** The object with the metadata this server keeps, or the 400 of one that is none of this resource's. */
  function normalize(resource: Resource, namespace: string, object: Json): Json & { metadata: Json } {
    const { kind = resource.kind, apiVersion = apiVersionOf(resource), metadata, ...rest } = object;
    if (kind !== resource.kind || apiVersion !== apiVersionOf(resource)) {
      throw badRequest(
        `${String(kind)} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${resource.kind}: the collection holds ${apiVersionOf(resource)} ${resource.kind}`,
      );
    }
    const meta: Json = isObject(metadata) ? { ...metadata } : {};
    if (resource.namespaced) {
      if (meta.namespace && meta.namespace !== namespace) {
        throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
      }
      meta.namespace = namespace;
    } else delete meta.namespace;
    return { kind, apiVersion, metadata: meta, ...rest };
  }

  const keep = (resource: Resource, draft: StoredObject, dryRun: boolean | undefined): StoredObject =>
    dryRun ? draft : store.put(resource.plural, draft);

  function create(resource: Resource, namespace: string, input: Json, options: WriteOptions): StoredObject {
    const object = normalize(resource, namespace, input);
    const given = object.metadata;
    if (!given.name && typeof given.generateName === "string" && given.generateName) {
      const letters = Array.from({ length: 5 }, () => NAME_LETTERS[Math.floor(random() * NAME_LETTERS.length)]);
      given.name = given.generateName + letters.join("");
    }
    if (given.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
    const home = resource.namespaced ? store.get("namespaces", "", namespace) : undefined;
    if (resource.namespaced && !home) throw notFound("namespaces", "", namespace);
    if (home?.metadata.deletionTimestamp)
      throw terminating(resource.plural, resource.group, String(given.name ?? ""), namespace);
    const whole = withDefaults(
      resource,
      options.withStatus || !resource.status ? object : { ...object, status: undefined },
      clusterIp,
    );
    check(resource, whole);
    const name = String(given.name);
    if (store.get(resource.plural, resource.namespaced ? namespace : "", name))
      throw alreadyExists(resource.plural, resource.group, name);
    const { name: _name, namespace: _namespace, ...others } = given;
    for (const key of RESERVED) delete others[key];
    const now = clock.now();
    const metadata = {
      name,
      ...(resource.namespaced && { namespace }),
      uid: options.withStatus && typeof given.uid === "string" ? given.uid : uuid(random),
      resourceVersion: "",
      ...(resource.generation && { generation: 1 }),
      creationTimestamp: isoSeconds(now),
      ...others,
    } as StoredMeta;
    if (resource.kind === "Namespace") metadata.labels = { "kubernetes.io/metadata.name": name, ...metadata.labels };
    metadata.managedFields = managed(whole, metadata, options, now, "Update");
    return keep(
      resource,
      { ...whole, kind: resource.kind, apiVersion: apiVersionOf(resource), metadata },
      options.dryRun,
    );
  }

  /** Stores a changed object, or nothing where it is the same as before. */
  function replace(
    resource: Resource,
    current: StoredObject,
    next: Json & { metadata: Json },
    options: WriteOptions,
  ): StoredObject {
    const { metadata: was } = current;
    const given = next.metadata;
    const { plural, group } = resource;
    if (given.resourceVersion && given.resourceVersion !== was.resourceVersion) {
      throw conflict(
        plural,
        group,
        was.name,
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    }
    if (given.uid && given.uid !== was.uid) {
      throw conflict(
        plural,
        group,
        was.name,
        `Precondition failed: UID in precondition: ${String(given.uid)}, UID in object meta: ${was.uid}`,
      );
    }
    check(resource, next);
    const others = { ...given };
    for (const key of RESERVED) delete others[key];
    const { uid, resourceVersion, creationTimestamp, generation, managedFields, deletionTimestamp } = was;
    const metadata = {
      name: was.name,
      ...(was.namespace !== undefined && { namespace: was.namespace }),
      uid,
      resourceVersion,
      ...(generation !== undefined && { generation }),
      creationTimestamp,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...others,
      managedFields: Array.isArray(given.managedFields) ? given.managedFields : managedFields,
    } as StoredMeta;
    if (sameJson({ ...next, metadata }, current)) return current;
    const { metadata: _then, ...before } = current;
    const { metadata: _now, ...after } = next;
    if (resource.generation && !sameJson(before, after)) metadata.generation = (generation ?? 1) + 1;
    metadata.managedFields = managed(next, metadata, options, clock.now(), "Update");
    const draft: StoredObject = { ...next, kind: current.kind, apiVersion: current.apiVersion, metadata };
    const stored = keep(resource, draft, options.dryRun);
    if (deletionTimestamp !== undefined && !metadata.finalizers?.length && !options.dryRun) {
      return removeNow(resource, stored);
    }
    return stored;
  }

  const current = (resource: Resource, namespace: string, name: string): StoredObject => {
    const found = store.get(resource.plural, resource.namespaced ? namespace : "", name);
    if (!found) throw notFound(resource.plural, resource.group, name);
    return found;
  };

  function update(
    resource: Resource,
    namespace: string,
    name: string,
    input: Json,
    options: WriteOptions,
  ): StoredObject {
    const object = normalize(resource, namespace, input);
    if (object.metadata.name !== name) {
      throw badRequest(
        `the name of the object (${String(object.metadata.name ?? "")}) does not match the name on the URL (${name})`,
      );
    }
    const found = store.get(resource.plural, resource.namespaced ? namespace : "", name);
    if (!found) {
      if (!resource.createOnUpdate && !options.withStatus) throw notFound(resource.plural, resource.group, name);
      delete object.metadata.resourceVersion;
      return create(resource, namespace, object, options);
    }
    const keepIp = (): string => String((found.spec as Json | undefined)?.clusterIP ?? clusterIp());
    const status = options.withStatus && object.status !== undefined ? object.status : found.status;
    const whole = withDefaults(resource, resource.status ? { ...object, status } : object, keepIp);
    return replace(resource, found, whole as Json & { metadata: Json }, options);
  }

  function updateStatus(
    resource: Resource,
    namespace: string,
    name: string,
    input: Json,
    options: WriteOptions,
  ): StoredObject {
    const found = current(resource, namespace, name);
    const { resourceVersion, uid } = isObject(input.metadata) ? input.metadata : {};
    const metadata = { ...found.metadata, resourceVersion, uid };
    return replace(resource, found, { ...found, metadata, status: input.status }, options);
  }

  function removeNow(resource: Resource, object: StoredObject): StoredObject {
    const { name, namespace = "" } = object.metadata;
    if (resource.kind === "Namespace") {
      for (const inner of RESOURCES.filter(({ namespaced }) => namespaced)) {
        for (const content of store.list(inner.plural)) {
          if (content.metadata.namespace === name) store.remove(inner.plural, name, content.metadata.name);
        }
      }
    }
    const removed = store.remove(resource.plural, namespace, name)!;
    if (resource.kind === "Pod") {
      for (const plural of ["endpoints", "endpointslices"]) {
        for (const holder of store.list(plural)) {
          const draft = holder.metadata.namespace === namespace ? withoutPod(holder, removed) : undefined;
          if (draft) store.put(plural, draft);
        }
      }
    }
    return removed;
  }

  function terminate(resource: Resource, namespace: StoredObject): StoredObject {
    const { name, uid, deletionTimestamp } = namespace.metadata;
    if (deletionTimestamp) return namespace;
    clock.after(NAMESPACE_TERMINATION_MS, () => {
      const still = store.get(resource.plural, "", name);
      if (still?.metadata.uid === uid) removeNow(resource, still);
    });
    const metadata = { ...namespace.metadata, deletionTimestamp: isoSeconds(clock.now()) };
    return store.put(resource.plural, { ...namespace, metadata, status: { phase: "Terminating" } });
  }

  function remove(
    resource: Resource,
    namespace: string,
    name: string,
    { dryRun, preconditions, graceful }: RemoveOptions = {},
  ): StoredObject {
    const found = current(resource, namespace, name);
    if (isObject(preconditions)) {
      for (const [field, word] of [
        ["uid", "UID"],
        ["resourceVersion", "ResourceVersion"],
      ] as const) {
        const wanted = preconditions[field];
        if (wanted !== undefined && wanted !== found.metadata[field]) {
          const why = `Precondition failed: ${word} in precondition: ${String(wanted)}, ${word} in object meta: ${String(found.metadata[field])}`;
          throw conflict(resource.plural, resource.group, name, why);
        }
      }
    }
    if (dryRun) return found;
    if (resource.kind === "Namespace" && graceful) return terminate(resource, found);
    if (found.metadata.finalizers?.length) {
      if (found.metadata.deletionTimestamp) return found;
      return store.put(resource.plural, {
        ...found,
        metadata: { ...found.metadata, deletionTimestamp: isoSeconds(clock.now()) },
      });
    }
    return removeNow(resource, found);
  }

  return { create, update, updateStatus, remove };
}
