import {
  type JsonSchema,
  type OverrideActionContext,
  type OverrideSchemaContext,
  toJsonSchema,
} from "@valibot/to-json-schema";
import type * as v from "valibot";
import { type KeyRules, keyMetadata, mappingMetadata } from "../base/schema/key.ts";
import { isMapping, wantedBy } from "../base/schema/shapes.ts";
import type { FileFormat } from "./schema.ts";

/** Only what this file reads of a JSON Schema; everything else passes. */
type Schema = JsonSchema & { [keyword: string]: unknown };

/** A value that is one environment variable: it may stand for a number or a boolean (see `validate`). */
const VARIABLE = { $ref: "#/definitions/variable" };
/** A text with an environment variable in it: what it will be is not known here. */
const TEXT_WITH_VARIABLE = { $ref: "#/definitions/text_with_variable" };

const NAME = "[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?";

const DEFINITIONS: Readonly<Record<string, Schema>> = {
  variable: {
    description: "An environment variable: ${NAME}, or ${NAME:-default}.",
    type: "string",
    pattern: `^\\$\\{${NAME}\\}$`,
  },
  text_with_variable: {
    description: "A text with environment variables in it: ${NAME}, or ${NAME:-default}.",
    type: "string",
    pattern: `(?:^|[^$])\\$\\{${NAME}\\}`,
  },
};

/** Actions that no keyword expresses; what can be expressed of a check stands beside it in `keywords`. */
const WITHOUT_KEYWORD = ["check", "to_lower_case", "to_upper_case"];

/** JSON Schema has no flags: an expression with one would mean something else. */
function withoutFlags({ valibotAction, jsonSchema }: OverrideActionContext): JsonSchema | undefined {
  const { requirement } = valibotAction as { requirement?: unknown };
  if (!(requirement instanceof RegExp) || requirement.flags === "") return undefined;
  const { pattern: _, ...rest } = jsonSchema;
  return rest;
}

/** What an editor knows of the keywords beside it. */
const SAID_BY_KEYWORDS = /^(?:a value|true or false|a mapping of the keys .*)$/;

const without = (keys: readonly string[]): Schema => ({
  properties: Object.fromEntries(keys.map((key) => [key, false])),
});

/** The keywords for which keys of a mapping go together. */
function keyKeywords({ one, some, apart = [], alone = {}, with: pairs = {} }: KeyRules): Schema {
  const dependencies: Record<string, Schema | string[]> = {};
  for (const keys of apart) {
    for (const key of keys) dependencies[key] = without(keys.filter((other) => other !== key));
  }
  for (const [key, others] of Object.entries(alone)) dependencies[key] = without(others);
  for (const [key, other] of Object.entries(pairs)) dependencies[key] = [typeof other === "string" ? other : other[0]];
  return {
    ...(one && { oneOf: one.map((key) => ({ required: [key] })) }),
    ...(some && { anyOf: some.map((key) => ({ required: [key] })) }),
    ...(Object.keys(dependencies).length > 0 && { dependencies }),
  } as Schema;
}

/** Adds what is known of the keys of a mapping, which `finish` turns into standard keywords. */
function withMetadata(schema: OverrideSchemaContext["valibotSchema"], made: Schema): Schema {
  const { entries } = schema as { readonly entries?: v.ObjectEntries };
  if (entries === undefined) return made;
  const properties = Object.entries(made.properties as Record<string, Schema>).map(([name, property]) => {
    const { help, lateDefault } = keyMetadata(entries[name] as v.GenericSchema) ?? {};
    return [name, { ...property, help, lateDefault }];
  });
  const { rules = {} } = mappingMetadata(schema as v.GenericSchema);
  return { ...made, properties: Object.fromEntries(properties), ...keyKeywords(rules) };
}

/** Adds what a value must be, as the loader's errors say it, and what is known of its keys. */
function withWanted({ valibotSchema, jsonSchema }: OverrideSchemaContext): JsonSchema {
  const wanted = wantedBy(valibotSchema as v.GenericSchema);
  const made = withMetadata(valibotSchema, jsonSchema as Schema);
  return SAID_BY_KEYWORDS.test(wanted) ? made : { description: `Must be ${wanted}.`, ...made };
}

/** Keywords that more than the kind of a text is known by. */
const TELLING = ["pattern", "format", "enum", "const"];

