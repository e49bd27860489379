import { type KeyRules, keyMetadata, mappingMetadata, type Unsupported } from "../../base/schema/key.ts";
import { isMapping } from "../../base/schema/shapes.ts";
import { fitting, type Schema, walk } from "../walk.ts";
import { atMostOne, fault, faultAt, type Place, present, type Rules, valueFault, warn } from "./rules.ts";

/** What a runtime cannot do that others can. */
export type Limitation = "workers" | "threads";

/** Reports keys that exclude each other, and keys that have no effect as they stand: their writer expects one. */
function keysGoTogether(
  rules: Rules,
  place: Place,
  { one, some, none, apart = [], alone = {}, with: pairs = {} }: KeyRules,
) {
  const wanted = one ?? some ?? [];
  const there = wanted.filter((key) => Object.hasOwn(place.value, key));
  if (wanted.length > 0 && there.length === 0)
    faultAt(rules, place.path, none ?? `must have one of ${wanted.join(", ")}`);
  for (const keys of one === undefined ? apart : [one, ...apart]) atMostOne(rules, place, keys);
  for (const [key, other] of Object.entries(pairs)) {
    const [needed, sentence] = typeof other === "string" ? [other, `needs ${other} beside it`] : other;
    if (present(place, [key]).length > 0 && !Object.hasOwn(place.value, needed)) fault(rules, place, key, sentence);
  }
  // Of several targets one has to go first.
  if (one !== undefined && there.length !== 1) return;
  for (const [beside, others] of Object.entries(alone)) {
    if (!Object.hasOwn(place.value, beside)) continue;
    for (const key of present(place, others)) fault(rules, place, key, `has no effect beside ${beside}: remove it`);
  }
}

const isOff = (value: unknown): boolean => value === false || (Array.isArray(value) && value.length === 0);

const unsupported = (reason: Unsupported | undefined, value: unknown): string | undefined =>
  typeof reason === "function" ? reason(value) : isOff(value) ? undefined : reason;

/** Checks a config against what is known of its keys. `limitations`: what the runtime cannot do. */
export function checkKeys(rules: Rules, schema: Schema, limitations: readonly Limitation[]): void {
  walk(schema, rules.document.root, ({ path, value, schema: at }) => {
    if (at === undefined || value === null || value === undefined) return;
    const metadata = keyMetadata(at);
    if (metadata !== undefined) {
      const place: Place = { path: path.slice(0, -1), value: {} };
      const key = String(path.at(-1));
      for (const kind of limitations) {
        const why = unsupported(metadata[kind], value);
        if (why !== undefined) (typeof metadata[kind] === "function" ? valueFault : fault)(rules, place, key, why);
      }
      const ignored = limitations.includes("workers") ? unsupported(metadata.ignoredOnWorkers, value) : undefined;
      for (const why of [ignored, metadata.warning?.(value)]) if (why !== undefined) warn(rules, place, key, why);
    }
    if (!isMapping(value)) return;
    const known = fitting(at, value)[0];
    const { rules: keyRules } = known === undefined ? {} : mappingMetadata(known);
    if (keyRules !== undefined) keysGoTogether(rules, { path, value }, keyRules);
  });
}
