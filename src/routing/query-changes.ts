import type { QueryChanges } from "../config/route-schema.ts";
import type { RequestFacts } from "../request.ts";
import { type PathTemplate, partsOf } from "./path-template.ts";
import { compileTemplate } from "./template.ts";

/** A parameter's name as it was meant; what cannot be decoded is taken as it is. */
const nameOf = (pair: string): string => [...new URLSearchParams(pair).keys()][0] ?? "";

/**
 * The query an upstream gets: `remove` drops parameters, `set` puts one in the place of all of its name, at the end. What
 * is not spoken of stays byte for byte. Values may hold parts of the request. undefined: there is nothing to change.
 */
export function compileQueryChanges(
  changes: QueryChanges | undefined,
  template: PathTemplate | undefined,
): ((facts: RequestFacts) => string) | undefined {
  if (changes === undefined) return undefined;
  const set = Object.entries(changes.set).map(([name, value]) => {
    const pieces = value
      .split(/(\{[^{}]*\})/)
      .map((piece) => (piece.startsWith("{") ? piece : encodeURIComponent(piece)));
    return {
      name,
      start: `${encodeURIComponent(name)}=`,
      made: compileTemplate(pieces.join(""), partsOf(template, "query")),
    };
  });
  const gone = new Set([...changes.remove, ...set.map(({ name }) => name)]);
  if (gone.size === 0) return undefined;
  return (facts) => {
    const pairs = facts.search.length < 2 ? [] : facts.search.slice(1).split("&");
    const kept = pairs.filter((pair) => !gone.has(nameOf(pair)));
    const made = set.map(({ start, made }) => start + made(facts));
    const all = [...kept, ...made];
    return all.length === 0 ? "" : `?${all.join("&")}`;
  };
}
