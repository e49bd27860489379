import * as v from "valibot";
import { isAddress, isHostName, stripBrackets } from "../base/addresses.ts";

/**
 * The value types of the config file. Every message completes the sentence "PATH must be …" (and "write …" where the
 * key was left empty), and never holds the value that was found: it may be a secret.
 */

type AnySchema = v.GenericSchema;
type Mapping = Record<string, unknown>;

/** Type of the issue for a key the schema does not know; `expected` holds the keys there are, as JSON. */
export const UNKNOWN_KEY = "podway_unknown_key";
/** Type of the issue for a key that is needed and not there; `message` says what to write. */
export const MISSING_KEY = "podway_missing_key";

/** Whether a value is what YAML calls a mapping. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a schema's value must be, in words; the schemas of this file always have them. */
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

/** The first schema of a pipe, which says what kind of value it takes. */
const root = (schema: AnySchema): AnySchema & { entries?: v.ObjectEntries; options?: unknown; literal?: unknown } =>
  ((schema as { pipe?: readonly AnySchema[] }).pipe?.[0] ?? schema) as AnySchema;

const keysTaken = (schema: AnySchema, value: Mapping): number =>
  Object.keys(value).filter((key) => Object.hasOwn(root(schema).entries ?? {}, key)).length;

function takes(schema: AnySchema, value: unknown): boolean {
  const { type, literal } = root(schema);
  if (type === "literal") return literal === value;
  if (type === "picklist") return (root(schema).options as readonly unknown[]).includes(value);
  if (type === "strict_object") return isMapping(value) && keysTaken(schema, value) > 0;
  if (type === "array") return Array.isArray(value);
  return type === typeof value;
}

/** The alternative a value was meant for, told by its kind and its keys; undefined when that is open. */
function intended(options: readonly AnySchema[], value: unknown): AnySchema | undefined {
  const fitting = options.filter((option) => takes(option, value));
  if (fitting.length <= 1 || !isMapping(value)) return fitting[0];
  const most = Math.max(...fitting.map((option) => keysTaken(option, value)));
  const best = fitting.filter((option) => keysTaken(option, value) === most);
  return best.length === 1 ? best[0] : undefined;
}

/**
 * One of several shapes. A value is held against the one it was meant for, so that a mistake inside it is told as that
 * and not as "matches none"; `wanted` is for the value that is meant for none of them.
 */
export function oneOf<const Options extends v.UnionOptions>(
  options: Options,
  wanted: string,
): v.UnionSchema<Options, string> {
  const union = v.union(options, wanted);
  const objects = options.filter((option) => root(option as AnySchema).type === "strict_object");
  const run: (typeof union)["~run"] = (dataset, config) => {
    const onlyObject = isMapping(dataset.value) && objects.length === 1 ? objects[0] : undefined;
    const option = onlyObject ?? intended(options as unknown as readonly AnySchema[], dataset.value);
    if (option) return (option as AnySchema)["~run"](dataset, config) as never;
    return union["~run"](dataset, config);
  };
  return { ...union, "~run": run };
}

/**
 * What a check says, as far as keywords of JSON Schema can say it: for editors. The check is what counts, so the keywords
 * are never the stricter of the two.
 */
export const keywords = <Input, const Keywords extends Mapping>(words: Keywords): v.MetadataAction<Input, Keywords> =>
  v.metadata(words);

type Shown<Schema extends AnySchema> = v.SchemaWithPipe<
  readonly [Schema, v.MetadataAction<v.InferOutput<Schema>, { shown: true | "url" }>]
>;

/**
 * Says of a text that it may be shown wherever the config is: it is a name, an address, a pattern, never a credential. A
 * text without this is treated as a secret by everything that prints a config (see shown.ts).
 */
export const shown = <const Schema extends AnySchema>(schema: Schema): Shown<Schema> =>
  v.pipe(schema, v.metadata({ shown: true })) as unknown as Shown<Schema>;

/** The same of a URL: without user and password, and without the values in its query. */
export const shownUrl = <const Schema extends AnySchema>(schema: Schema): Shown<Schema> =>
  v.pipe(schema, v.metadata({ shown: "url" })) as unknown as Shown<Schema>;

/** The name of a query parameter that a credential comes in: its values are hidden in the access log. */
export const credentialParameter = (wanted: string) => v.pipe(shown(text(wanted)), v.metadata({ credential: true }));

