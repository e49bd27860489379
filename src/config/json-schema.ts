import {
  type JsonSchema,
  type OverrideActionContext,
  type OverrideSchemaContext,
  toJsonSchema,
} from "@valibot/to-json-schema";
import { isMapping, wantedBy } from "../base/schema/shapes.ts";
import { middlewareSchema } from "../middleware/catalog.ts";
import { ROUTE_DEFAULTS, STREAM_DEFAULTS } from "./defaults.ts";
import { HELP } from "./help.ts";
import { KEY_RULES, type KeyRules } from "./key-rules.ts";
import { fileSchema } from "./schema.ts";

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

/** Actions of which no keyword can tell what they do; what can be told of a check stands beside it in `keywords`. */
const UNTOLD = ["check", "to_lower_case", "to_upper_case"];

/** JSON Schema knows no flags: an expression with one would mean something else. What may be shown is our own matter. */
function standardOnly({ valibotAction, jsonSchema }: OverrideActionContext): JsonSchema | undefined {
  if (valibotAction.type === "metadata" && ("shown" in jsonSchema || "credential" in jsonSchema)) {
    const { shown: _, credential: __, ...rest } = jsonSchema as unknown as Schema;
    return rest as JsonSchema;
  }
  const { requirement } = valibotAction as { requirement?: unknown };
  if (!(requirement instanceof RegExp) || requirement.flags === "") return undefined;
  const { pattern: _, ...rest } = jsonSchema;
  return rest;
}

/** What an editor knows of the keywords beside it. */
const SAID_BY_KEYWORDS = /^(?:a value|true or false|a mapping of the keys .*)$/;

/** Says of a value what it must be, in the words of the loader's errors. */
function withWanted({ valibotSchema, jsonSchema }: OverrideSchemaContext): JsonSchema {
  const wanted = wantedBy(valibotSchema);
  return SAID_BY_KEYWORDS.test(wanted) ? jsonSchema : { description: `Must be ${wanted}.`, ...jsonSchema };
}

const without = (keys: readonly string[]): Schema => ({
  properties: Object.fromEntries(keys.map((key) => [key, false])),
});

/** The keywords that tell which keys of a mapping go together. */
function keyKeywords({ one, some, apart = [], alone = {}, with: pairs = {} }: KeyRules): Schema {
  const dependencies: Record<string, Schema | string[]> = {};
  for (const keys of apart) {
    for (const key of keys) dependencies[key] = without(keys.filter((other) => other !== key));
  }
  for (const [key, others] of Object.entries(alone)) dependencies[key] = without(others);
  for (const [key, other] of Object.entries(pairs)) dependencies[key] = [other];
  return {
    ...(one && { oneOf: one.map((key) => ({ required: [key] })) }),
    ...(some && { anyOf: some.map((key) => ({ required: [key] })) }),
    ...(Object.keys(dependencies).length > 0 && { dependencies }),
  } as Schema;
}

/** Where a key is explained: both forms of a key that may be a list in one place, and what several keys have in common. */
export const placeOf = (path: string): string =>
  path
    .replace(/^discovery\.kubernetes\[\]/, "discovery.kubernetes")
    .replace(/^defaults\./, "routes[].")
    .replace(/^streams\[\]\.(?=services|nodes|cluster|namespace|port_name|upstream_tls)/, "routes[].")
    .replace(/^streams\[\]\.(?=tls)/, "server.")
    .replace(/^server\.tls\[\]/, "server.tls")
    .replace(/^(?:admin|streams\[\])\.(?=listen\.)/, "server.")
    .replace(/^routes\[\]\.(?:query|cookies)\{\}/, "routes[].headers{}")
    .replace(/^(middleware\.[a-z_]+\.key)\[\]/, "$1");

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

/** The values in a mapping, by their place. */
const leaves = (path: string, value: unknown): [place: string, value: unknown][] =>
  isMapping(value) ? Object.entries(value).flatMap(([key, inner]) => leaves(`${path}.${key}`, inner)) : [[path, value]];

