import * as v from "valibot";

/**
 * What is known of one key of the config file beside its type. It is said once, at the key's schema; checks, redaction, the
 * JSON Schema and the docs read it there.
 */

type AnySchema = v.GenericSchema;

/**
 * Why a value cannot be had somewhere: a sentence that goes on after the key's path and holds for every value but null,
 * `false` and an empty list; or a function of the value as written, undefined where that value is fine.
 */
export type Lack = string | ((value: unknown) => string | undefined);

/** What is known of a key. */
export interface KeyFacts {
  /** What it is for, in a sentence or two: what its value must be stands beside it. */
  readonly help: string;
  /** The files to be read that a value names; left out: it names none. */
  readonly files?: (value: string) => readonly string[];
  /** Why it cannot be had on Cloudflare Workers. */
  readonly workers?: Lack;
  /** Why it has no effect on Cloudflare Workers, which is only a warning. */
  readonly idleOnWorkers?: Lack;
  /** What the writer of a value should know of it; undefined: nothing. */
  readonly caution?: (value: unknown) => string | undefined;
  /** Why it cannot be had on a runtime without threads that share a port. */
  readonly threads?: Lack;
  /** Its default, where that is filled in after the schema has read the file: see `later`. */
  readonly initial?: unknown;
}

/** Says what is known of the key that a schema is for. */
export const key = <const Schema extends AnySchema>(schema: Schema, facts: KeyFacts): Schema =>
  ({ ...schema, key: facts }) as Schema;

/** A key that may be left out. */
export const optional = <const Schema extends AnySchema>(
  schema: Schema,
  facts: KeyFacts,
): v.OptionalSchema<Schema, undefined> => key(v.optional(schema), facts);

/** A key that may be left out, with its default. */
export const preset = <const Schema extends AnySchema, const Default extends v.InferInput<Schema>>(
  schema: Schema,
  value: Default,
  facts: KeyFacts,
): v.OptionalSchema<Schema, Default> => key(v.optional(schema, value as never) as never, facts);

/** What is known of the key that a schema is for; undefined: it is for none. */
export const keyFacts = (schema: AnySchema): KeyFacts | undefined => (schema as { readonly key?: KeyFacts }).key;

/** The `files` of a key whose value is the path of one. */
export const oneFile = (path: string): readonly string[] => [path];

/** A key that may be left out, whose default is filled in later. */
export type LaterSchema<Schema extends AnySchema> = v.OptionalSchema<Schema, undefined> & {
  readonly initial?: v.InferOutput<Schema>;
};

/** A key that may be left out. Its default comes only after what `defaults` of the file say. */
export const later = <const Schema extends AnySchema>(
  schema: Schema,
  initial: v.InferOutput<Schema>,
  facts: KeyFacts,
): LaterSchema<Schema> => optional(schema, { ...facts, initial }) as LaterSchema<Schema>;

type Initials<Entries> = {
  [Key in keyof Entries as Entries[Key] extends { readonly initial?: unknown } ? Key : never]: Entries[Key] extends {
    readonly initial?: infer Initial;
  }
    ? NonNullable<Initial>
    : never;
};

/** The defaults of those keys of a mapping that are filled in later. */
export const initials = <const Entries extends v.ObjectEntries>({
  entries,
}: {
  readonly entries: Entries;
}): Initials<Entries> =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([name, entry]) => {
      const { initial } = keyFacts(entry as AnySchema) ?? {};
      return initial === undefined ? [] : [[name, initial]];
    }),
  ) as Initials<Entries>;

/** Which keys of one mapping go together, as far as the presence of keys decides it. */
export interface KeyRules {
  /** Exactly one of them has to be there. */
  readonly one?: readonly string[];
  /** At least one of them has to be there. */
  readonly some?: readonly string[];
  /** What is said of a mapping that has none of `one` or `some`; the sentence goes on after its path. */
  readonly none?: string;
  /** At most one of each list may be there. */
  readonly apart?: readonly (readonly string[])[];
  /** A key, and those that would have no effect beside it. */
  readonly alone?: Readonly<Record<string, readonly string[]>>;
  /** A key, and the one it means nothing without, with a sentence where "needs KEY beside it" does not say enough. */
  readonly with?: Readonly<Record<string, string | readonly [key: string, sentence: string]>>;
}

/** What is known of a mapping. */
export interface MappingFacts {
  readonly rules?: KeyRules;
  /** Keys of other gateways that are written here by habit, each with how its sentence ends. */
  readonly foreign?: (key: string) => string | undefined;
}

/** Says what is known of a mapping. */
export const mapping = <const Schema extends AnySchema>(schema: Schema, facts: MappingFacts): Schema =>
  ({ ...schema, mapping: facts }) as Schema;

/** What is known of a mapping. */
export const mappingFacts = (schema: AnySchema): MappingFacts =>
  (schema as { readonly mapping?: MappingFacts }).mapping ?? {};
