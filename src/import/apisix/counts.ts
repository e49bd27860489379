import { isMapping } from "../../base/schema/shapes.ts";
import { showPath } from "../../config/issues.ts";
import { isCounting } from "../../middleware/catalog.ts";
import { Commented, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";

/** A count that several objects share by a name of their own. */
export const namedGroup = (name: string): string => `group ${name}`;

/** APISIX counts by the object that holds the plugin: its key, such as `/services/1`. */
export function countsOf(roots: readonly Input[]): (conf: Input) => string {
  return ({ file, path }) => {
    const [list, index] = path as [string, number];
    const objects = (roots.find((root) => root.file === file)?.raw as Record<string, unknown[]> | undefined)?.[list];
    const holder = objects?.[index];
    const id = isMapping(holder) ? (holder.id ?? holder.name) : undefined;
    const own = typeof id === "string" || typeof id === "number";
    return own ? `/${list}/${id}` : `${file} ${showPath([list, index])}`;
  };
}

/** What a middleware counts, with its group; undefined: it counts nothing. */
function groupOf(middleware: YamlValue): string | undefined {
  if (middleware instanceof Commented) return undefined;
  for (const [name, options] of Object.entries(middleware as YamlMapping)) {
    const group = isCounting(name) ? (options as YamlMapping).group : undefined;
    if (group !== undefined) return JSON.stringify([name, group]);
  }
  return undefined;
}

function ungrouped(middleware: YamlValue): YamlValue {
  const [entry] = Object.entries(middleware as YamlMapping);
  const [name, options] = entry as [string, YamlMapping];
  return { [name]: { ...options, group: undefined } };
}

const middlewareOf = ({ middleware }: YamlMapping): readonly YamlValue[] => (middleware ?? []) as readonly YamlValue[];

/** Routes whose counts have a group only where another route shares it. */
export function withSharedCounts(routes: readonly YamlMapping[]): YamlMapping[] {
  const uses = new Map<string, number>();
  for (const route of routes) {
    for (const one of middlewareOf(route)) {
      const group = groupOf(one);
      if (group !== undefined) uses.set(group, (uses.get(group) ?? 0) + 1);
    }
  }
  return routes.map((route) => {
    if (route.middleware === undefined) return route;
    const middleware = middlewareOf(route).map((one) => {
      const group = groupOf(one);
      return group !== undefined && uses.get(group) === 1 ? ungrouped(one) : one;
    });
    return { ...route, middleware };
  });
}
