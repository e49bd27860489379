import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { MAX_DEPTH, tooDeepAt } from "../base/nesting.ts";
import type { Env } from "../platform/process.ts";
import type { ConfigDocument, Origin } from "./document.ts";
import { interpolate } from "./interpolate.ts";
import { type ConfigIssue, type Path, showPath } from "./issues.ts";
import { syntaxMessage } from "./syntax-messages.ts";

/** A value of the file with its place. */
interface Located {
  value: unknown;
  /** Offset of the value itself. */
  readonly at: number;
  /** Offset of the key it stands under, where it stands under one. */
  readonly keyAt?: number | undefined;
  readonly children?: ReadonlyMap<string | number, Located> | undefined;
  /** Whether environment variables made it: then it is never shown. */
  readonly env: Origin;
  /** How many values it holds, aliases followed. */
  readonly size: number;
}

/** Aliases let a short file stand for an endless one; a config that repeats more than this is no config. */
const MAX_REPEATED_VALUES = 200_000;

/** More of these add nothing. */
const MAX_SYNTAX_ISSUES = 20;

/** Names that mean something else to JavaScript than to a config. */
const UNUSABLE_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/**
 * What each alias of a document stands for: the last anchor of that name before it. One pass; the parser's own
 * `resolve` makes one for every alias. undefined for a document nested too deeply to be walked.
 */
function aliasTargets(top: Node | null): Map<Node, Node | undefined> | undefined {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node | undefined>();
  const pass = (node: unknown, depth: number): boolean => {
    if (depth > MAX_DEPTH) return false;
    if (isAlias(node)) targets.set(node, anchors.get(node.source));
    else if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor) anchors.set(node.anchor, node);
    if (isPair(node)) return pass(node.key, depth) && pass(node.value, depth);
    return !(isMap(node) || isSeq(node)) || node.items.every((item: unknown) => pass(item, depth + 1));
  };
  return pass(top, 0) ? targets : undefined;
}

/**
 * Reads a YAML (or JSON) text. Never throws; messages hold nothing of the file but key names. Without
 * `env` texts stay as they are written: the file is another program's.
 */
