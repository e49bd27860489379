import { configJsonSchema } from "../../src/config/json-schema.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { MIDDLEWARE_EXAMPLES } from "./middleware-examples.ts";
import { cell, table } from "./page.ts";

/** What of JSON Schema the config's has. */
interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Node[];
}

const root = configJsonSchema(FORMAT) as unknown as Node & { readonly definitions: Readonly<Record<string, Node>> };

/** What a mapping of any names is shown as. */
const ANY_NAME = "NAME";

interface Row {
  readonly path: string;
  default?: string;
  help: string;
}

/** Adds a row, or what a second form of the same key says beside the first. */
function put(rows: Map<string, Row>, path: string, { description, default: value }: Node): void {
  const row = rows.get(path) ?? { path, help: "" };
  rows.set(path, row);
  if (description !== undefined && row.help === "") row.help = description;
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  if (value !== undefined && !isEmpty) row.default ??= `\`${JSON.stringify(value)}\``;
}

/** The rows of a key and of all below it. `apart`: what has a page of its own. `only`: no other form is a mapping. */
function walk(rows: Map<string, Row>, path: string, node: Node, apart: ReadonlySet<string>, only = true): void {
  if (node.$ref !== undefined && apart.has(node.$ref)) return;
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const at = path === "" ? key : `${path}.${key}`;
    put(rows, at, child);
    if (only && node.required?.includes(key)) rows.get(at)!.default ??= "required";
    walk(rows, at, child, apart);
  }
  const forms = node.anyOf ?? [];
  const mappings = forms.filter(({ properties }) => properties !== undefined);
  for (const form of forms) walk(rows, path, form, apart, mappings.length === 1);
  if (node.items !== undefined) {
    const items = new Map<string, Row>();
    walk(items, `${path}[]`, node.items, apart);
    // Where one entry may stand instead of a list, its keys have been shown.
    for (const [at, row] of items) if (!rows.has(at.replace(`${path}[]`, path))) rows.set(at, row);
  }
  if (typeof node.additionalProperties === "object") {
    walk(rows, `${path}.${ANY_NAME}`, node.additionalProperties, apart);
  }
}

const keyTable = (rows: Iterable<Row>): string =>
  table(
    ["key", "default", "meaning"],
    [...rows].map(({ path, default: value = "", help }) => [`\`${path}\``, value, cell(help)]),
  );

const MIDDLEWARE = "#/definitions/middleware";

/** Every key of the config file but the options of middleware. */
export function configPage(): string {
  const sections = Object.entries(root.properties!)
    // A short form of what stands at the routes.
    .map(([key, node]) => {
      const rows = new Map<string, Row>();
      put(rows, key, node);
      if (key !== "defaults") walk(rows, key, node, new Set([MIDDLEWARE]));
      else for (const name of Object.keys(node.properties!)) put(rows, `defaults.${name}`, node.properties![name]!);
      return `## \`${key}\`\n\n${keyTable(rows.values())}`;
    });
  return `# Keys of the config file

\`[]\` stands for every entry of a list, \`${ANY_NAME}\` for a name of your choice. An empty default means that there is none, or that
the text says it; what is \`required\` has to be there where the mapping around it is written. Where one mapping may stand instead of a
list of them, its keys are shown once, without \`[]\`. \`\${NAME}\` and \`\${NAME:-default}\` are replaced from the environment in every
text of the file. What the keys do together stands in [the manual](../README.md); the options of \`middleware\` are in
[middleware.md](middleware.md).

${sections.join("\n\n")}
`;
}

/** What may stand in an entry of `middleware:`, by name. */
function middlewareNodes(): Readonly<Record<string, Node>> {
  const middleware = root.definitions.middleware!;
  const nodes = [middleware, ...(middleware.anyOf ?? [])];
  return Object.assign({}, ...nodes.map(({ properties }) => properties));
}

/** Every middleware there is. */
export const middlewareNames = (): string[] => Object.keys(middlewareNodes()).filter((name) => name !== "options");

/** The options of every middleware. */
export function middlewarePage(): string {
  const sections = Object.entries(middlewareNodes()).map(([name, node]) => {
    const rows = new Map<string, Row>();
    walk(rows, name, node, new Set([MIDDLEWARE]));
    const options = rows.size === 0 ? "" : `\n\n${keyTable(rows.values())}`;
    const example = MIDDLEWARE_EXAMPLES[name];
    const shown = example === undefined ? "" : `\n\n\`\`\`yaml${example}\n\`\`\``;
    return `## \`${name}\`\n\n${cell(node.description ?? "")}${options}${shown}`;
  });
  return `# Options of middleware

An entry of \`routes[].middleware\` or \`defaults.middleware\` names one of these; \`- NAME: false\` in a route takes away the one of
\`defaults\`. An empty default means that there is none, or that the text says it; what is \`required\` has to be there where the
mapping around it is written. How they work together stands in [routes.md](../routes.md#middleware).

${sections.join("\n\n")}
`;
}