/** Defaults that are filled in only after `defaults` of the file are merged in, by their place. */
const FILLED_LATER: ReadonlyMap<string, unknown> = new Map([
  ...leaves("routes[]", ROUTE_DEFAULTS),
  ...leaves("streams[]", STREAM_DEFAULTS),
]);

/** Puts in what the conversion does not know of: variables, keys that go together, help, defaults. `path` as in `HELP`. */
function finish(schema: Schema, path: string): Schema {
  const place = placeOf(path);
  const { description: wanted, default: initial = FILLED_LATER.get(place), ...rest } = schema;
  const description = [HELP[place], wanted].filter(Boolean).join(" ");
  const said = {
    ...(description !== "" && { description }),
    ...(initial !== undefined && { default: initial }),
  } as Schema;
  const inner = finishInside(rest as Schema, path);
  const options = distinct(
    alternatives(inner).map((option) => (option.description === wanted ? silent(option) : option)),
  );
  return options.length === 1 ? { ...said, ...options[0] } : ({ ...said, anyOf: options } as Schema);
}

const silent = ({ description: _, ...schema }: Schema): Schema => schema as Schema;

function finishInside(schema: Schema, path: string): Schema {
  const made: Schema = { ...schema };
  if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
  // Names of groups are written in another way outside JavaScript, and nobody reads them here.
  if (typeof made.pattern === "string") made.pattern = made.pattern.replace(/\(\?<[a-z]+>/g, "(");
  if (isMapping(schema.properties)) {
    const keys = Object.entries(schema.properties as Record<string, Schema>);
    made.properties = Object.fromEntries(
      keys.map(([key, child]) => [key, finish(child, path === "" ? key : `${path}.${key}`)]),
    );
    if (schema.required?.length === 0) delete made.required;
    Object.assign(made, keyKeywords(KEY_RULES[placeOf(path)] ?? {}));
  } else if (isMapping(schema.additionalProperties)) {
    made.additionalProperties = finish(schema.additionalProperties as Schema, `${path}{}`);
  }
  if (schema.type === "array" && isMapping(schema.items)) made.items = finish(schema.items as Schema, `${path}[]`);
  if (schema.type === undefined && schema.anyOf !== undefined) {
    made.anyOf = (schema.anyOf as Schema[]).map((option) => finishInside(option, path));
  }
  return made;
}

/**
 * The JSON Schema (draft-07, which editors know best) of gateway.yaml, made of the one definition the loader uses. It
 * refuses nothing that the loader takes; what depends on other files, the surroundings or several places is the
 * loader's alone.
 */
export function configJsonSchema(): Record<string, unknown> {
  const {
    $schema,
    $defs = {},
    ...schema
  } = toJsonSchema(fileSchema, {
    target: "draft-07",
    typeMode: "input",
    ignoreActions: UNTOLD,
    overrideSchema: withWanted,
    overrideAction: standardOnly,
    definitions: { middleware: middlewareSchema },
    overrideRef: ({ referenceId }) => `#/definitions/${referenceId}`,
  }) as Schema & { $defs?: Record<string, Schema> };
  const definitions = Object.entries($defs).map(([name, one]) => [name, finish(one, name)]);
  return {
    $schema,
    title: "gateway.yaml",
    ...finish(schema as Schema, ""),
    definitions: { ...DEFINITIONS, ...Object.fromEntries(definitions) },
  };
}

/** The keys a JSON Schema of this file tells of, by their place, with what it says of each. */
export function placesOf(schema: Record<string, unknown>): Map<string, string> {
  const places = new Map<string, string>();
  const walk = (node: Schema, path: string): void => {
    for (const option of (node.anyOf ?? []) as Schema[]) walk(option, path);
    for (const [key, child] of Object.entries((node.properties ?? {}) as Record<string, Schema>)) {
      const place = path === "" ? key : `${path}.${key}`;
      places.set(placeOf(place), child.description ?? "");
      walk(child, place);
    }
    if (isMapping(node.items)) walk(node.items as Schema, `${path}[]`);
    if (isMapping(node.additionalProperties)) walk(node.additionalProperties as Schema, `${path}{}`);
  };
  walk(schema as Schema, "");
  for (const [name, one] of Object.entries(schema.definitions as Record<string, Schema>)) walk(one, name);
  return places;
}
