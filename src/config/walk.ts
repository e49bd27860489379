import type * as v from "valibot";
import { formsFor, isMapping } from "../base/schema/shapes.ts";
import type { Path } from "./issues.ts";

/** Which part of the schema a value of a config is meant for, whether it fits or not, was read already or not. */

export type Schema = v.GenericSchema;

/** Only what is read here of a schema; every kind of them has some of it. */
interface Parts {
  readonly type: string;
  readonly wrapped?: Schema;
  readonly options?: readonly unknown[];
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly value?: Schema;
  /** Whether a text may be shown, and as what: see `shown` and `shownUrl`. */
  readonly shown?: true | "url";
  readonly credential?: true;
}

/** What of a schema is read here. */
export const schemaParts = (schema: unknown): Parts => schema as Parts;

const known = new WeakMap<Schema, readonly Schema[]>();

/** The alternatives a value may have been meant for: unions resolved, without what makes a schema optional. */
export function optionsOf(schema: Schema): readonly Schema[] {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const { type, wrapped, options = [] } = schemaParts(schema);
  const found = wrapped
    ? optionsOf(wrapped)
    : type === "union"
      ? (options as Schema[]).flatMap((option) => optionsOf(option))
      : [schema];
  known.set(schema, found);
  return found;
}

/** The alternatives that fit the shape of a value, the best one alone where it is a mapping. */
export function fitting(schema: Schema, value: unknown): Schema[] {
  const forms = formsFor(optionsOf(schema), value);
  return isMapping(value) ? forms.slice(0, 1) : forms;
}

/** What stands under a key of a value of this schema; undefined: the schema does not know it. */
export function childOf(schema: Schema | undefined, key: string | number): Schema | undefined {
  if (schema === undefined) return undefined;
  const { type, entries = {}, item, value } = schemaParts(schema);
  if (type === "array") return item;
  if (type === "record") return value;
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** The schema of what stands at a path of a value; undefined: the schema does not know it. */
export function schemaAt(schema: Schema, root: unknown, path: Path): Schema | undefined {
  let at: Schema | undefined = schema;
  let value = root;
  for (const part of path) {
    at = at && childOf(fitting(at, value)[0], part);
    value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[part];
  }
  return at;
}

/** A value, where it stands, and its schema, a union perhaps; undefined where the schema does not know it. */
export interface Visited {
  readonly path: Path;
  readonly value: unknown;
  readonly schema: Schema | undefined;
}

/** Calls `visit` with a value and with every value in it, each before what it holds. */
export function walk(schema: Schema | undefined, value: unknown, visit: (at: Visited) => void, path: Path = []): void {
  visit({ path, value, schema });
  if (typeof value !== "object" || value === null) return;
  const form = schema && fitting(schema, value)[0];
  for (const [key, child] of Object.entries(value)) {
    const part = Array.isArray(value) ? Number(key) : key;
    walk(childOf(form, part), child, visit, [...path, part]);
  }
}
