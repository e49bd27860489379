import type { Clock, Random } from "../base/clock.ts";
import { withDefaults } from "./defaults.ts";
import { isoSeconds, uuid } from "./identity.ts";
import { managedFieldsOf } from "./managed-fields.ts";
import { isObject, sameJson } from "./objects.ts";
import { apiVersionOf, RESOURCES, type Resource } from "./resources.ts";
import { alreadyExists, badRequest, conflict, invalid, notFound, terminating } from "./status.ts";
import type { Store } from "./store.ts";
import type { ApiserverSettings, Json, StoredMeta, StoredObject } from "./types.ts";
import { causesOf } from "./validation.ts";
import { withoutPod } from "./without-pod.ts";

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

/** Metadata that only the server sets. */
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
    metadata.managedFields = managedFieldsOf(whole, metadata, options.manager, now);
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
    metadata.managedFields = managedFieldsOf(next, metadata, options.manager, clock.now());
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
