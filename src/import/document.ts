import { Document, isCollection, isScalar, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { ImportIssue, Input } from "./input.ts";

/**
 * What an importer makes: plain values, keys of `undefined` left out, with comments where there is something to say.
 */
export type YamlValue = string | number | boolean | null | readonly YamlValue[] | YamlMapping | Commented;
/** A mapping of it. */
export interface YamlMapping {
  readonly [key: string]: YamlValue | undefined;
}

/** A value with what is said above it. */
export class Commented {
  readonly value: YamlValue;
  readonly comments: readonly string[];
  /** Where it comes from: named in the comment, with what of it is not carried over. */
  readonly from: readonly Input[];

  constructor(value: YamlValue, words: readonly string[], from: readonly Input[] = []) {
    this.value = value;
    this.comments = words;
    this.from = from;
  }
}

/** A value with a comment above it: these words, each on a line. */
export const commented = (value: YamlValue, ...words: readonly string[]): YamlValue => new Commented(value, words);

/** A value made of something: the comment names its place, and what of it was not carried over. */
export const convertedFrom = (
  from: Input | readonly Input[],
  value: YamlValue,
  ...words: readonly string[]
): YamlValue => new Commented(value, words, Array.isArray(from) ? from : [from as Input]);

/** Mappings and lists of plain values up to this many characters stand on one line. */
const ONE_LINE = 88;

const isBelow = (issue: ImportIssue, { file, path }: Input, shown: string): boolean =>
  issue.file === file &&
  (path.length === 0 || issue.path === shown || /^[.[]/.test(issue.path.slice(shown.length))) &&
  issue.path.startsWith(shown);

/** Comments are lines of their own: a line end in a name must not end one. */
const oneLine = (words: string): string => words.replace(/[\s\p{Cc}]+/gu, " ").trim();

/** How a document is printed. */
export interface PrintOptions {
  /** Lines above everything. */
  readonly heading: readonly string[];
  /** What is not carried over: named in the comment of what was made from it. */
  readonly leftovers: readonly ImportIssue[];
  /** The place of an input, such as `routes[2]`, as messages have it. */
  where(input: Input): { readonly path: string; readonly line: number };
}

/** Prints what an importer made as the text of a gateway.yaml. */
export function printDocument(made: YamlMapping, { heading, leftovers, where }: PrintOptions): string {
  function commentOf({ comments: words, from }: Commented): string {
    const lines = words.map(oneLine);
    for (const input of from) {
      const { path, line } = where(input);
      lines.push(`from ${input.file}:${line} ${path}`.trimEnd());
    }
    for (const input of from) {
      const { path } = where(input);
      for (const issue of leftovers) {
        if (isBelow(issue, input, path)) lines.push(oneLine(`not carried over: ${issue.path}: ${issue.message}`));
      }
    }
    return [...new Set(lines)].map((line) => ` ${line}`).join("\n");
  }

  function node(value: YamlValue): { made: Node; comment: string | undefined } {
    if (value instanceof Commented) {
      const inner = node(value.value);
      const comment = [commentOf(value), inner.comment].filter(Boolean).join("\n");
      return { made: inner.made, comment: comment === "" ? undefined : comment };
    }
    if (Array.isArray(value)) {
      const list = new YAMLSeq();
      for (const item of value as readonly YamlValue[]) {
        const { made: child, comment } = node(item);
        if (comment !== undefined) child.commentBefore = comment;
        list.items.push(child);
      }
      return { made: compact(list), comment: undefined };
    }
    if (typeof value === "object" && value !== null) {
      const map = new YAMLMap<Scalar, Node>();
      for (const [key, child] of Object.entries(value as YamlMapping)) {
        if (child === undefined) continue;
        const { made: inner, comment } = node(child);
        const name = new Scalar(key);
        if (comment !== undefined) name.commentBefore = comment;
        map.items.push(new Pair(name, inner));
      }
      return { made: compact(map), comment: undefined };
    }
    return { made: new Scalar(value), comment: undefined };
  }

  const document = new Document();
  const contents = node(made).made;
  if (isCollection(contents)) {
    contents.flow = contents.items.length === 0;
    for (const [index, pair] of (contents as YAMLMap<Scalar, Node>).items.entries()) {
      pair.key.spaceBefore = index > 0;
      if (pair.value instanceof YAMLSeq && !pair.value.flow) spaced(pair.value as YAMLSeq<Node>);
    }
  }
  document.contents = contents as typeof document.contents;
  document.commentBefore = heading.map((line) => ` ${oneLine(line)}`).join("\n");
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** An empty line between the items of a list whose items are long. */
function spaced(list: YAMLSeq<Node>): void {
  for (const [index, item] of list.items.entries())
    if (index > 0 && !(isCollection(item) && item.flow && item.commentBefore == null)) item.spaceBefore = true;
}

/** Puts a short collection of plain values without comments on one line. */
function compact<Collection extends YAMLMap<Scalar, Node> | YAMLSeq>(collection: Collection): Collection {
  const parts = collection.items.flatMap((item) => (item instanceof Pair ? [item.key, item.value] : [item])) as Node[];
  const inList = collection instanceof YAMLSeq;
  const short = parts.every(
    (part) => part.commentBefore == null && (isScalar(part) || (isCollection(part) && part.flow && !inList)),
  );
  const length = short ? parts.reduce((sum, part) => sum + JSON.stringify(part).length + 2, 0) : ONE_LINE + 1;
  const multiline = parts.some((part) => isScalar(part) && typeof part.value === "string" && part.value.includes("\n"));
  collection.flow = length <= ONE_LINE && !multiline;
  return collection;
}
