import Ajv from "ajv";
import addFormats from "ajv-formats";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { readSource } from "../../src/config/source.ts";
import { FORMAT } from "../../src/gateway/format.ts";

/** A validator of JSON Schema as strict as can be. */
export const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
addFormats(ajv);
const compiled = ajv.compile(configJsonSchema(FORMAT));

/** The places where the schema refuses a text, deepest first; none where it takes it. */
export function refusals(text: string): string[] {
  // As an editor sees it: variables are not put in.
  const { root } = readSource({ file: "gateway.yaml", text, env: undefined });
  if (compiled(root)) return [];
  const places = (compiled.errors ?? []).map(({ instancePath, params }) => {
    const key = (params as { additionalProperty?: string }).additionalProperty;
    return key === undefined ? instancePath : `${instancePath}/${key}`;
  });
  return [...new Set(places)].sort((a, b) => b.split("/").length - a.split("/").length);
}
