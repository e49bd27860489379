import type * as v from "valibot";
import { REDACTED, showUrl } from "../base/redaction.ts";
import { isMapping } from "../base/schema/shapes.ts";
import type { Path } from "./issues.ts";

/**
 * What of a config may be shown, as its schema says. Numbers, switches and the words of a list are the schema's own, so
 * they always may; a text may where its entry is marked with `shown`, and what no entry knows never may. Everything that
 * prints a part of a config asks here: messages of the loader, the admin API, explain, manifests and logs.
 */

type Schema = v.GenericSchema;
type Mark = true | "url";

/** Only what is read here of a schema; every kind of them has some of it. */
interface Parts {
  readonly type: string;
  readonly pipe?: readonly unknown[];
  readonly wrapped?: Schema;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly metadata?: { readonly shown?: Mark; readonly credential?: true };
}

const partsOf = (schema: unknown): Parts => schema as Parts;

/** The schema without what makes it optional. */
const unwrapped = (schema: Schema): Schema => {
  const { wrapped } = partsOf(schema);
  return wrapped === undefined ? schema : unwrapped(wrapped);
};

/** Whether a text of this schema is marked, and how; the mark stands anywhere in its pipe. */
function markOf(schema: unknown): Mark | undefined {
  const { pipe = [], wrapped, metadata } = partsOf(schema);
  if (metadata?.shown !== undefined) return metadata.shown;
  for (const part of pipe) {
    const mark = markOf(part);
    if (mark !== undefined) return mark;
  }
  return wrapped && markOf(wrapped);
}

/** The alternatives a value may have been meant for, unions resolved. */
function optionsOf(schema: Schema): Schema[] {
  const inner = unwrapped(schema);
  const { type, options = [] } = partsOf(inner);
  return type === "union" ? (options as Schema[]).flatMap(optionsOf) : [inner];
}

const MAPPINGS: ReadonlySet<string> = new Set(["strict_object", "loose_object", "object", "record"]);

const sharedKeys = ({ entries = {} }: Parts, value: Readonly<Record<string, unknown>>): number =>
  Object.keys(value).filter((key) => Object.hasOwn(entries, key)).length;

/** The alternatives that fit the shape of a value, whether it was read by the schema already or not. */
function fitting(schema: Schema, value: unknown): Schema[] {
  const options = optionsOf(schema);
  if (Array.isArray(value)) return options.filter((option) => partsOf(option).type === "array");
  if (isMapping(value)) {
    const mappings = options.filter((option) => MAPPINGS.has(partsOf(option).type));
    const most = Math.max(...mappings.map((option) => sharedKeys(partsOf(option), value)));
    return mappings.filter((option) => sharedKeys(partsOf(option), value) === most).slice(0, 1);
  }
  const own = options.filter((option) => {
    const { type, options: listed = [], literal } = partsOf(option);
    return (type === "picklist" && listed.includes(value)) || (type === "literal" && literal === value);
  });
  return own.length > 0 ? own : options.filter((option) => partsOf(option).type === typeof value);
}

/** What stands under a key of a value of this schema; undefined: the schema knows nothing of it. */
function childOf(schema: Schema | undefined, key: string | number): Schema | undefined {
  if (schema === undefined) return undefined;
  const { type, entries = {}, item, value } = partsOf(schema);
  if (type === "array") return item;
  if (type === "record") return value;
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

function showText(schemas: readonly Schema[], text: string): string {
  if (text === "") return text;
  const marks = schemas.map(markOf);
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
  return typeof value === "string" && partsOf(first).type === "string" ? showText(found, value) : value;
}

/** Calls `found` with the place of every text (or number) that may be a secret in a value as it is written. */
export function eachHidden(schema: Schema, value: unknown, found: (path: Path) => void): void {
  const walk = (at: Schema | undefined, item: unknown, path: Path): void => {
    if (typeof item === "object" && item !== null) {
      const known = at === undefined ? undefined : fitting(at, item)[0];
      for (const [key, child] of Object.entries(item)) {
        const part = Array.isArray(item) ? Number(key) : key;
        walk(childOf(known, part), child, [...path, part]);
      }
    } else if ((typeof item === "string" || typeof item === "number") && redacted(at, item) !== item) {
      found(path);
    }
  };
  walk(schema, value, []);
}

const namesCredential = (schema: unknown): boolean => {
  const { pipe = [], wrapped, metadata } = partsOf(schema);
  return (
    metadata?.credential === true || pipe.some(namesCredential) || (wrapped !== undefined && namesCredential(wrapped))
  );
};

/** The query parameters that a value of that schema says credentials come in. */
export function credentialParameters(schema: Schema | undefined, value: unknown): string[] {
  if (schema === undefined) return [];
  if (typeof value === "string") return namesCredential(schema) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  const known = fitting(schema, value)[0];
  return Object.entries(value).flatMap(([key, item]) =>
    credentialParameters(childOf(known, Array.isArray(value) ? 0 : key), item),
  );
}

/**
 * Whether a value that does not fit may be shown in a message: what is wanted at its place is a number, a switch, a word
 * or a text that may be shown.
 */
export function mayTell(schema: Schema, root: unknown, path: Path): boolean {
  let at: Schema | undefined = schema;
  let value = root;
  for (const part of path) {
    at = at && childOf(fitting(at, value)[0], part);
    value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[part];
  }
  const single = at === undefined ? [] : optionsOf(at).filter((option) => LEAVES.has(partsOf(option).type));
  return single.length > 0 && single.every((option) => partsOf(option).type !== "string" || markOf(option) === true);
}

const LEAVES: ReadonlySet<string> = new Set(["string", "number", "boolean", "picklist", "literal"]);