/** The alternatives of a value, environment variables among them where the loader puts them in. */
function alternatives(schema: Schema): Schema[] {
  if (schema.anyOf !== undefined && schema.type === undefined) return (schema.anyOf as Schema[]).flatMap(alternatives);
  const plain = schema.type === "string" && !TELLING.some((keyword) => keyword in schema);
  if (plain || schema.type === "object" || schema.type === "array" || schema.$ref !== undefined) return [schema];
  const values = (schema.enum ?? ("const" in schema ? [schema.const] : [])) as unknown[];
  if (schema.type === "string" || values.some((value) => typeof value === "string")) {
    return [schema, TEXT_WITH_VARIABLE];
  }
  const wanted = values.length > 0 || ["number", "integer", "boolean"].includes(String(schema.type));
  return wanted ? [schema, VARIABLE] : [schema];
}

const distinct = (schemas: readonly Schema[]): Schema[] => [
  ...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values(),
];

/** Adds what the conversion does not know of: variables, help, defaults. */
function finish(schema: Schema): Schema {
  const { description: wanted, help, lateDefault, default: initial = lateDefault, ...rest } = schema;
  const description = [help, wanted].filter(Boolean).join(" ");
  const said = {
    ...(description !== "" && { description }),
    ...(initial !== undefined && { default: initial }),
  } as Schema;
  const forms = (rest.anyOf as Schema[] | undefined)?.map((form) => withItemHelp(form, help));
  const inner = finishInside((forms === undefined ? rest : { ...rest, anyOf: forms }) as Schema);
  const options = distinct(
    alternatives(inner).map((option) => (option.description === wanted ? silent(option) : option)),
  );
  return options.length === 1 ? { ...said, ...options[0] } : ({ ...said, anyOf: options } as Schema);
}

/** Where one entry may stand instead of a list of them, the key's help is every entry's. */
function withItemHelp(form: Schema, help: unknown): Schema {
  const { items } = form as { readonly items?: Schema };
  const isEntry = form.type === "array" && (items?.type === "object" || items?.anyOf !== undefined);
  return isEntry ? ({ ...form, items: { ...items, help } } as Schema) : form;
}

const silent = ({ description: _, ...schema }: Schema): Schema => schema as Schema;

function finishInside(schema: Schema): Schema {
  const made: Schema = { ...schema };
  if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
  // Names of groups are written in another way outside JavaScript, and editors have no use for them.
  if (typeof made.pattern === "string") made.pattern = made.pattern.replace(/\(\?<[a-z]+>/g, "(");
  if (isMapping(schema.properties)) {
    const keys = Object.entries(schema.properties as Record<string, Schema>);
    made.properties = Object.fromEntries(keys.map(([name, child]) => [name, finish(child)]));
    if (schema.required?.length === 0) delete made.required;
  } else if (isMapping(schema.additionalProperties)) {
    made.additionalProperties = finish(schema.additionalProperties as Schema);
  }
  if (schema.type === "array" && isMapping(schema.items)) made.items = finish(schema.items as Schema);
  if (schema.type === undefined && schema.anyOf !== undefined)
    made.anyOf = (schema.anyOf as Schema[]).map(finishInside);
  return made;
}

/**
 * The JSON Schema (draft-07, which editors know best) of gateway.yaml, made of the one definition the loader uses. It
 * refuses nothing that the loader takes; what depends on other files, the surroundings or several places is the
 * loader's alone.
 */
export function configJsonSchema(format: FileFormat): Record<string, unknown> {
  const {
    $schema,
    $defs = {},
    ...schema
  } = toJsonSchema(format.file, {
    target: "draft-07",
    typeMode: "input",
    ignoreActions: WITHOUT_KEYWORD,
    overrideSchema: withWanted,
    overrideAction: withoutFlags,
    definitions: { middleware: format.middleware },
    overrideRef: ({ referenceId }) => `#/definitions/${referenceId}`,
  }) as Schema & { $defs?: Record<string, Schema> };
  const definitions = Object.entries($defs).map(([name, one]) => [name, finish(one)]);
  return {
    $schema,
    title: "gateway.yaml",
    ...finish(schema as Schema),
    definitions: { ...DEFINITIONS, ...Object.fromEntries(definitions) },
  };
}
