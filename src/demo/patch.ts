import { isObject, sameJson } from "./objects.ts";
import { badRequest, unpatchable } from "./status.ts";
import type { Json } from "./types.ts";

/** RFC 7386: objects merge, null removes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Json = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

const pointer = (path: string): string[] => {
  if (path === "") return [];
  if (!path.startsWith("/")) throw unpatchable();
  return path
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
};

function step(parent: unknown, key: string): unknown {
  if (Array.isArray(parent) && /^(0|[1-9][0-9]*)$/.test(key) && Number(key) < parent.length) return parent[Number(key)];
  if (isObject(parent) && Object.hasOwn(parent, key)) return parent[key];
  throw unpatchable();
}

const read = (document: unknown, path: string): unknown =>
  pointer(path).reduce((at: unknown, key) => step(at, key), document);

/** Changes a document in place; the value at the root is returned. */
function write(document: unknown, path: string, change: "add" | "replace" | "remove", value?: unknown): unknown {
  const keys = pointer(path);
  const last = keys.pop();
  if (last === undefined) return value;
  const parent = keys.reduce((at: unknown, key) => step(at, key), document);
  if (change !== "add") step(parent, last);
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw unpatchable();
    if (change === "remove") parent.splice(index, 1);
    else parent.splice(index, change === "add" ? 0 : 1, value);
  } else if (isObject(parent)) {
    if (change === "remove") delete parent[last];
    else parent[last] = value;
  } else throw unpatchable();
  return document;
}

/** RFC 6902, all six operations. The target is not changed. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch must be an array of operations");
  let document = structuredClone(target);
  for (const operation of patch as readonly Json[]) {
    const path = String(operation.path ?? "");
    const from = String(operation.from ?? "");
    switch (operation.op) {
      case "add":
      case "replace":
        document = write(document, path, operation.op, structuredClone(operation.value));
        break;
      case "remove":
        document = write(document, path, "remove");
        break;
      case "copy":
        document = write(document, path, "add", structuredClone(read(document, from)));
        break;
      case "move": {
        const moved = read(document, from);
        document = write(write(document, from, "remove"), path, "add", moved);
        break;
      }
      case "test":
        if (!sameJson(read(document, path), operation.value)) throw unpatchable();
        break;
      default:
        throw unpatchable();
    }
  }
  return document;
}

/**
 * Lists that strategic merge patches merge by key, by the name of the field that holds them; all other lists of objects
 * are replaced (the lists of Endpoints and EndpointSlices among them). From the `patchMergeKey` tags of
 * k8s.io/api/core/v1.
 */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  volumes: ["name"],
  env: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  topologySpreadConstraints: ["topologyKey"],
  conditions: ["type"],
  ownerReferences: ["uid"],
  secrets: ["name"],
  addresses: ["type"],
};

/** `ports` is keyed differently by what holds it; of Endpoints and EndpointSlices it is replaced. */
function mergeKey(kind: string, field: string): string | undefined {
  if (field === "ports") return kind === "Service" ? "port" : kind === "Pod" ? "containerPort" : undefined;
  if ((kind === "Endpoints" || kind === "EndpointSlice") && field !== "ownerReferences") return undefined;
  return MERGE_KEYS[field]?.[0];
}

/** Lists of plain values that are merged as sets. */
const SETS = new Set(["finalizers"]);

const DIRECTIVE = /^\$(setElementOrder|deleteFromPrimitiveList)\/(.+)$/;

function mergeByKey(
  kind: string,
  key: string,
  current: readonly Json[],
  patch: readonly Json[],
  order?: unknown,
): unknown[] {
  if (patch.some((item) => item.$patch === "replace")) return patch.filter((item) => item.$patch !== "replace");
  let result = [...current];
  for (const item of patch) {
    const at = result.findIndex((other) => sameJson(other[key], item[key]));
    if (item.$patch === "delete") result = result.filter((_, index) => index !== at);
    else if (at < 0) result.push(strategicMerge(kind, {}, item) as Json);
    else result[at] = strategicMerge(kind, result[at], item) as Json;
  }
  if (!Array.isArray(order)) return result;
  const rank = (item: Json): number => {
    const at = (order as readonly Json[]).findIndex((wanted) => sameJson(wanted[key], item[key]));
    return at < 0 ? order.length : at;
  };
  return result.sort((a, b) => rank(a) - rank(b));
}

/**
 * Kubernetes' strategic merge patch: a merge patch whose lists of known fields are merged by key, with the `$patch`,
 * `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…` directives that kubectl sends.
 * https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
 */
export function strategicMerge(kind: string, target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const { $patch, $retainKeys, ...fields } = patch;
  if ($patch === "delete") return undefined;
  let result: Json = isObject(target) && $patch !== "replace" ? { ...target } : {};
  if (Array.isArray($retainKeys)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => $retainKeys.includes(key)));
  }
  for (const [field, value] of Object.entries(fields)) {
    const directive = DIRECTIVE.exec(field);
    if (directive) {
      const [, what, name] = directive as unknown as [string, string, string];
      const list = result[name];
      if (what === "deleteFromPrimitiveList" && Array.isArray(list) && Array.isArray(value)) {
        result[name] = list.filter((item) => !value.includes(item));
      }
      continue;
    }
    const current = result[field];
    const key = mergeKey(kind, field);
    if (value === null) delete result[field];
    else if (Array.isArray(value) && key && value.every(isObject)) {
      const list = Array.isArray(current) ? (current as readonly Json[]) : [];
      result[field] = mergeByKey(kind, key, list, value, fields[`$setElementOrder/${field}`]);
    } else if (Array.isArray(value) && SETS.has(field) && Array.isArray(current)) {
      result[field] = [...new Set([...current, ...value])];
    } else {
      const merged = strategicMerge(kind, current, value);
      if (merged === undefined) delete result[field];
      else result[field] = merged;
    }
  }
  return result;
}
