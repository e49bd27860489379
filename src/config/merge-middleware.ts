import type { MiddlewareEntry, RawMiddleware } from "../middleware/catalog.ts";

const nameOf = (entry: RawMiddleware): keyof RawMiddleware =>
  Object.keys(entry).find((key) => key !== "options") as keyof RawMiddleware;

/** What an entry is the middleware of: its name, and for a module its path too. */
const kindOf = (entry: RawMiddleware): string => (entry.use === undefined ? nameOf(entry) : `use ${entry.use}`);

/** Whether an entry says that something of `defaults` does not count. */
const isOff = (entry: RawMiddleware): boolean => entry[nameOf(entry)] === false;

/**
 * The middleware of a route: those of `defaults`, in their order, and then the route's own. Those of one name (of one
 * path, for modules) stand in the place of the defaults' of that name; `NAME: false` takes these away, `use: false` all
 * modules.
 */
export function mergeMiddleware(defaults: readonly RawMiddleware[], own: readonly RawMiddleware[]): MiddlewareEntry[] {
  const byKind = Map.groupBy(own, kindOf);
  const offs = new Set(own.filter(isOff).map(kindOf));
  const placed = new Set<string>();
  const merged = defaults.flatMap((entry) => {
    const kind = kindOf(entry);
    if (placed.has(kind)) return [];
    const mine = byKind.get(kind);
    if (mine !== undefined) placed.add(kind);
    if (mine === undefined && offs.has("use false") && entry.use !== undefined) return [];
    return mine ?? [entry];
  });
  const rest = own.filter((entry) => !placed.has(kindOf(entry)));
  return [...merged, ...rest].filter((entry): entry is MiddlewareEntry => !isOff(entry));
}
