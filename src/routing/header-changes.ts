import { dropLookalikes, lookalikesOf } from "../http/client-fields.ts";
import type { HeaderFields } from "../http/header-fields.ts";
import type { HeaderChanges } from "./options.ts";

/**
 * Changes headers in place. `underscored`: fields with `_` in their names that the client sent; those that a pod could
 * mistake for one of the names changed here are dropped first.
 */
export type ChangeFields = (headers: HeaderFields, underscored?: readonly string[]) => void;

/** Each name with its values in a list. */
const lines = (changes: HeaderChanges["set"]): [name: string, values: readonly string[]][] =>
  Object.entries(changes).map(([name, values]) => [name, [values].flat()]);

/**
 * Header changes of a route (the Gateway API's HTTPHeaderFilter) as one function: first `set` overwrites, then `add`
 * appends, then `remove` deletes; a list is as many fields of that name. Names ignore case. undefined: nothing changes.
 *
 * @throws {TypeError} for a name or value that HTTP does not allow, when compiled rather than on a request.
 */
export function compileHeaderChanges(changes: HeaderChanges | undefined): ChangeFields | undefined {
  if (changes === undefined) return undefined;
  const set = lines(changes.set);
  const add = lines(changes.add).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  const { remove } = changes;
  if (set.length + add.length + remove.length === 0) return undefined;
  const names = lookalikesOf([...set.map(([name]) => name), ...add.map(([name]) => name), ...remove]);
  const change: ChangeFields = (headers, underscored) => {
    dropLookalikes(headers, underscored, names);
    for (const [name, [first, ...more]] of set) {
      headers.set(name, first!);
      for (const value of more) headers.append(name, value);
    }
    for (const [name, value] of add) headers.append(name, value);
    for (const name of remove) headers.delete(name);
  };
  change(new Headers());
  return change;
}