/** A text with at least one character. */
export const text = (wanted: string) => v.pipe(v.string(wanted), v.nonEmpty(wanted));

/** Any text, the empty one too. */
export const anyText = v.string("a text");

/** A name, a path or the like: a text with at least one character that may be shown. */
export const shownText = (wanted: string) => shown(text(wanted));

/** A name with at least one character, where the key says enough. */
export const nonEmpty = shownText("a text that is not empty");

/** true or false. */
export const boolean = v.boolean("true or false");

/** A list with at least one of what `item` is. */
export const list = <const Item extends AnySchema>(item: Item, wanted: string) =>
  v.pipe(v.array(item, `a list of ${wanted}`), v.minLength(1, `a list of ${wanted}, at least one`));

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

/** A whole number from `min` to `max`. */
export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER) => {
  const wanted =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`;
  return v.pipe(v.number(wanted), v.integer(wanted), v.minValue(min, wanted), v.maxValue(max, wanted));
};

/** The longest a timer of the runtimes can wait: more fires at once. */
export const MAX_MILLISECONDS = 2_147_483_647;

/** Milliseconds, `min` or more. */
export const milliseconds = (min = 0) => {
  const wanted = `milliseconds: a whole number from ${min} to ${MAX_MILLISECONDS}`;
  return v.pipe(v.number(wanted), v.integer(wanted), v.minValue(min, wanted), v.maxValue(MAX_MILLISECONDS, wanted));
};

const PORT = "a port from 1 to 65535";

/** A TCP port as a number or, as APISIX writes it, digits in a text. */
export const portOf = (wanted: string) =>
  oneOf(
    [
      v.pipe(v.number(wanted), v.integer(wanted), v.minValue(1, wanted), v.maxValue(65_535, wanted)),
      v.pipe(
        shown(v.string(wanted)),
        v.regex(/^[0-9]{1,5}$/, wanted),
        v.transform(Number),
        v.check((n) => n >= 1 && n <= 65_535, wanted),
      ),
    ],
    wanted,
  );

/** A port of anything. */
export const port = portOf(PORT);

const compiles = (source: string): boolean => {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
};

const REGEX = "a regular expression that JavaScript can read";

/** The source of a regular expression that compiles. */
export const regexSource = v.pipe(text(REGEX), v.check(compiles, REGEX));

/** A host name or an address, roughly, as a regular expression. */
export const HOST_SHAPE = "[A-Za-z0-9_](?:[-.A-Za-z0-9_]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+|\\[[0-9A-Fa-f:.]+\\]";

const HOST = "an IPv4 or IPv6 address or a host name, without scheme, port or path";

/** An address or a name; IPv6 with or without brackets, given without. */
export const hostOf = (wanted: string) =>
  v.pipe(
    shown(v.string(wanted)),
    keywords({ pattern: `^(?:${HOST_SHAPE})$` }),
    v.transform(stripBrackets),
    v.check((value) => isAddress(value) || isHostName(value), wanted),
  );

/** An address or a name of anything. */
export const host = hostOf(HOST);

const NAMESPACE = "a namespace: lower-case letters, digits and inner dashes, at most 63";

/** A namespace's name (RFC 1123 label). */
export const namespace = v.pipe(shown(v.string(NAMESPACE)), v.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, NAMESPACE));

/** A field or method name (RFC 9110 section 5.6.2, `token`). */
export const token = (wanted: string) =>
  v.pipe(shown(v.string(wanted)), v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, wanted));

/** The name of a header; case means nothing, so it is kept in lower case. */
export const headerName = v.pipe(token("a header name"), v.toLowerCase());

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a field value may not hold
const FIELD_VALUE = /^[^\u0000\r\n\u0100-\uffff]*$/;
const FIELD_VALUE_WORDS = "a text without line ends and letters beyond Latin-1";

/** A header's value: no line ends, no NUL (RFC 9110 section 5.5), and nothing that is no byte. */
export const headerValue = v.pipe(v.string("a text"), v.regex(FIELD_VALUE, FIELD_VALUE_WORDS));

/** A part of a header's value, which may be shown. */
export const shownPart = shown(
  v.pipe(v.string(FIELD_VALUE_WORDS), v.nonEmpty(FIELD_VALUE_WORDS), v.regex(FIELD_VALUE, FIELD_VALUE_WORDS)),
);
