import * as v from "valibot";

/**
 * What is known of one key of the config file beside its type. It stands once, at the key's schema; checks, redaction,
 * the JSON Schema and the docs read it there.
 */

type AnySchema = v.GenericSchema;

/**
 * Why a value is not supported somewhere: the rest of a sentence that begins with the key's path, for every value but
 * null, `false` and an empty list; or a function of the value as written, undefined where that value is fine.
 */
export type Unsupported = string | ((value: unknown) => string | undefined);

/** What is known of a key. */
export interface KeyMetadata {
  /** What it is for, in a sentence or two: what its value must be stands beside it. */
  readonly help: string;
  /** The files to be read that a value names; left out: it names none. */
  readonly files?: (value: string) => readonly string[];
  /** Why it is not supported on Cloudflare Workers. */
  readonly workers?: Unsupported;
  /** Why it is ignored on Cloudflare Workers, which is only a warning. */
  readonly ignoredOnWorkers?: Unsupported;
  /** What the writer of a value should know of it; undefined: nothing. */
  readonly warning?: (value: unknown) => string | undefined;
  /** Why it is not supported on a runtime without threads that share a port. */
  readonly threads?: Unsupported;
  /** Its default, where that is filled in after the schema has read the file: see `lateDefault`. */
  readonly lateDefault?: unknown;
}

/** Attaches what is known of a key to its schema. */
export const key = <const Schema extends AnySchema>(schema: Schema, metadata: KeyMetadata): Schema =>
  ({ ...schema, key: metadata }) as Schema;

/** A key that may be left out. */
export const optional = <const Schema extends AnySchema>(
  schema: Schema,
  metadata: KeyMetadata,
): v.OptionalSchema<Schema, undefined> => key(v.optional(schema), metadata);

/** A key that may be left out, with its default. */
export const withDefault = <const Schema extends AnySchema, const Default extends v.InferInput<Schema>>(
  schema: Schema,
  value: Default,
  metadata: KeyMetadata,
): v.OptionalSchema<Schema, Default> => key(v.optional(schema, value as never) as never, metadata);

/** What is known of the key that a schema is for; undefined: it is for none. */
export const keyMetadata = (schema: AnySchema): KeyMetadata | undefined =>
  (schema as { readonly key?: KeyMetadata }).key;

/** The `files` of a key whose value is the path of one. */
export const oneFile = (path: string): readonly string[] => [path];

/** A key that may be left out, whose default is filled in later. */
export type LateDefaultSchema<Schema extends AnySchema> = v.OptionalSchema<Schema, undefined> & {
  readonly lateDefault?: v.InferOutput<Schema>;
};

/** A key that may be left out. Its default comes only after what `defaults` of the file say. */
export const lateDefault = <const Schema extends AnySchema>(
  schema: Schema,
  value: v.InferOutput<Schema>,
  metadata: KeyMetadata,
): LateDefaultSchema<Schema> => optional(schema, { ...metadata, lateDefault: value }) as LateDefaultSchema<Schema>;

type LateDefaults<Entries> = {
  [Key in keyof Entries as Entries[Key] extends { readonly lateDefault?: unknown }
    ? Key
    : never]: Entries[Key] extends {
    readonly lateDefault?: infer Default;
  }
    ? NonNullable<Default>
    : never;
};

/** The defaults of those keys of a mapping that are filled in later. */
export const lateDefaults = <const Entries extends v.ObjectEntries>({
  entries,
}: {
  readonly entries: Entries;
}): LateDefaults<Entries> =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([name, entry]) => {
      const { lateDefault: value } = keyMetadata(entry as AnySchema) ?? {};
      return value === undefined ? [] : [[name, value]];
    }),
  ) as LateDefaults<Entries>;

/** Which keys of one mapping go together, as far as the presence of keys decides it. */
export interface KeyRules {
  /** Exactly one of them has to be there. */
  readonly one?: readonly string[];
  /** At least one of them has to be there. */
  readonly some?: readonly string[];
  /** The error of a mapping that has none of `one` or `some`; the sentence goes on after its path. */
  readonly none?: string;
  /** At most one of each list may be there. */
  readonly apart?: readonly (readonly string[])[];
  /** A key, and those that would have no effect beside it. */
  readonly alone?: Readonly<Record<string, readonly string[]>>;
  /** A key, and the one it means nothing without, with a sentence where "needs KEY beside it" does not say enough. */
  readonly with?: Readonly<Record<string, string | readonly [key: string, sentence: string]>>;
}

/** What is known of a mapping. */
export interface MappingMetadata {
  readonly rules?: KeyRules;
  /** The hint for a key that other gateways have here, as the end of a sentence; undefined: there is none. */
  readonly foreign?: (key: string) => string | undefined;
}

/** Attaches what is known of a mapping to its schema. */
export const mapping = <const Schema extends AnySchema>(schema: Schema, metadata: MappingMetadata): Schema =>
  ({ ...schema, mapping: metadata }) as Schema;

/** What is known of a mapping. */
export const mappingMetadata = (schema: AnySchema): MappingMetadata =>
  (schema as { readonly mapping?: MappingMetadata }).mapping ?? {};
