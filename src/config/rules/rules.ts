import { isMapping } from "../../base/schema/shapes.ts";
import type { ConfigDocument } from "../document.ts";
import type { ConfigIssue, Path } from "../issues.ts";
import { showPath } from "../issues.ts";

/**
 * Rules that no single value can break alone. They read the file as it was written, not what the schema made of it, so
 * that a typing mistake elsewhere does not hide them; a value of the wrong kind is left to the schema.
 */

/** A mapping of a config, and where it stands. */
export interface Place {
  readonly path: Path;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What rules read, and where they report. */
export interface Rules {
  readonly document: ConfigDocument;
  /** The whole config. */
  readonly root: Place;
  readonly errors: ConfigIssue[];
  readonly warnings: ConfigIssue[];
}

const placeAt = (path: Path, value: unknown): Place => ({ path, value: isMapping(value) ? value : {} });

const own = ({ value }: Place, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined);

/** The whole of a document. */
export const rootOf = ({ root }: Pick<ConfigDocument, "root">): Place => placeAt([], root);

/** The mapping under a key; an empty one where there is none. */
export const under = (place: Place, key: string): Place => placeAt([...place.path, key], own(place, key));

/** The mappings in the list under a key; none where there is no list. */
export function itemsUnder(place: Place, key: string): Place[] {
  const items = own(place, key);
  if (!Array.isArray(items)) return [];
  const path = [...place.path, key];
  return items.flatMap((value, index) => (isMapping(value) ? [{ path: [...path, index], value }] : []));
}

/** Those of the keys that are there; one left empty (null) is left to the schema. */
export const present = ({ value }: Place, keys: readonly string[]): string[] =>
  keys.filter((key) => Object.hasOwn(value, key) && value[key] !== null && value[key] !== undefined);

/** The text under a key, if it is one. */
export function textUnder(place: Place, key: string): string | undefined {
  const found = own(place, key);
  return typeof found === "string" ? found : undefined;
}

/** Reports a fault of a key: that it stands there at all. `sentence` goes on after the key's path. */
export function fault(rules: Rules, place: Place, key: string, sentence: string): void {
  faultAt(rules, [...place.path, key], sentence);
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

/** Warns of a key whose value its writer may have meant. */
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

/** The same of the texts under one key. */
export const uniqueTexts = (rules: Rules, places: readonly Place[], key: string): void =>
  unique(
    rules,
    places.flatMap((place) => {
      const value = textUnder(place, key);
      return value === undefined ? [] : [{ place, key, value }];
    }),
  );
