import type { ModuleUse } from "../middleware/modules.ts";
import type { ConfigDocument } from "./document.ts";
import { type ConfigIssue, showPath } from "./issues.ts";
import { type Place, placeAt, placesIn } from "./rules.ts";

/** Every `use` of a file's middleware, in the file's order. */
export function moduleUses(document: ConfigDocument): ModuleUse<ConfigIssue>[] {
  const holders: Place[] = [placeAt(document, ["defaults"]), ...placesIn(document, ["routes"])];
  return holders
    .flatMap((holder) => placesIn(document, [...holder.path, "middleware"]))
    .flatMap(({ path, value }) => {
      const { use, options } = value;
      if (typeof use !== "string") return [];
      const key = [...path, "use"];
      return [{ use, options, issue: (sentence: string) => document.issue(key, `${showPath(key)} ${sentence}`) }];
    });
}
