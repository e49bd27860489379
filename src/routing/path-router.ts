import { METHOD_NAME_ALL } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { compileCandidates, type Finder } from "./candidates.ts";
import type { Entry, PathTest } from "./precedence.ts";

/** What Hono reads as more than a letter in a pattern, and the character that escapes it here. */
const SPECIAL = /[:*{}?~]/;
const SPECIALS = /[:*{}?~]/g;

/** Escapes Hono's special characters, in paths and patterns alike, so that in both they are literal. */
const literal = (path: string): string =>
  path.replace(SPECIALS, (char) => `~${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** The path pattern that leads to an entry: as narrow as Hono's router supports, never too narrow. */
const patternOf = ({ kind, start }: PathTest): string => {
  if (kind === "exact") return literal(start);
  return `${literal(kind === "start" ? start.slice(0, start.lastIndexOf("/")) : start)}/*`;
};

/** Hono's results for one node of the tree of literal segments; undefined: not computed yet. */
interface Node<T> {
  /** For the path that ends here. */
  at: readonly Finder<T>[] | undefined;
  /** For all paths that go on with a segment no pattern has. */
  under: readonly Finder<T>[] | undefined;
  /** Some pattern goes on from here. */
  inner: boolean;
}

/** A node for each leading part of a pattern's literal segments, "" among them. */
const nodesOf = <T>(patterns: Iterable<string>): Map<string, Node<T>> => {
  const nodes = new Map<string, Node<T>>();
  const nodeAt = (path: string): Node<T> => {
    const node = nodes.get(path) ?? { at: undefined, under: undefined, inner: false };
    nodes.set(path, node);
    return node;
  };
  const root = nodeAt("");
  for (const pattern of patterns) {
    const text = `${pattern.replace(/\/\*$/, "")}/`;
    let parent = root;
    for (let end = text.indexOf("/", 1); end !== -1; end = text.indexOf("/", end + 1)) {
      parent.inner = true;
      parent = nodeAt(text.slice(0, end));
    }
  }
  return nodes;
};

/**
 * A Hono router over entries in precedence order. It is the TrieRouter, since its cost depends on the depth of the path
 * alone: RegExpRouter's grows with the number of routes (`bun run bench routing` shows both). Patterns are registered
 * in the order of their first entry and come back in it, so the search ends as soon as nothing better can follow.
 *
 * Hono's results are cached. Patterns are literal segments, most with a closing `*`: which of them match depends on how
 * far the path follows their segments and on whether it goes on. So there are at most two results per node, and no path
 * that a client makes up adds another.
 */
function createRouter<T>(entries: readonly Entry<T>[]): Finder<T> {
  const router = new TrieRouter<Finder<T>>();
  const byPattern = Map.groupBy(entries, (entry) => patternOf(entry.path));
  for (const [pattern, some] of byPattern) router.add(METHOD_NAME_ALL, pattern, compileCandidates(some));
  const escaped = [...byPattern.keys()].some((pattern) => pattern.includes("~"));
  const nodes = nodesOf<T>(byPattern.keys());
  const root = nodes.get("")!;

  function match(path: string, node: Node<T>, kind: "at" | "under"): readonly Finder<T>[] {
    const found = router.match(METHOD_NAME_ALL, path)[0].map(([candidates]) => candidates);
    node[kind] = found;
    return found;
  }

  function allOf(path: string): readonly Finder<T>[] {
    let node = root;
    for (let end = 0; ; ) {
      // No search for what cannot be there: it would reach into memory that no other request keeps near.
      if (!node.inner) return node.under ?? match(path, node, "under");
      end = path.indexOf("/", end + 1);
      const child = nodes.get(end === -1 ? path : path.slice(0, end));
      if (child === undefined) return node.under ?? match(path, node, "under");
      node = child;
      if (end === -1) return node.at ?? match(path, node, "at");
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

/**
 * A router over entries in precedence order; those that ignore case have their own, which gets the path in lower case.
 */
export function createPathRouter<T>(entries: readonly Entry<T>[]): Finder<T> {
  const exact = entries.filter(({ path }) => !path.ignoreCase);
  const loose = entries.filter(({ path }) => path.ignoreCase);
  if (loose.length === 0) return createRouter(exact);
  const folded = createRouter(loose);
  const lower: Finder<T> = {
    first: folded.first,
    find: (lookup, below) => folded.find({ ...lookup, path: lookup.path.toLowerCase() }, below),
  };
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
