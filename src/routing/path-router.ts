import { METHOD_NAME_ALL } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { type Candidates, compileCandidates, type Lookup } from "./candidates.ts";
import type { Entry, PathTest } from "./precedence.ts";

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
export const literalStart = (source: string): string => {
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
    case "start":
      return `${literal(path.start.slice(0, path.start.lastIndexOf("/")))}/*`;
    case "template":
      return `${literal(path.start)}/*`;
    case "regex": {
      const start = literalStart(path.source);
      return `${literal(path.ignoreCase ? start.toLowerCase() : start)}/*`;
    }
  }
};

/** Finds entries by path; the host is already decided. */
export interface PathRouter<T> {
  /** The lowest `order` among its entries. */
  readonly first: number;
  /** The first entry in precedence that matches, if its order is below `below`. */
  find(lookup: Lookup, below: number): Entry<T> | undefined;
}

/** What Hono answered for the paths of one place in the tree of literal segments; undefined: not asked yet. */
interface Place<T> {
  /** For the path that ends here. */
  at: readonly Candidates<T>[] | undefined;
  /** For all that go on with a segment no pattern has. */
  under: readonly Candidates<T>[] | undefined;
}

/** A place for everything a pattern's literal segments begin with, "" among it. */
const placesOf = <T>(patterns: Iterable<string>): Map<string, Place<T>> => {
  const places = new Map<string, Place<T>>([["", { at: undefined, under: undefined }]]);
  for (const pattern of patterns) {
    const text = `${pattern.replace(/\/\*$/, "")}/`;
    for (let end = text.indexOf("/", 1); end !== -1; end = text.indexOf("/", end + 1)) {
      places.set(text.slice(0, end), { at: undefined, under: undefined });
    }
  }
  return places;
};

/**
 * A Hono router over entries in precedence order. It is the TrieRouter, since its cost depends on the depth of the path
 * alone: RegExpRouter's grows with the number of routes (`bun run bench routing` shows both). Patterns are registered
 * in the order of their first entry and come back in it, so the search ends as soon as nothing better can follow.
 *
 * Hono's answers are kept. Patterns are literal segments, most with a closing `*`: which of them match depends on how far
 * the path goes along with their segments and on whether it goes on, so there are two answers per place at most, and
 * no path, however odd, adds another.
 */
function createRouter<T>(entries: readonly Entry<T>[]): PathRouter<T> {
  const router = new TrieRouter<Candidates<T>>();
  const byPattern = Map.groupBy(entries, (entry) => patternOf(entry.path));
  for (const [pattern, some] of byPattern) router.add(METHOD_NAME_ALL, pattern, compileCandidates(some));
  const escaped = [...byPattern.keys()].some((pattern) => pattern.includes("~"));
  const places = placesOf<T>(byPattern.keys());
  const root = places.get("")!;

  function ask(path: string, place: Place<T>, kind: keyof Place<T>): readonly Candidates<T>[] {
    const found = router.match(METHOD_NAME_ALL, path)[0].map(([candidates]) => candidates);
    place[kind] = found;
    return found;
  }

  function allOf(path: string): readonly Candidates<T>[] {
    let place = root;
    for (let end = 0; ; ) {
      end = path.indexOf("/", end + 1);
      const deeper = places.get(end === -1 ? path : path.slice(0, end));
      if (deeper === undefined) return place.under ?? ask(path, place, "under");
      place = deeper;
      if (end === -1) return place.at ?? ask(path, place, "at");
    }
  }

  return {
    first: entries[0]!.order,
    find(lookup, below) {
      const { path } = lookup;
      const all = allOf(escaped && SPECIAL.test(path) ? literal(path) : path);
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

/** Finds only paths in lower case, whatever the case of what is asked. */
const folded = <T>(router: PathRouter<T>): PathRouter<T> => ({
  first: router.first,
  find: (lookup, below) => router.find({ ...lookup, path: lookup.path.toLowerCase() }, below),
});

/** A router over entries in precedence order; those that ignore case have one of their own, asked with the path in lower case. */
export function createPathRouter<T>(entries: readonly Entry<T>[]): PathRouter<T> {
  const exact = entries.filter(({ path }) => !path.ignoreCase);
  const loose = entries.filter(({ path }) => path.ignoreCase);
  if (loose.length === 0) return createRouter(exact);
  const lower = folded(createRouter(loose));
  if (exact.length === 0) return lower;
  const asWritten = createRouter(exact);
  return {
    first: Math.min(asWritten.first, lower.first),
    find(lookup, below) {
      const found = asWritten.first < below ? asWritten.find(lookup, below) : undefined;
      const limit = found?.order ?? below;
      return (lower.first < limit ? lower.find(lookup, limit) : undefined) ?? found;
    },
  };
}
