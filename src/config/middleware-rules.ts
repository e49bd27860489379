import type { WrittenMiddleware } from "../middleware/catalog.ts";
import type { MiddlewareKinds } from "../middleware/options.ts";
import { type Path, showPath } from "./issues.ts";
import type { Rules } from "./rules.ts";
import type { WrittenFile } from "./schema.ts";

/** The entries of a file's middleware, each with its place. */
function* entriesOf({ defaults, routes }: WrittenFile): Generator<{ path: Path; entry: WrittenMiddleware }> {
  const holders: [Path, readonly WrittenMiddleware[] | undefined][] = [
    [["defaults"], defaults.middleware],
    ...routes.map(({ middleware }, index): [Path, typeof middleware] => [["routes", index], middleware]),
  ];
  for (const [path, entries = []] of holders) {
    for (const [index, entry] of entries.entries()) yield { path: [...path, "middleware", index], entry };
  }
}

/**
 * Those of one `group` share one count, so they must want the same of it. A request counts once in it, so a route names it once.
 */
export function checkGroups(rules: Rules, kinds: MiddlewareKinds, file: WrittenFile): void {
  const groups = new Map<string, { path: Path; options: string }>();
  for (const { path, entry } of entriesOf(file)) {
    for (const [name, written] of Object.entries(entry)) {
      const { group } = ((kinds[name]?.counts && (written || undefined)) as { readonly group?: string }) ?? {};
      if (group === undefined) continue;
      const key = JSON.stringify([name, group]);
      const options = JSON.stringify(written);
      const first = groups.get(key);
      const at = [...path, name, "group"];
      const say = (why: string): void => void rules.errors.push(rules.document.issue(at, `${showPath(at)} ${why}`));
      if (first === undefined) groups.set(key, { path: [...path, name], options });
      else if (first.options !== options) {
        say(`shares its count with ${showPath(first.path)}, whose other options differ: they must be the same`);
      } else if (String(first.path.slice(0, -3)) === String(path.slice(0, -2))) {
        say(`is the group of ${showPath(first.path)} too: a request counts once in it, so remove one of them`);
      }
    }
  }
}

/** `NAME: false` is for routes. */
export function checkDefaultMiddleware({ document, errors }: Rules, { defaults }: WrittenFile): void {
  for (const [index, entry] of (defaults.middleware ?? []).entries()) {
    for (const [name, options] of Object.entries(entry)) {
      if (options !== false || name === "options") continue;
      const at = ["defaults", "middleware", index, name];
      const why = "is false, which takes nothing away here: a route says so of what defaults have";
      errors.push(document.issue(at, `${showPath(at)} ${why}`));
    }
  }
}
