import { isMapping } from "../base/schema/shapes.ts";
import { variableUses } from "../config/interpolate.ts";

/** A text that means itself, in the notation of gateway.yaml, where `${` begins an environment variable. */
export const escapeVariables = (written: string): string => written.replaceAll("${", () => "$${");

/** Whether an environment variable stands in a text of gateway.yaml's notation: what it means is not known yet. */
export const usesEnvironment = (text: string): boolean => text.includes("${") && variableUses(text).length > 0;

/** The same of any value: whether a part of it is not known yet. */
export function dependsOnEnvironment(value: unknown): boolean {
  if (typeof value === "string") return usesEnvironment(value);
  return (Array.isArray(value) ? value : isMapping(value) ? Object.values(value) : []).some(dependsOnEnvironment);
}

/** Changes what stands between a text's environment variables. */
export const aroundEnvironment = (text: string, change: (literal: string) => string): string =>
  text
    .split(/(\$\$\{|\$\{[^}]*\})/)
    .map((part, index) => (part === "$${" ? escapeVariables(change("${")) : index % 2 === 1 ? part : change(part)))
    .join("");

/** A text as its reader has it, without what its environment variables add. */
export const withoutEnvironment = (text: string): string =>
  text.replace(/\$\$\{|\$\{[^}]*\}/g, (found) => (found === "$${" ? "${" : ""));
