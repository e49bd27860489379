import * as v from "valibot";

/** Mappings, lists and alternatives, with messages that name every fault at its own place. */

type AnySchema = v.GenericSchema;
type Mapping = Record<string, unknown>;

/** Type of the issue for a key the schema does not know; `expected` holds the keys there are, as JSON. */
export const UNKNOWN_KEY = "podway_unknown_key";
/** Type of the issue for a key that is needed and not there; `message` says what to write. */
export const MISSING_KEY = "podway_missing_key";

/** Whether a value is what YAML calls a mapping. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The phrase for what a schema's value must be; the schemas of this file always have one. */
export function wantedBy(schema: AnySchema): string {
  const piped = (schema as { pipe?: readonly unknown[] }).pipe ?? [];
  const wrapped = (schema as { wrapped?: AnySchema }).wrapped;
  const said = [...piped, schema].map((part) => (part as { message?: unknown }).message);
  return said.find((message) => typeof message === "string") ?? (wrapped ? wantedBy(wrapped) : "a value");
}

const pathItem = (input: Mapping, key: string): v.IssuePathItem => ({
  type: "object",
  origin: "key",
  input,
  key,
  value: input[key],
});

/**
 * A mapping of these keys only. Unlike valibot's own it names every unknown key, not just the first, and says of a
 * missing one what to write.
 */
export function object<const Entries extends v.ObjectEntries>(
  entries: Entries,
  wanted = `a mapping of the keys ${Object.keys(entries).join(", ")}`,
): v.StrictObjectSchema<Entries, string> {
  const strict = v.strictObject(entries, wanted);
  const run: (typeof strict)["~run"] = (dataset, config) => {
    const input = dataset.value;
    if (!isMapping(input)) return strict["~run"]({ value: undefined }, config);
    const known = Object.fromEntries(Object.entries(input).filter(([key]) => Object.hasOwn(entries, key)));
    const result = strict["~run"]({ value: known }, config) as v.OutputDataset<unknown, v.BaseIssue<unknown>>;
    const issues = (result.issues ?? []).map((issue): v.BaseIssue<unknown> => {
      const key = issue.path?.[0]?.key;
      const missing = issue.type === "strict_object" && issue.path?.length === 1 && issue.path[0].origin === "key";
      return missing && typeof key === "string"
        ? { ...issue, type: MISSING_KEY, message: wantedBy(entries[key] as AnySchema) }
        : issue;
    });
    for (const key of Object.keys(input)) {
      if (Object.hasOwn(entries, key)) continue;
      issues.push({
        kind: "schema",
        type: UNKNOWN_KEY,
        input: key,
        expected: JSON.stringify(Object.keys(entries)),
        received: "key",
        message: wanted,
        path: [pathItem(input, key)],
      });
    }
    if (issues.length === 0) return result as never;
    return { typed: false, value: result.value, issues } as never;
  };
  return { ...strict, "~run": run };
}

/** Only what is read here of a schema; one with a pipe has all of its first one. */
interface Form {
  readonly type: string;
  readonly entries?: v.ObjectEntries;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
}

const MAPPINGS: ReadonlySet<string> = new Set(["strict_object", "loose_object", "object", "record"]);

const sharedKeys = ({ entries = {} }: Form, value: Mapping): number =>
  Object.keys(value).filter((key) => Object.hasOwn(entries, key)).length;

/** Those of several schemas that a value may be meant for, judged by its kind and, of mappings, by their keys. */
export function formsFor<Schema>(schemas: readonly Schema[], value: unknown): Schema[] {
  const those = (fits: (form: Form) => boolean): Schema[] => schemas.filter((schema) => fits(schema as Form));
  if (Array.isArray(value)) return those(({ type }) => type === "array");
  if (isMapping(value)) {
    const mappings = those(({ type }) => MAPPINGS.has(type));
    if (mappings.length === 1) return mappings;
    const most = Math.max(...mappings.map((schema) => sharedKeys(schema as Form, value)));
    return mappings.filter((schema) => sharedKeys(schema as Form, value) === most);
  }
  const exact = those(
    ({ type, options = [], literal }) =>
      (type === "picklist" && options.includes(value)) || (type === "literal" && literal === value),
  );
  return exact.length > 0 ? exact : those(({ type }) => type === typeof value);
}

/**
 * One of several shapes. A value is checked against the one it was meant for, so that a mistake inside it is reported
 * as that and not as "matches none"; `wanted` is for the value that is meant for none of them.
 */
export function oneOf<const Options extends v.UnionOptions>(
  options: Options,
  wanted: string,
): v.UnionSchema<Options, string> {
  const union = v.union(options, wanted);
  const run: (typeof union)["~run"] = (dataset, config) => {
    const [option, ...more] = formsFor(options, dataset.value);
    const isOpen = option === undefined || (isMapping(dataset.value) && more.length > 0);
    return (isOpen ? union : (option as AnySchema))["~run"](dataset, config) as never;
  };
  return { ...union, "~run": run };
}

/**
 * What a check says, as far as keywords of JSON Schema can say it: for editors. The check is what counts, so the
 * keywords are never the stricter of the two.
 */
export const keywords = <Input, const Keywords extends Mapping>(words: Keywords): v.MetadataAction<Input, Keywords> =>
  v.metadata(words);

/** A list with at least one of what `item` is. */
export const list = <const Item extends AnySchema>(item: Item, wanted: string) =>
  v.pipe(v.array(item, `a list of ${wanted}`), v.minLength(1, `a list of ${wanted}, at least one`));

/** One of what `item` is, or a list of them. */
export const oneOrMany = <const Item extends AnySchema>(item: Item, many: string) =>
  oneOf([item, list(item, many)], `${wantedBy(item)}, or a list of them`);

/** What turns something off. */
export const off = v.literal(false, "false");

/** What a mapping is, or `false`. */
export const orOff = <const Entries extends v.ObjectEntries>(on: v.StrictObjectSchema<Entries, string>) =>
  oneOf([off, on], `false, or a mapping of ${Object.keys(on.entries).join(", ")}`);

/** Names to values of one kind. Unlike valibot's own it refuses a list, which JavaScript thinks has names too. */
export function record<const Key extends v.GenericSchema<string, string>, const Value extends AnySchema>(
  key: Key,
  value: Value,
  wanted: string,
): v.RecordSchema<Key, Value, string> {
  const loose = v.record(key, value, wanted);
  const run: (typeof loose)["~run"] = (dataset, config) =>
    loose["~run"](Array.isArray(dataset.value) ? { value: undefined } : dataset, config);
  return { ...loose, "~run": run };
}

/** One of these words (or numbers). */
export const words = <const Options extends readonly [string | number, ...(string | number)[]]>(options: Options) =>
  v.picklist(options, options.length === 1 ? String(options[0]) : `one of ${options.join(", ")}`);
