import * as v from "valibot";
import { redacted } from "../../src/config/shown.ts";
import { FORMAT } from "../../src/gateway/format.ts";

/** Only what the walk reads of a schema. */
interface Parts {
  readonly type: string;
  readonly pipe?: readonly v.GenericSchema[];
  readonly wrapped?: v.GenericSchema;
  readonly options?: readonly v.GenericSchema[];
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly item?: v.GenericSchema;
  readonly value?: v.GenericSchema;
  readonly key?: v.GenericSchema;
}

const partsOf = (schema: v.GenericSchema): Parts => schema as unknown as Parts;

/** Texts that some schema of the file takes, and numbers. */
const SAMPLES = [
  ...["a", "/a", "GET", "x-a", "a.example", "10.0.0.0/8", "http://a.example/", "default/web:http", "1m"],
  ...[1, 80, 1000, 4096],
];

/** Stands where a secret is needed that the walk does not mark. */
const VARIABLE = "${USER}";

const takes = (schema: v.GenericSchema, value: unknown): boolean => v.safeParse(schema, value).success;

/** Some value that a schema takes, with nothing in it that need not be there. */
export function sample(schema: v.GenericSchema): unknown {
  const { type, wrapped, options, entries, item } = partsOf(schema);
  if (wrapped !== undefined) return sample(wrapped);
  switch (type) {
    case "union":
      return options!.map(sample).find((value) => takes(schema, value));
    case "picklist":
      return (options as unknown[])[0];
    case "literal":
      return (schema as unknown as { literal: unknown }).literal;
    case "boolean":
      return true;
    case "array":
      return [sample(item!)];
    case "record":
      return {};
    case "unknown":
      return "a";
    case "strict_object":
    case "loose_object":
      return required(entries!);
    default: {
      const value = SAMPLES.find((candidate) => takes(schema, candidate));
      // Where a secret is needed an environment variable holds it, so that it is not found in the file.
      return redacted(schema, value) === value ? value : VARIABLE;
    }
  }
}

const required = (entries: NonNullable<Parts["entries"]>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(entries)
      .filter(([, entry]) => partsOf(entry).type !== "optional")
      .map(([key, entry]) => [key, sample(entry)]),
  );

type Mapping = Record<string, unknown>;

/** A file with what the keys of its one entry need beside them. */
function complete(file: unknown): unknown {
  const made: Mapping = structuredClone(file) as Mapping;
  const nodes = [{ host: "127.0.0.1", port: 1 }];
  for (const holder of [...((made.routes ?? []) as Mapping[]), ...((made.streams ?? []) as Mapping[])]) {
    if (!["service", "services", "nodes", "redirect"].some((key) => key in holder)) holder.nodes = nodes;
  }
  const holders = [...((made.routes ?? []) as Mapping[]), (made.defaults ?? {}) as Mapping];
  for (const entry of holders.flatMap(({ middleware = [] }) => middleware as Mapping[])) {
    const basic = entry.basic_auth as Mapping | undefined;
    if (basic && !("users" in basic)) entry.basic_auth = { username: VARIABLE, password: VARIABLE, ...basic };
    if ("options" in entry) entry.use = "./mine.ts";
  }
  const clusters = (made.discovery as { kubernetes?: unknown } | undefined)?.kubernetes;
  for (const cluster of (clusters === undefined ? [] : [clusters].flat()) as Mapping[]) {
    cluster.service = { host: "127.0.0.1", port: 1, ...(cluster.service as Mapping | undefined) };
  }
  return made;
}

/** Every key of the file with its schema; `[]` is an item, `{}` a name of one's own. */
export function keySchemas(): { readonly path: string; readonly schema: v.GenericSchema }[] {
  const found: { path: string; schema: v.GenericSchema }[] = [];
  const visit = (schema: v.GenericSchema, path: string): void => {
    const { wrapped, options = [], entries = {}, item, value } = partsOf(schema);
    if (wrapped !== undefined) visit(wrapped, path);
    for (const option of options) if (typeof option === "object") visit(option, path);
    for (const [key, entry] of Object.entries(entries)) {
      const place = path === "" ? key : `${path}.${key}`;
      found.push({ path: place, schema: entry });
      visit(entry, place);
    }
    if (item !== undefined) visit(item, `${path}[]`);
    if (value !== undefined) visit(value, `${path}{}`);
  };
  visit(FORMAT.file, "");
  return found;
}

/** One place of the file where a text can stand. */
export interface TextPlace {
  /** Keys from the top, `[]` for an item and `{}` for a name of one's own. */
  readonly path: string;
  /** Whether the schema says that it may be shown. */
  readonly shown: boolean;
  /** What the schema takes there that has the text `mark` in it. */
  readonly marked: string;
  /** The file's value, as little as there can be, with something at that place. */
  around(value: unknown): unknown;
}

/** Every place of the file where a text that is not one of a fixed list can stand, by the schema itself. */
export function textPlaces(mark: string): TextPlace[] {
  const places: TextPlace[] = [];
  const walk = (schema: v.GenericSchema, path: string, around: (value: unknown) => unknown): void => {
    const { type, wrapped, options, entries, item, value } = partsOf(schema);
    if (wrapped !== undefined) {
      walk(wrapped, path, around);
      return;
    }
    switch (type) {
      case "union":
        for (const option of options!) walk(option, path, around);
        return;
      case "array":
        walk(item!, `${path}[]`, (inner) => around([inner]));
        return;
      case "record": {
        const name = SAMPLES.find((key) => takes(partsOf(schema).key!, key))!;
        walk(value!, `${path}{}`, (inner) => around({ [name]: inner }));
        return;
      }
      case "strict_object":
      case "loose_object":
        for (const [key, entry] of Object.entries(entries!)) {
          const inside = (inner: unknown): unknown => around({ ...required(entries!), [key]: inner });
          walk(entry, path === "" ? key : `${path}.${key}`, inside);
        }
        if (type === "loose_object") {
          const inside = (inner: unknown): unknown => around({ ...required(entries!), other: inner });
          places.push({ path: `${path}.other`, shown: false, marked: mark, around: inside });
        }
        return;
      case "unknown":
      case "string": {
        for (const marked of [mark, `/${mark}`, `http://u:${mark}@a.example/`, `/a?k=${mark}`]) {
          if (!takes(schema, marked)) continue; // a text of a narrow form, such as a size
          places.push({ path, shown: redacted(schema, marked) === marked, marked, around });
        }
      }
    }
  };
  walk(FORMAT.file, "", complete);
  // The first of its kind for each place.
  return [...new Map(places.reverse().map((place) => [`${place.path} ${place.shown}`, place])).values()].reverse();
}
