import * as v from "valibot";
import { parse } from "yaml";
import { showUrl } from "../base/redaction.ts";
import { mappingMetadata } from "../base/schema/key.ts";
import { isMapping, MISSING_KEY, UNKNOWN_KEY } from "../base/schema/shapes.ts";
import type { ConfigDocument } from "./document.ts";
import { type ConfigIssue, nearestKey, type Path, showPath } from "./issues.ts";
import type { FileFormat, RawFile } from "./schema.ts";
import { mayShowFound } from "./shown.ts";
import { fitting, schemaAt } from "./walk.ts";

/** The file held against the schema: its values, or every place where they do not fit. */
export type Validated =
  | { readonly ok: true; readonly file: RawFile }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** How many known keys are still helpful to list. */
const FEW_KEYS = 27;

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part], value);

const pathOf = (issue: v.BaseIssue<unknown>): Path => (issue.path ?? []).map((item) => item.key as string | number);

/** Longer texts, and those with a long run of letters and digits in them, may be a credential in the wrong place. */
const MAX_SHOWN = 60;
const looksSecret = (text: string): boolean =>
  text.length > MAX_SHOWN ||
  (text.match(/[A-Za-z0-9_+=-]{16,}/g) ?? []).some((run) => /[0-9]/.test(run) && /[A-Za-z]/.test(run));

/** The phrase for what was found: the kind always, the value only where the schema says that it may be shown. */
function found(format: FileFormat, value: unknown, path: Path, document: ConfigDocument): string {
  const env = document.envOf(path);
  const shown = env === "none" && mayShowFound(format.file, document.root, path);
  if (typeof value === "string") {
    const from = env === "none" ? "" : " from the environment";
    if (value === "") return `an empty text${from}`;
    return shown && !looksSecret(value) ? JSON.stringify(showUrl(value)) : `a text${from}`;
  }
  if (typeof value === "number") return shown ? `the number ${value}` : "a number";
  if (typeof value === "boolean") return shown ? String(value) : "true or false";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return isMapping(value) && Object.keys(value).length === 0 ? "an empty mapping" : "a mapping";
}

/** What is written in place of a key of another gateway, as the end of a sentence. */
function foreignKey(format: FileFormat, root: unknown, path: Path): string | undefined {
  const place = path.slice(0, -1);
  const schema = schemaAt(format.file, root, place);
  const [known] = schema === undefined ? [] : fitting(schema, at(root, place));
  return known && mappingMetadata(known).foreign?.(String(path.at(-1)));
}

/** What a value must be when numbers and booleans only lack their quotes. */
const quotesHelp = (wanted: string, value: unknown): string =>
  wanted.startsWith("a text") && (typeof value === "number" || typeof value === "boolean") ? " (put it in quotes)" : "";

/** One sentence for one fault. */
function translate(
  format: FileFormat,
  issue: v.BaseIssue<unknown>,
  root: unknown,
  document: ConfigDocument,
): ConfigIssue {
  const path = pathOf(issue);
  const shown = showPath(path);
  if (issue.type === UNKNOWN_KEY) {
    const keys = JSON.parse(issue.expected!) as string[];
    const key = String(path.at(-1));
    const foreign = foreignKey(format, root, path);
    const close = nearestKey(key, keys);
    const help = foreign
      ? `; ${foreign}`
      : close
        ? `; did you mean ${close}?`
        : keys.length <= FEW_KEYS
          ? `; there are ${keys.join(", ")}`
          : "";
    return document.issue(path, `${shown} is not a known key${help}`, "key");
  }
  if (issue.type === MISSING_KEY) {
    return document.issue(path, `${shown} is missing: write ${issue.message}`, "key");
  }
  const value = at(root, path);
  if (value === null) {
    const instead = typeof path.at(-1) === "number" ? "the item" : "the key";
    return document.issue(path, `${shown} is empty: write ${issue.message}, or remove ${instead}`, "key");
  }
  const origin = issue.path?.at(-1)?.origin;
  if (origin === "key") {
    return document.issue(path, `${showPath(path.slice(0, -1))} must have ${issue.message} as its key`, "key");
  }
  const what = found(format, value, path, document) + quotesHelp(issue.message, value);
  return path.length === 0
    ? document.issue(path, `the file must be ${issue.message}, found ${what}`)
    : document.issue(path, `${shown} must be ${issue.message}, found ${what}`);
}

/** A text that was a whole variable, as YAML would read it: `8080` a number, `true` a boolean; else undefined. */
function reread(text: string): number | boolean | undefined {
  if (!/^[-+.0-9A-Za-z]{1,40}$/.test(text)) return undefined;
  const value: unknown = parse(text, { schema: "core", logLevel: "silent" });
  return typeof value === "number" || typeof value === "boolean" ? value : undefined;
}

/**
 * Checks a config against the schema and reports every fault at once. A value that is one environment variable is a
 * text first; where the schema refuses that, it is read again as YAML would (`default_weight: ${WEIGHT}`). A value that
 * could not be read at all (undefined) was reported already.
 */
export function validate(format: FileFormat, document: ConfigDocument): Validated {
  const root = document.root === undefined ? {} : document.root;
  let result = v.safeParse(format.file, root);
  const read = (result.issues ?? []).filter((issue) => {
    const path = pathOf(issue);
    const value = at(root, path);
    const other = typeof value === "string" && document.envOf(path) === "whole" ? reread(value) : undefined;
    if (other === undefined) return false;
    document.replace(path, other);
    return true;
  });
  if (read.length > 0) result = v.safeParse(format.file, root);
  if (result.success) return { ok: true, file: result.output };
  const issues: readonly v.BaseIssue<unknown>[] = result.issues;
  const unreported = issues.filter((issue) => issue.type === MISSING_KEY || at(root, pathOf(issue)) !== undefined);
  return { ok: false, issues: unreported.map((issue) => translate(format, issue, root, document)) };
}
