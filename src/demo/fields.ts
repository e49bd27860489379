import { isObject } from "./objects.ts";
import type { Resource } from "./resources.ts";
import { badRequest } from "./status.ts";

/** The fields an object may have: `any` is not looked into; of a list, what its elements may have. */
type Shape = { readonly [field: string]: "any" | Shape };

const any = (...names: string[]): Shape => Object.fromEntries(names.map((name) => [name, "any"]));

const TOP = any("apiVersion", "kind", "metadata");
const TARGET_REF = any("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid");
const PORT = any("name", "port", "protocol", "appProtocol");
const ADDRESS: Shape = { ...any("hostname", "ip", "nodeName"), targetRef: TARGET_REF };

/** What people write by hand for a gateway; of other kinds the fields are not checked. */
const SHAPES: Readonly<Record<string, Shape>> = {
  Endpoints: { ...TOP, subsets: { addresses: ADDRESS, notReadyAddresses: ADDRESS, ports: PORT } },
  EndpointSlice: {
    ...TOP,
    addressType: "any",
    ports: PORT,
    endpoints: {
      ...any("addresses", "deprecatedTopology", "hostname", "nodeName", "zone"),
      conditions: any("ready", "serving", "terminating"),
      hints: any("forNodes", "forZones"),
      targetRef: TARGET_REF,
    },
  },
};

function unknownFields(value: unknown, shape: Shape, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => unknownFields(item, shape, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (!Object.hasOwn(shape, name)) return [at];
    const expected = shape[name]!;
    return expected === "any" ? [] : unknownFields(inner, expected, at);
  });
}

/**
 * Refuses fields that the kind does not have, when the client asked for it with `fieldValidation=Strict`, as kubectl
 * does. https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation
 */
export function checkFields({ kind }: Resource, object: unknown, query: URLSearchParams): void {
  const shape = SHAPES[kind];
  if (!shape || query.get("fieldValidation") !== "Strict") return;
  const unknown = unknownFields(object, shape, "");
  if (unknown.length === 0) return;
  const words = unknown.map((field) => `unknown field ${JSON.stringify(field)}`).join(", ");
  throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${words}`);
}
