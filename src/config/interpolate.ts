import type { Env } from "../platform/process.ts";

/** A text with its variables put in. */
export interface Interpolated {
  readonly text: string;
  /** Where the text came from: `none` held no variable, `whole` was one variable and nothing else. */
  readonly from: "none" | "part" | "whole";
  /** What could not be put in: the offset of its `${` and why. */
  readonly faults: readonly { readonly offset: number; readonly message: string }[];
}

/** `$${` (a literal `${`), a complete reference, or a `${` that is none. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/** A variable a text names. */
export interface VariableUse {
  readonly name: string;
  /** Whether the text says what to take where it is not set. */
  readonly hasDefault: boolean;
}

/** The variables a text names, in its order. */
export const variableUses = (text: string): VariableUse[] =>
  [...text.matchAll(REFERENCE)].flatMap(([, name, fallback]) =>
    name === undefined ? [] : [{ name, hasDefault: fallback !== undefined }],
  );

/** Names of variables are upper case by custom; anything else might be a secret put in the wrong place. */
const showVariable = (name: string): string =>
  /^[A-Z_][A-Z0-9_]*$/.test(name) || name.length <= 20 ? name : `of ${name.length} characters`;

/**
 * Puts environment variables into a text: `${NAME}`, `${NAME:-default}` (used when the variable is unset or empty, as
 * in a shell), `$${` for a literal `${`. A variable that is not set is a fault; one that is set and empty is not.
 */
export function interpolate(source: string, env: Env): Interpolated {
  const faults: { offset: number; message: string }[] = [];
  let references = 0;
  let whole = false;
  const text = source.replace(REFERENCE, (found, name: string | undefined, fallback: string | undefined, offset) => {
    if (found === "$${") return "${";
    references++;
    whole = found.length === source.length;
    if (name === undefined) {
      faults.push({
        offset,
        message: "${ begins a variable: write ${NAME} or ${NAME:-default}, and $${ for the text ${",
      });
      return found;
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value || fallback;
    if (value !== undefined) return value;
    faults.push({
      offset,
      message: `the environment variable ${showVariable(name)} is not set; set it, or write a default: \${NAME:-default}`,
    });
    return found;
  });
  return { text, from: references === 0 ? "none" : whole ? "whole" : "part", faults };
}
