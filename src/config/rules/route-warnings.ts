import { isMapping } from "../../base/schema/shapes.ts";
import type { MiddlewareEntry } from "../../middleware/catalog.ts";
import type { MiddlewareKinds } from "../../middleware/options.ts";
import { findShadowed } from "../../routing/shadowed.ts";
import type { ConfigDocument } from "../document.ts";
import { type ConfigIssue, type Path, showName, showPath } from "../issues.ts";
import type { RouteConfig } from "../schema/route.ts";
import { regexCost } from "./regex-cost.ts";

/** Where a route stands, with its id where it has one. */
const placeOf = ({ rule: { id }, index }: { rule: RouteConfig; index: number }): string =>
  id === String(index) ? `routes[${index}]` : `routes[${index}] (${showName(id)})`;

/** Whether an entry may refuse a client for who it is; a module of the user's own is taken for one that does. */
const isGuard = (kinds: MiddlewareKinds, entry: MiddlewareEntry): boolean =>
  entry.use !== undefined || Object.keys(entry).some((name) => kinds[name]?.guards);

/** Routes that no request reaches, and HEAD requests that get around a guard: seldom meant, and seen nowhere else. */
export function reachWarnings(
  document: ConfigDocument,
  kinds: MiddlewareKinds,
  routes: readonly RouteConfig[],
): ConfigIssue[] {
  const indexed = routes.map((rule, index) => ({ rule, index }));
  return findShadowed(indexed, ({ rule }) => rule.middleware.some((entry) => isGuard(kinds, entry))).map(
    ({ route, by, what }) => {
      const place = placeOf(route);
      const other = placeOf(by);
      if (what === "head") {
        const message = `${place} guards GET, but HEAD goes to ${other}, which has no guard: add HEAD to methods`;
        return document.issue(["routes", route.index, "methods"], message, "key");
      }
      const regex = "regex" in route.rule.path ? "; a regular expression comes after every prefix" : "";
      const message = `${place} is never reached: ${other} comes before it and takes all its requests${regex}: give it a higher priority`;
      return document.issue(["routes", route.index], message, "key");
    },
  );
}

/** The regular expressions in a value, whatever is around them, each with its place. */
function* expressionsIn(value: unknown, path: Path): Generator<{ source: string; path: Path }> {
  if (!isMapping(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "regex" && typeof inner === "string") yield { source: inner, path: [...path, key] };
    else yield* expressionsIn(inner, [...path, key]);
  }
}

/** Warns of expressions that a client can make slow: they are tried on what it chooses, up to `server.limits`. */
export function regexWarnings(document: ConfigDocument, routes: readonly RouteConfig[]): ConfigIssue[] {
  const found = routes.flatMap(({ path, rewrite_path, redirect, headers, cookies, query }, index) => [
    ...expressionsIn({ path, rewrite_path, redirect, headers, cookies, query }, ["routes", index]),
  ]);
  return found.flatMap(({ source: expression, path }) => {
    const cost = regexCost(expression);
    if (cost === undefined) return [];
    const how = cost === "endless" ? "double with each character" : "grow with the square of the length";
    const advice =
      "a client can choose one that keeps all others waiting; let no two repetitions share a text, or write a path template";
    return [
      document.issue(
        path,
        `${showPath(path)} is a regular expression whose time may ${how} of what it is tried on: ${advice}`,
      ),
    ];
  });
}
