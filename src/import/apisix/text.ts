import { isCidr } from "../../base/addresses.ts";
import { escapeVariables, usesEnvironment } from "../escaping.ts";

/** APISIX's own variables: `${{NAME}}` and, with a default, `${{NAME:=text}}`. */
const VARIABLE = /\$\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::=([^}]*))?\}\}/;

/** A text of APISIX's in the notation of gateway.yaml. */
export const apisixText = (written: string): string => {
  const found = VARIABLE.exec(written);
  if (found === null) return escapeVariables(written);
  const [whole, name, fallback] = found;
  const variable = fallback === undefined ? `\${${name}}` : `\${${name}:-${fallback}}`;
  return (
    escapeVariables(written.slice(0, found.index)) + variable + apisixText(written.slice(found.index + whole.length))
  );
};

/** A text of the discovery block: `${NAME}` is a variable there as it is in gateway.yaml. */
export const discoveryText = (written: string): string =>
  written.replaceAll(new RegExp(VARIABLE, "g"), (_, name: string, fallback: string | undefined) =>
    fallback === undefined ? `\${${name}}` : `\${${name}:-${fallback}}`,
  );

/** A secret that may be a reference: `$env://NAME` is an environment variable; undefined: it is kept elsewhere. */
export function secretText(written: string): string | undefined {
  const [, name] = /^\$env:\/\/([A-Za-z_][A-Za-z0-9_]*)$/i.exec(written) ?? [];
  if (name !== undefined) return `\${${name}}`;
  return /^\$secret:\/\//i.test(written) ? undefined : written;
}

/** Whether a text may be an address or a block of them. */
export const isBlock = (text: string): boolean => usesEnvironment(text) || isCidr(text);