export function readSource({ file, text, env }: { file: string; text: string; env: Env | undefined }): ConfigDocument {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const lines = new LineCounter();
  const deep = tooDeepAt(source);
  const document = parseDocument(deep === undefined ? source : "", {
    lineCounter: lines,
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
  });
  // Places are those of the text as it is, which is not parsed.
  if (deep !== undefined) for (const { index } of source.matchAll(/(?<=\n)/g)) lines.addNewLine(index);
  const issues: ConfigIssue[] = [];
  const unset = new Set<string>();

  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const report = (offset: number, path: Path, message: string): void => {
    const shown = showPath(path);
    issues.push({ file, ...place(offset), path: shown, message: shown === "" ? message : `${shown}: ${message}` });
  };

  let targets: ReadonlyMap<Node, Node | undefined> = new Map();
  const startOf = (node: Node | null): number => node?.range?.[0] ?? 0;
  const known = new Map<Node, Located>();
  const open = new Set<Node>();
  let repeated = 0;

  function scalar(node: Scalar, path: Path): Located {
    const at = startOf(node);
    const { value } = node;
    if (typeof value === "string" && env === undefined) return { value, at, env: "none", size: 1 };
    if (typeof value === "string") {
      const made = interpolate(value, env!);
      const end = node.range?.[1] ?? at;
      for (const fault of made.faults) {
        const found = source.indexOf(value.slice(fault.offset, fault.offset + 12).split("\n")[0]!, at);
        unset.add(showPath(path));
        report(found >= at && found < end ? found : at, path, fault.message);
      }
      return { value: made.text, at, env: made.from, size: 1 };
    }
    if (value === null || typeof value === "number" || typeof value === "boolean") {
      return { value, at, env: "none", size: 1 };
    }
    report(at, path, "only texts, numbers, true and false can stand here");
    return { value: undefined, at, env: "none", size: 1 };
  }

  function keyOf(pair: Pair, path: Path): { name: string; at: number } | undefined {
    const key = pair.key as Node | null;
    const at = key ? startOf(key) : startOf(pair.value as Node | null);
    const resolved = isAlias(key) ? targets.get(key) : key;
    const name = isScalar(resolved) ? resolved.value : undefined;
    if (typeof name !== "string" && typeof name !== "number" && typeof name !== "boolean") {
      report(at, path, "a key must be a text");
      return undefined;
    }
    if (UNUSABLE_KEYS.has(String(name))) {
      report(at, path, `${name} cannot be used as a key`);
      return undefined;
    }
    return { name: String(name), at };
  }

  const isMerge = (pair: Pair): boolean => isScalar(pair.key) && typeof pair.key.value === "symbol";

  /** What `<<` stands for: its mappings, the first one wins (https://yaml.org/type/merge.html). */
  function merged(pair: Pair, path: Path): Located[] {
    const node = pair.value as Node | null;
    const from = walk(node, path);
    const sources = Array.isArray(from.value) ? [...from.children!.values()] : [from];
    const mappings = sources.filter((one) => typeof one.value === "object" && one.value !== null && one.children);
    if (mappings.length < sources.length || sources.some((one) => Array.isArray(one.value))) {
      report(startOf(pair.key as Node), path, "<< must be followed by a mapping, an alias of one, or a list of them");
    }
    return mappings;
  }

  function mapping(node: YAMLMap, path: Path): Located {
    const children = new Map<string, Located>();
    for (const pair of node.items) {
      if (isMerge(pair)) continue;
      const key = keyOf(pair, path);
      if (!key) continue;
      const first = children.get(key.name);
      const child = walk(pair.value as Node | null, [...path, key.name], key.at);
      if (first) report(key.at, [...path, key.name], `this key is there already, in line ${place(first.keyAt!).line}`);
      else children.set(key.name, { ...child, keyAt: key.at });
    }
    for (const pair of node.items) {
      if (!isMerge(pair)) continue;
      for (const from of merged(pair, path)) {
        for (const [name, child] of from.children!) {
          if (!children.has(String(name))) children.set(String(name), child);
        }
      }
    }
    const value: Record<string, unknown> = {};
    for (const [name, child] of children) value[name] = child.value;
    return { value, at: startOf(node), children, env: "none", size: sizeOf(children.values()) };
  }

  const sizeOf = (parts: Iterable<Located>): number => {
    let size = 1;
    for (const part of parts) size += part.size;
    return size;
  };

  function walk(node: Node | null, path: Path, fallback = 0): Located {
    if (node === null) return { value: null, at: fallback, env: "none", size: 1 };
    if (isAlias(node)) {
      const at = startOf(node);
      const target = targets.get(node);
      if (!target) {
        report(at, path, "no anchor of that name comes before this alias; a text that begins with * needs quotes");
      } else if (open.has(target)) {
        report(at, path, "an alias cannot stand inside the value it names");
      } else {
        const found = walk(target, path);
        repeated += found.size;
        return { ...found, at };
      }
      return { value: undefined, at, env: "none", size: 1 };
    }
    const before = known.get(node);
    if (before) return before;
    open.add(node);
    const made = located(node, path);
    open.delete(node);
    known.set(node, made);
    return made;
  }

  function located(node: Node, path: Path): Located {
    if (isMap(node)) return mapping(node, path);
    if (isSeq(node)) {
      const children = new Map<number, Located>();
      for (const [index, item] of node.items.entries()) {
        const itemPath = [...path, index];
        if (isPair(item)) report(startOf(item.key as Node), itemPath, "this YAML tag is not supported here");
        else children.set(index, walk(item as Node | null, itemPath, startOf(node)));
      }
      const value = [...children.values()].map((child) => child.value);
      return { value, at: startOf(node), children, env: "none", size: sizeOf(children.values()) };
    }
    return scalar(node as Scalar, path);
  }

  const seen = new Set<number>();
  for (const error of [...document.errors, ...document.warnings].slice(0, 1000)) {
    const offset = Math.min(error.pos[0], source.length);
    const { line } = place(offset);
    if (seen.has(line) || seen.size >= MAX_SYNTAX_ISSUES) continue; // one fault in a line makes several errors
    seen.add(line);
    report(offset, [], syntaxMessage(error.code, source.split("\n"), line));
  }

  const nothing: Located = { value: undefined, at: 0, env: "none", size: 1 };
  let top = nothing;
  if (deep !== undefined) report(deep, [], syntaxMessage("RESOURCE_EXHAUSTION", [], 1));
  const followed = issues.length === 0 ? aliasTargets(document.contents) : undefined;
  if (issues.length === 0 && !followed) report(0, [], syntaxMessage("RESOURCE_EXHAUSTION", [], 1));
  if (followed && document.contents !== null) {
    targets = followed;
    top = walk(document.contents as Node, []);
    if (repeated > MAX_REPEATED_VALUES) {
      report(0, [], `this file's aliases repeat more than ${MAX_REPEATED_VALUES} values: that is refused`);
      top = nothing;
    }
    // A file of comments only has a null that was not written.
    if (top.value === null) top = { ...top, value: undefined };
  }

  /** The value at a path, or the last one on the way to it. */
  const find = (path: Path): { node: Located; whole: boolean } => {
    let node = top;
    for (const part of path) {
      const child = node.children?.get(part);
      if (!child) return { node, whole: false };
      node = child;
    }
    return { node, whole: true };
  };

  return {
    get root() {
      return top.value;
    },
    issues,
    unset,
    issue(path, message, at = "value") {
      const { node } = find(path);
      const offset = at === "key" ? (node.keyAt ?? node.at) : node.at;
      return { file, ...place(offset), path: showPath(path), message };
    },
    envOf: (path) => {
      const { node, whole } = find(path);
      return whole ? node.env : "none";
    },
    replace(path, value) {
      const parent = find(path.slice(0, -1)).node.value as Record<string | number, unknown>;
      const last = path.at(-1);
      if (last !== undefined) parent[last] = value;
    },
  };
}
