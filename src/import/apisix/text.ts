import { literalText } from "../notation.ts";

/** APISIX's own variables: `${{NAME}}` and, with a default, `${{NAME:=text}}`. */
const VARIABLE = /\$\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::=([^}]*))?\}\}/;

/** A text of APISIX's in the notation of gateway.yaml. */
export const apisixText = (written: string): string => {
  const found = VARIABLE.exec(written);
  if (found === null) return literalText(written);
  const [whole, name, fallback] = found;
  const variable = fallback === undefined ? `\${${name}}` : `\${${name}:-${fallback}}`;
  return literalText(written.slice(0, found.index)) + variable + apisixText(written.slice(found.index + whole.length));
};
