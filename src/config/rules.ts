import { isMapping } from "../base/schema/shapes.ts";
import type { ConfigDocument } from "./document.ts";
import type { ConfigIssue, Path } from "./issues.ts";
import { showPath } from "./issues.ts";

/**
 * Rules that no single value can break alone. They read the file as it was written, not what the schema made of it, so
 * that a typing mistake elsewhere does not hide them; a value of the wrong kind is the schema's matter and passes here.
 */

/** What a rule needs to speak up. */
export interface Rules {
  readonly document: ConfigDocument;
  readonly errors: ConfigIssue[];
  readonly warnings: ConfigIssue[];
}

/** A mapping of the file, and where it stands. */
export interface Place {
  readonly path: Path;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Whatever stands at a path. */
function valueAt(document: ConfigDocument, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof part === "number") return Array.isArray(value) ? value[part] : undefined;
    return isMapping(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }, document.root);
}

/** The mapping at a path; an empty one where there is none. */
export function placeAt(document: ConfigDocument, path: Path): Place {
  const value = valueAt(document, path);
  return { path, value: isMapping(value) ? value : {} };
}

/** The items of a list that are mappings; none where there is no list. */
export function placesIn(document: ConfigDocument, path: Path): Place[] {
  const items = valueAt(document, path);
  if (!Array.isArray(items)) return [];
  return items.flatMap((value, index) => (isMapping(value) ? [{ path: [...path, index], value }] : []));
}

/** The mapping under a key. */
export const under = (document: ConfigDocument, { path }: Place, key: string): Place =>
  placeAt(document, [...path, key]);

/** Those of the keys that are there; one left empty (null) is the schema's matter. */
export const present = ({ value }: Place, keys: readonly string[]): string[] =>
  keys.filter((key) => Object.hasOwn(value, key) && value[key] !== null && value[key] !== undefined);

/** The text under a key, if it is one. */
export function textUnder({ value }: Place, key: string): string | undefined {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof found === "string" ? found : undefined;
}

/** Reports a fault of a key: that it stands there at all. `sentence` goes on after the key's path. */
export function fault(rules: Rules, place: Place, key: string, sentence: string): void {
  const path = [...place.path, key];
  rules.errors.push(rules.document.issue(path, `${showPath(path)} ${sentence}`, "key"));
}

/** Reports a fault of a whole mapping. */
export function faultAt(rules: Rules, path: Path, sentence: string): void {
  rules.errors.push(rules.document.issue(path, `${showPath(path)} ${sentence}`, "key"));
}

/** Reports a fault of the value under a key. */
export function valueFault(rules: Rules, place: Place, key: string, sentence: string): void {
  const path = [...place.path, key];
  rules.errors.push(rules.document.issue(path, `${showPath(path)} ${sentence}`));
}

/** Says something about the value under a key that its writer may have meant. */
export function warn(rules: Rules, place: Place, key: string, sentence: string): void {
  const path = [...place.path, key];
  rules.warnings.push(rules.document.issue(path, `${showPath(path)} ${sentence}`, "key"));
}

/** At most one of the keys; each further one is a fault. */
export function atMostOne(rules: Rules, place: Place, keys: readonly string[]): void {
  const [first, ...more] = present(place, keys);
  for (const key of more) fault(rules, place, key, `cannot stand beside ${first}: keep one of them`);
}

/** Values that must differ from place to place; the later one is the fault. */
export function unique(rules: Rules, places: readonly { place: Place; key: string; value: string }[]): void {
  const seen = new Set<string>();
  for (const { place, key, value } of places) {
    if (seen.has(value)) fault(rules, place, key, "is used more than once: it must be unique");
    seen.add(value);
  }
}
