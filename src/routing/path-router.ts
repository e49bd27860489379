import { METHOD_NAME_ALL } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { type Candidates, compileCandidates, type Lookup } from "./candidates.ts";
import type { Entry, PathTest } from "./precedence.ts";
import type { Recall } from "./recall.ts";

/** What Hono reads as more than a letter in a pattern, and the character that escapes it here. */
const SPECIAL = /[:*{}?~]/;
const SPECIALS = /[:*{}?~]/g;

/** Paths and patterns with Hono's special characters replaced alike, so that in both they stand for themselves. */
const literal = (path: string): string =>
  path.replace(SPECIALS, (char) => `~${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/**
 * The whole segments every match of a regular expression begins with, "" where that cannot be told: it lets
 * `^/users/[0-9]+$` be found by its path like a prefix, instead of being tried on every request.
 */
const literalStart = (source: string): string => {
  if (!source.startsWith("^") || source.includes("|")) return "";
  const start = /^(?:[A-Za-z0-9/_~!@#%&=:;, -]|\\[^A-Za-z0-9])*/.exec(source.slice(1))![0];
  const quantified = /^[*+?{]/.test(source.slice(1 + start.length));
  const text = (quantified ? start.replace(/\\?.$/, "") : start).replace(/\\(.)/g, "$1");
  return text.startsWith("/") ? text.slice(0, text.lastIndexOf("/")) : "";
};

/** The path pattern that leads to an entry: as narrow as Hono's router can tell, never too narrow. */
const patternOf = (path: PathTest): string => {
  switch (path.kind) {
    case "exact":
      return literal(path.path);
    case "prefix":
      return `${literal(path.prefix)}/*`;
    case "regex":
      return `${literal(literalStart(path.source))}/*`;
  }
};

/** Finds entries by path; the host is already decided. */
export interface PathRouter<T> {
  /** The lowest `order` among its entries. */
  readonly first: number;
  /** The first entry in precedence that matches, if its order is below `below`. */
  find(lookup: Lookup, below: number): Entry<T> | undefined;
}

/** How many slashes a pattern has, the one before its closing `*` apart: no literal segment stands further in. */
const depthOf = (pattern: string): number => pattern.replace(/\/\*$/, "").split("/").length - 1;

/** A path up to and with the slash after its first `depth` segments; all of it where there is no such slash. */
const headOf = (path: string, depth: number): string => {
  let end = 0;
  for (let slashes = 0; slashes <= depth; slashes++) {
    end = path.indexOf("/", end) + 1;
    if (end === 0) return path;
  }
  return path.slice(0, end);
};

/**
 * A Hono router over entries in precedence order. It is the TrieRouter, since its cost depends on the depth of the path
 * alone: RegExpRouter's grows with the number of routes (`bun run bench routing` shows both). Patterns are registered
 * in the order of their first entry and come back in it, so the search ends as soon as nothing better can follow.
 *
 * Hono's answers are remembered by the head of the path. Patterns are literal segments with or without a closing `*`, so
 * a path's segments behind the deepest pattern's, once there are any, have no say in which patterns match.
 */
export function createPathRouter<T>(entries: readonly Entry<T>[], recall: Recall): PathRouter<T> {
  const router = new TrieRouter<Candidates<T>>();
  const byPattern = Map.groupBy(entries, (entry) => patternOf(entry.path));
  for (const [pattern, some] of byPattern) router.add(METHOD_NAME_ALL, pattern, compileCandidates(some));
  const escaped = [...byPattern.keys()].some((pattern) => pattern.includes("~"));
  const depth = byPattern.keys().reduce((most, pattern) => Math.max(most, depthOf(pattern)), 0);
  const known = recall.map<readonly Candidates<T>[]>();

  function lookUp(path: string, head: string): readonly Candidates<T>[] {
    const key = escaped && SPECIAL.test(path) ? literal(path) : path;
    const found = router.match(METHOD_NAME_ALL, key)[0].map(([candidates]) => candidates);
    recall.keep(known, head, found);
    return found;
  }

  return {
    first: entries[0]!.order,
    find(lookup, below) {
      const { path } = lookup;
      const head = headOf(path, depth);
      const all = known.get(head) ?? lookUp(path, head);
      let best: Entry<T> | undefined;
      let limit = below;
      for (let i = 0; i < all.length; i++) {
        const candidates = all[i]!;
        if (candidates.first >= limit) break;
        const found = candidates.find(lookup, limit);
        if (found === undefined) continue;
        best = found;
        limit = found.order;
      }
      return best;
    },
  };
}
