import { Commented, type YamlMapping, type YamlValue } from "./document.ts";
import { StandIn } from "./stand-in.ts";

const bare = (made: YamlValue | undefined): YamlValue | undefined => (made instanceof Commented ? made.value : made);

const entriesOf = (made: YamlValue | undefined): readonly YamlValue[] => {
  const middleware = bare((bare(made) as YamlMapping | undefined)?.middleware);
  return Array.isArray(middleware) ? (middleware as readonly YamlValue[]) : [];
};

const nameOf = (entry: YamlValue): string | undefined => Object.keys(bare(entry) as YamlMapping)[0];

/**
 * A route's middleware takes the place of the one of that name in `defaults`, and what is imported runs both: such a
 * route gets the default's as well, before its own.
 */
export function withDefaultMiddleware(defaults: YamlMapping | undefined, routes: readonly YamlValue[]): YamlValue[] {
  const shared = entriesOf(defaults);
  return routes.map((route) => {
    const own = entriesOf(route);
    const names = new Set(own.map(nameOf));
    const both = shared.filter((entry) => names.has(nameOf(entry)));
    if (both.length === 0 || route instanceof StandIn) return route;
    const made = { ...(bare(route) as YamlMapping), middleware: [...both, ...own] };
    return route instanceof Commented ? new Commented(made, route.comments, route.from) : made;
  });
}
