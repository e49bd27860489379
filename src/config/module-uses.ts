import type { ModuleUse } from "../middleware/modules.ts";
import { type ConfigIssue, showPath } from "./issues.ts";
import { type Place, placeAt, placesIn } from "./rules.ts";
import type { ConfigDocument } from "./source.ts";

/** Every `use` of a file's middleware, in the file's order. */
export function moduleUses(source: ConfigDocument): ModuleUse<ConfigIssue>[] {
  const holders: Place[] = [placeAt(source, ["defaults"]), ...placesIn(source, ["routes"])];
  return holders
    .flatMap((holder) => placesIn(source, [...holder.path, "middleware"]))
    .flatMap(({ path, value }) => {
      const { use, options } = value;
      if (typeof use !== "string") return [];
      const key = [...path, "use"];
      return [{ use, options, issue: (sentence: string) => source.issue(key, `${showPath(key)} ${sentence}`) }];
    });
}
