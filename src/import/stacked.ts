import { Commented, type Made, type MadeMapping } from "./document.ts";
import { StandIn } from "./stand-in.ts";

const bare = (made: Made | undefined): Made | undefined => (made instanceof Commented ? made.value : made);

const entriesOf = (made: Made | undefined): readonly Made[] => {
  const middleware = bare((bare(made) as MadeMapping | undefined)?.middleware);
  return Array.isArray(middleware) ? (middleware as readonly Made[]) : [];
};

const nameOf = (entry: Made): string | undefined => Object.keys(bare(entry) as MadeMapping)[0];

/**
 * A route's middleware takes the place of the one of that name in `defaults`, and what is imported runs both: such a route gets
 * the default's as well, before its own.
 */
export function stacked(defaults: MadeMapping | undefined, routes: readonly Made[]): Made[] {
  const shared = entriesOf(defaults);
  return routes.map((route) => {
    const own = entriesOf(route);
    const names = new Set(own.map(nameOf));
    const both = shared.filter((entry) => names.has(nameOf(entry)));
    if (both.length === 0 || route instanceof StandIn) return route;
    const made = { ...(bare(route) as MadeMapping), middleware: [...both, ...own] };
    return route instanceof Commented ? new Commented(made, route.words, route.from) : made;
  });
}
