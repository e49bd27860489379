import { REDACTED, showUrl } from "../base/redaction.ts";
import { isMapping } from "../base/schema/shapes.ts";
import type { Path } from "./issues.ts";
import { childOf, fitting, optionsOf, type Schema, schemaAt, schemaParts, walk } from "./walk.ts";

/**
 * What of a config may be shown, as its schema says. Numbers, switches and the words of a list are the schema's own, so
 * they always may; a text may where its entry is marked with `shown`, and what no entry knows never may. Everything
 * that prints a part of a config asks here: messages of the loader, the admin API, explain, manifests and logs.
 */

function showText(schemas: readonly Schema[], text: string): string {
  if (text === "") return text;
  const marks = schemas.map((schema) => schemaParts(schema).shown);
  if (marks.length === 0 || marks.includes(undefined)) return REDACTED;
  return marks.includes("url") ? showUrl(text) : text;
}

/** A value of that schema, as written or as read, with "xxx" wherever it may not be shown. */
export function redacted(schema: Schema | undefined, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  const found = schema === undefined ? [] : fitting(schema, value);
  const [first] = found;
  if (first === undefined) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => redacted(childOf(first, 0), item));
  if (isMapping(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redacted(childOf(first, key), item)]));
  }
  return typeof value === "string" && schemaParts(first).type === "string" ? showText(found, value) : value;
}

/** The places of all texts (and numbers) in a value as it is written that may be secrets. */
export function hiddenPlaces(schema: Schema, value: unknown): Path[] {
  const places: Path[] = [];
  walk(schema, value, ({ path, value: item, schema: at }) => {
    if ((typeof item === "string" || typeof item === "number") && redacted(at, item) !== item) places.push(path);
  });
  return places;
}

/** The query parameters that a value of that schema says credentials come in. */
export function credentialParameters(schema: Schema, value: unknown): string[] {
  const names: string[] = [];
  walk(schema, value, ({ value: item, schema: at }) => {
    if (typeof item === "string" && at !== undefined && optionsOf(at).some((option) => schemaParts(option).credential))
      names.push(item);
  });
  return names;
}

const LEAVES: ReadonlySet<string> = new Set(["string", "number", "boolean", "picklist", "literal"]);

/**
 * Whether a value that does not fit may be shown in a message: what is wanted at its place is a number, a switch, a
 * word or a text that may be shown.
 */
export function mayShowFound(schema: Schema, root: unknown, path: Path): boolean {
  const at = schemaAt(schema, root, path);
  const single = at === undefined ? [] : optionsOf(at).filter((option) => LEAVES.has(schemaParts(option).type));
  return (
    single.length > 0 &&
    single.every((option) => schemaParts(option).type !== "string" || schemaParts(option).shown === true)
  );
}
