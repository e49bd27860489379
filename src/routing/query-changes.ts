import type { IncomingRequest } from "../http/request.ts";
import type { QueryChanges } from "./options.ts";
import { type PathTemplate, partsOf } from "./path-template.ts";
import { compileValue } from "./template.ts";

/** A parameter's decoded name; one that cannot be decoded is taken as it is. */
const nameOf = (pair: string): string => [...new URLSearchParams(pair).keys()][0] ?? "";

/**
 * The query an upstream gets: `remove` drops parameters, `set` replaces all of a name by one or several at the end; by
 * none where a value needs parts that the request does not have. All others stay byte for byte. undefined: nothing
 * changes. `matched`: the path that the template's parts are taken from, where it is not the path as it was sent.
 */
export function compileQueryChanges(
  changes: QueryChanges | undefined,
  template: PathTemplate | undefined,
  matched: (path: string) => string = (path) => path,
): ((facts: IncomingRequest) => string) | undefined {
  if (changes === undefined) return undefined;
  const templates = partsOf(template, "query");
  const set = Object.entries(changes.set).flatMap(([name, values]) =>
    [values].flat().map((value) => {
      const pieces = value
        .split(/(\{[^{}]*\})/)
        .map((piece) => (piece.startsWith("{") ? piece : encodeURIComponent(piece)));
      return { start: `${encodeURIComponent(name)}=`, value: compileValue(pieces.join(""), templates) };
    }),
  );
  const gone = new Set([...changes.remove, ...Object.keys(changes.set)]);
  if (gone.size === 0) return undefined;
  return (facts) => {
    const pairs = facts.search.length < 2 ? [] : facts.search.slice(1).split("&");
    const all = pairs.filter((pair) => !gone.has(nameOf(pair)));
    const path = matched(facts.path);
    const read = path === facts.path ? facts : { ...facts, path };
    for (const { start, value } of set) {
      const made = value(read);
      if (made !== undefined) all.push(start + made);
    }
    return all.length === 0 ? "" : `?${all.join("&")}`;
  };
}
