import { isoSeconds } from "./identity.ts";
import { isObject } from "./objects.ts";
import type { Json, StoredMeta } from "./types.ts";

/** `fieldsV1` of an object: its maps, with lists as leaves. */
function fieldsV1(value: unknown): Json {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [`f:${key}`, fieldsV1(inner)]));
}

/** The managedFields of an object after a write: the manager's entry names all that the object has now. */
export function managedFieldsOf(object: Json, meta: StoredMeta, manager: string, now: number): unknown[] {
  const { kind: _kind, apiVersion, metadata: _metadata, ...fields } = object;
  const { labels, annotations } = meta;
  const kept = (meta.managedFields ?? []).filter((entry) => !isObject(entry) || entry.manager !== manager);
  const own = { ...(labels && { labels }), ...(annotations && { annotations }) };
  return [
    ...kept,
    {
      manager,
      operation: "Update",
      apiVersion,
      time: isoSeconds(now),
      fieldsType: "FieldsV1",
      fieldsV1: fieldsV1({ ...(Object.keys(own).length > 0 && { metadata: own }), ...fields }),
    },
  ];
}
