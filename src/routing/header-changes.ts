import type { HeaderChanges } from "../config/route-schema.ts";

/**
 * Header changes of a route (the Gateway API's HTTPHeaderFilter) as one function: first `set` overwrites, then `add`
 * appends to what is there, then `remove` deletes. Names ignore case. undefined: there is nothing to change.
 *
 * @throws {TypeError} for a name or value that HTTP does not allow, when compiled rather than on a request.
 */
export function compileHeaderChanges(changes: HeaderChanges | undefined): ((headers: Headers) => void) | undefined {
  if (changes === undefined) return undefined;
  const set = Object.entries(changes.set);
  const add = Object.entries(changes.add);
  const { remove } = changes;
  if (set.length + add.length + remove.length === 0) return undefined;
  const change = (headers: Headers): void => {
    for (const [name, value] of set) headers.set(name, value);
    for (const [name, value] of add) headers.append(name, value);
    for (const name of remove) headers.delete(name);
  };
  change(new Headers());
  return change;
}
