import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { middlewareNames } from "../../scripts/reference/keys.ts";
import { MIDDLEWARE_EXAMPLES } from "../../scripts/reference/middleware-examples.ts";
import { keyMetadata } from "../../src/base/schema/key.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { refusals } from "./schema-refusals.ts";
import { keySchemas } from "./schema-walk.ts";
import { config, errors, IN_POD, warnings } from "./support.ts";

/** Only what is read of the JSON Schema here. */
interface Node {
  readonly type?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
}

/** A key: of which types its values may be, and its default. */
interface Key {
  readonly type: Set<unknown>;
  default?: unknown;
}

/** Every key of the schema by its place; `[]` is an entry of a list, `{}` one of a mapping of any names. */
function keysOf(node: Node, path: string, keys = new Map<string, Key>()): Map<string, Key> {
  const key = keys.get(path) ?? { type: new Set() };
  keys.set(path, key);
  key.type.add(node.type);
  key.default ??= node.default;
  for (const form of node.anyOf ?? []) keysOf(form, path, keys);
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    keysOf(child, path === "" ? name : `${path}.${name}`, keys);
  }
  if (node.items !== undefined) keysOf(node.items, `${path}[]`, keys);
  if (typeof node.additionalProperties === "object") keysOf(node.additionalProperties, `${path}{}`, keys);
  return keys;
}

const schema = configJsonSchema(FORMAT) as unknown as { readonly definitions: Readonly<Record<string, Node>> } & Node;
const nodes = keysOf(schema.definitions.middleware!, "middleware", keysOf(schema, ""));

/** The values in a mapping, by their place. */
const leaves = (path: string, value: unknown): [place: string, value: unknown][] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => leaves(`${path}.${key}`, inner))
    : value === undefined
      ? []
      : [[path, value]];

describe("help", () => {
  test("every key and every option of a middleware says what it is for", () => {
    const keys = keySchemas();
    assert(keys.length > 500);
    assertEquals(
      keys.filter(({ schema }) => !keyMetadata(schema)?.help).map(({ path }) => path),
      [],
      "give their schemas a sentence: key(schema, { help })",
    );
  });

  test("every switch shows what it is where it is left out", () => {
    // What a header must be, and the value of a name of one's own, are written or not there.
    const switches = [...nodes].filter(([path, { type }]) => type.has("boolean") && !/\.present$|\{\}$/.test(path));
    assert(switches.length > 30);
    assertEquals(
      switches.filter(([, node]) => node.default === undefined).map(([path]) => path),
      [],
    );
  });

  test("the defaults it shows are what an entry gets that says nothing", () => {
    const nodesOf = "nodes: [{host: a, port: 1}]";
    const { routes, streams } = config(
      `{routes: [{${nodesOf}, upstream_tls: {}, health: {active: {path: /h}}}], streams: [{${nodesOf}, listen: 1, upstream_tls: {}, health: {active: {}}}]}`,
    );
    const keys = ["balancer", "pass_host", "timeouts", "retries", "keepalive", "health", "upstream_tls"];
    const made = { routes, streams } as unknown as Record<string, Record<string, unknown>[]>;
    const filled = ["routes", "streams"].flatMap((list) =>
      keys.flatMap((key) => leaves(`${list}[].${key}`, made[list]![0]![key])),
    );
    const known = filled.filter(([place]) => !place.endsWith(".active.path"));
    assert(known.length > 25);
    assertEquals(
      known.map(([place]) => [place, nodes.get(place)?.default]),
      known,
    );
  });

  test("defaults are shown", () => {
    const { properties } = configJsonSchema(FORMAT) as { properties: { server: { properties: { drain: unknown } } } };
    assertEquals(properties.server.properties.drain, {
      description:
        "After SIGTERM, how long requests in flight may take. Must be milliseconds: a whole number from 0 to 2147483647.",
      default: 10_000,
      anyOf: [{ type: "integer", minimum: 0, maximum: 2_147_483_647 }, { $ref: "#/definitions/variable" }],
    });
  });
});

describe("the example of every middleware", () => {
  test("is there, and of none that is not", () => {
    assertEquals(Object.keys(MIDDLEWARE_EXAMPLES).sort(), middlewareNames().sort());
  });

  for (const [name, example] of Object.entries(MIDDLEWARE_EXAMPLES)) {
    test(`${name} is an entry that loader and schema take as it is`, () => {
      const secrets = [...example.matchAll(/\$\{(\w+)\}/g)].map(([, variable]) => [variable, `of ${variable}`]);
      const world = { ...IN_POD, env: { ...IN_POD.env, ...Object.fromEntries(secrets) } };
      const entry = example.replaceAll("\n", "\n      ");
      const file = `discovery: {kubernetes: {}}\nroutes:\n  - service: a/b\n    middleware:${entry}\n`;
      assertEquals([...errors(file, world), ...warnings(file, world), ...refusals(file)], []);
      assertEquals(Object.keys(config(file, world).routes[0]!.middleware[0]!)[0], name);
    });
  }
});
