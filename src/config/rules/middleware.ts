import type { ModuleUse } from "../../middleware/modules.ts";
import type { MiddlewareKinds } from "../../middleware/options.ts";
import type { ConfigDocument } from "../document.ts";
import { type ConfigIssue, type Path, showPath } from "../issues.ts";
import { asksForThreads } from "../schema/server.ts";
import type { RawFile } from "../schema.ts";
import { itemsUnder, type Place, present, type Rules, rootOf, under, valueFault, warn } from "./rules.ts";

/** The entries of all `middleware:`, in the config's order. */
const entriesOf = (root: Place): Place[] =>
  [under(root, "defaults"), ...itemsUnder(root, "routes")].flatMap((holder) => itemsUnder(holder, "middleware"));

/**
 * Those of one `group` share one count, so they must want the same of it. A request counts once in it, so a route names
 * it once. Options are compared as the schema read them, `file`: one that is left out is its default.
 */
export function checkGroups(rules: Rules, kinds: MiddlewareKinds, file: RawFile): void {
  const groups = new Map<string, { path: Path; options: string }>();
  for (const place of entriesOf(rootOf({ root: file }))) {
    for (const [name, written] of Object.entries(place.value)) {
      const entry = under(place, name);
      const { group } = kinds[name]?.counts ? entry.value : {};
      if (group === undefined) continue;
      const key = JSON.stringify([name, group]);
      const options = JSON.stringify(written);
      const first = groups.get(key);
      if (first === undefined) groups.set(key, { path: entry.path, options });
      else if (first.options !== options) {
        const why = `shares its count with ${showPath(first.path)}, whose other options differ: they must be the same`;
        valueFault(rules, entry, "group", why);
      } else if (String(first.path.slice(0, -3)) === String(place.path.slice(0, -2))) {
        const why = `is the group of ${showPath(first.path)} too: a request counts once in it, so remove one of them`;
        valueFault(rules, entry, "group", why);
      }
    }
  }
}

/** Everything about entries of `middleware` that concerns more than one key. */
export function checkMiddleware(rules: Rules, kinds: MiddlewareKinds): void {
  for (const entry of itemsUnder(under(rules.root, "defaults"), "middleware")) {
    for (const [name, options] of Object.entries(entry.value)) {
      if (options !== false || name === "options") continue;
      valueFault(rules, entry, name, "is false, which takes nothing away here: a route says so of what defaults have");
    }
  }
  const { workers } = under(rules.root, "server").value;
  if (!asksForThreads(workers)) return;
  const times = workers === "auto" ? "as many times" : `${workers} times`;
  const why = `is counted in each worker by itself: with server.workers ${workers} a client may have ${times} the limit`;
  const counting = Object.keys(kinds).filter((name) => kinds[name]?.counts);
  for (const entry of entriesOf(rules.root)) {
    for (const limit of present(entry, counting)) warn(rules, entry, limit, why);
  }
}

/** Every `use` of a config's middleware, in its order. */
export function moduleUses(document: ConfigDocument): ModuleUse<ConfigIssue>[] {
  return entriesOf(rootOf(document)).flatMap(({ path, value: { use, options } }) => {
    if (typeof use !== "string") return [];
    const key = [...path, "use"];
    return [{ use, options, issue: (sentence: string) => document.issue(key, `${showPath(key)} ${sentence}`) }];
  });
}
