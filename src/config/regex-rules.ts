import { isMapping } from "../base/schema/shapes.ts";
import type { ConfigDocument } from "./document.ts";
import { type ConfigIssue, type Path, showPath } from "./issues.ts";
import { regexCost } from "./regex-cost.ts";
import type { RouteConfig } from "./route-schema.ts";

/** The regular expressions in a value, whatever is around them, each with its place. */
function* expressionsIn(value: unknown, path: Path): Generator<{ source: string; path: Path }> {
  if (!isMapping(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "regex" && typeof inner === "string") yield { source: inner, path: [...path, key] };
    else yield* expressionsIn(inner, [...path, key]);
  }
}

/** Warns of expressions of routes that a client can make slow: they see what a client chooses, up to `server.limits`. */
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
