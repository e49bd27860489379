import { isMapping } from "../base/schema/shapes.ts";
import { type ConfigIssue, type Path, showPath } from "../config/issues.ts";
import { readSource } from "../config/source.ts";
import { usesEnvironment } from "./escaping.ts";

/**
 * A value of a file that is imported. It remembers what was read of it: what is not read, and what is declined, is
 * reported to the user as not carried over, so nothing can be dropped without a word.
 */
export interface Input {
  /** The file's name, for messages. */
  readonly file: string;
  readonly path: Path;
  /** False: there is no such key. Null is there. */
  readonly exists: boolean;
  readonly isList: boolean;
  readonly isMapping: boolean;
  /** The value as it is, looked at without being taken. */
  readonly raw: unknown;
  /** The value under a key of a mapping; one that does not exist where there is none. */
  at(key: string): Input;
  /** The items of a list, or of a mapping the values; none of anything else. */
  items(): Input[];
  /** The keys of a mapping; none of anything else. */
  keys(): string[];
  /** Takes a text, a number or a boolean as a text. undefined: not there; anything else is declined. */
  text(): string | undefined;
  /** Takes a number, or a text that is one. */
  number(): number | undefined;
  /** Takes a number as `number` does, or a text that is an environment variable alone, which stands for one. */
  numberOrVariable(): number | string | undefined;
  /** Takes a boolean, or a text that is one. */
  boolean(): boolean | undefined;
  /** Takes a list of texts, or one text as a list of one. */
  texts(): string[] | undefined;
  /** Says that something was made of this value: what is in it and was not taken is reported by itself. */
  carry(): void;
  /** Takes the value with all that is in it. */
  take(): unknown;
  /**
   * Says that this value, with all that is in it, is not carried over and why; the words go on after "not carried over:
   * ".
   */
  decline(reason: string, rank?: Rank): void;
  /** Says something of a value that is carried over: what differs. A whole clause. */
  note(words: string, rank?: Rank): void;
}

/**
 * How much an issue matters, the gravest first: whom requests reach or who is refused (a route left out, shut, or open
 * where it was not), what behaves differently, what does not matter to requests.
 */
export const RANKS = ["access", "difference", "trifle"] as const;
/** One of them. */
export type Rank = (typeof RANKS)[number];

/** One thing to tell of an import. `message` is a clause without the path; it never holds a value of the file. */
export interface ImportIssue extends ConfigIssue {
  readonly rank: Rank;
}

/** A file that is imported. */
export interface InputFile {
  readonly root: Input;
  /** What is wrong with the text itself; there is nothing to import then. */
  readonly issues: readonly ConfigIssue[];
  /**
   * All that is not carried over, in the order of the file: every leaf that was not taken is one, or stands below one.
   */
  leftovers(): ImportIssue[];
  /** What was said of values that are carried over. */
  notes(): ImportIssue[];
  /** A place as messages have it. */
  where(path: Path): { readonly path: string; readonly line: number };
}

/** Why a value that was not read is not carried over. */
const UNKNOWN = "the gateway has nothing like it";

interface Mark {
  taken: boolean;
  carried: boolean;
  /** Each clause with its rank. */
  readonly declined: Map<string, Rank>;
  readonly notes: Map<string, Rank>;
}

const isLeaf = (value: unknown): boolean =>
  typeof value !== "object" || value === null || Object.keys(value).length === 0;

/** More reasons of parts of a value do not stand beside its own. */
const MAX_DEEPER = 3;

/** What was found, in words that show no value. */
const kindOf = (value: unknown): string => {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return isMapping(value) ? "a mapping" : `a ${typeof value === "string" ? "text" : typeof value}`;
};

/** How a file is read. */
export interface InputOptions {
  /** Brings the texts of its values into the notation of gateway.yaml. */
  text(written: string): string;
  /** Whether `at` finds keys in any case. @default false */
  readonly anyCase?: boolean | undefined;
  /** What comes nearest to a place that was not read; undefined: nothing. */
  readonly why?: ((path: Path) => Unread | undefined) | undefined;
}

/** Why a place that was not read is not carried over, and how much that matters. */
export interface Unread {
  readonly reason: string;
  readonly rank: Rank;
}

/** Reads a file to be imported. */
export function readInput(file: string, content: string, { text, anyCase = false, why }: InputOptions): InputFile {
  const source = readSource({ file, text: content, env: undefined });
  const marks = new Map<string, Mark>();

  const markOf = (path: Path): Mark => {
    const key = JSON.stringify(path);
    let mark = marks.get(key);
    if (mark === undefined) {
      mark = { taken: false, carried: false, declined: new Map(), notes: new Map() };
      marks.set(key, mark);
    }
    return mark;
  };

  const nameIn = (mapping: Record<string, unknown>, key: string): string | undefined => {
    if (Object.hasOwn(mapping, key)) return key;
    return anyCase ? Object.keys(mapping).find((name) => name.toLowerCase() === key.toLowerCase()) : undefined;
  };

  function takeAll(path: Path, value: unknown): void {
    if (isLeaf(value)) markOf(path).taken = true;
    else for (const [key, child] of childrenOf(value)) takeAll([...path, key], child);
  }

  function input(path: Path, exists: boolean, value: unknown): Input {
    const decline = (reason: string, rank: Rank = "difference"): void => {
      if (exists) markOf(path).declined.set(reason, rank);
    };
    const taken = <Value>(read: Value | undefined, wanted: string): Value | undefined => {
      if (!exists) return undefined;
      if (read === undefined && typeof value === "string" && usesEnvironment(text(value)))
        decline(`an environment variable cannot stand here: ${wanted} must be written out`);
      else if (read === undefined) decline(`it must be ${wanted}, and is ${kindOf(value)}`);
      else takeAll(path, value);
      return read;
    };
    return {
      file,
      path,
      exists,
      raw: value,
      isList: Array.isArray(value),
      isMapping: isMapping(value),
      at(key) {
        const name = isMapping(value) ? nameIn(value, key) : undefined;
        return name === undefined
          ? input([...path, key], false, undefined)
          : input([...path, name], true, (value as Record<string, unknown>)[name]);
      },
      items: () => (isLeaf(value) ? [] : childrenOf(value).map(([key, child]) => input([...path, key], true, child))),
      keys: () => (isMapping(value) ? Object.keys(value) : []),
      text: () => taken(textOf(value, text), "a text"),
      number: () => taken(numberOf(value), "a number"),
      numberOrVariable() {
        const variable = typeof value === "string" ? text(value.trim()) : "";
        return taken(/^\$\{[^}]*\}$/.test(variable) ? variable : numberOf(value), "a number");
      },
      boolean: () => taken(booleanOf(value), "true or false"),
      texts() {
        if (!Array.isArray(value))
          return taken(textOf(value, text) === undefined ? undefined : [textOf(value, text)!], "a list of texts");
        const read = value.map((item) => textOf(item, text));
        return taken(read.some((item) => item === undefined) ? undefined : (read as string[]), "a list of texts");
      },
      carry() {
        if (!exists) return;
        if (isLeaf(value)) takeAll(path, value);
        else markOf(path).carried = true;
      },
      take() {
        if (exists) takeAll(path, value);
        return translated(value, text);
      },
      decline,
      note: (words, rank = "difference") => {
        if (exists) markOf(path).notes.set(words, rank);
      },
    };
  }

  const tell = (path: Path, message: string, rank: Rank): ImportIssue => ({
    ...source.issue(path, message, "key"),
    path: showPath(path),
    rank,
  });

  const unknown = (path: Path): ImportIssue => {
    const known = why?.(path);
    return tell(path, known?.reason ?? UNKNOWN, known?.rank ?? "difference");
  };

  /** What was declined of the parts of a value, the places seen from it. */
  function declinedBelow(path: Path, value: unknown): [Path, string][] {
    if (isLeaf(value)) return [];
    return childrenOf(value).flatMap(([key, child]) => {
      const own = [...(marks.get(JSON.stringify([...path, key]))?.declined.keys() ?? [])];
      const below = declinedBelow([...path, key], child).map(([place, reason]): [Path, string] => [
        [key, ...place],
        reason,
      ]);
      return [...own.map((reason): [Path, string] => [[key], reason]), ...below];
    });
  }

  function leftovers(path: Path, value: unknown): { issues: ImportIssue[]; touched: boolean } {
    const mark = marks.get(JSON.stringify(path));
    if (mark !== undefined && mark.declined.size > 0) {
      const { declined } = mark;
      const deeper = declinedBelow(path, value).map(([place, reason]) => `${showPath(place)}: ${reason}`);
      const more = deeper.length === 0 ? "" : ` (${deeper.slice(0, MAX_DEEPER).join("; ")})`;
      const message = [...declined.keys()].join("; ") + more;
      return { issues: [tell(path, message, gravest([...declined.values()]))], touched: true };
    }
    if (isLeaf(value)) {
      return mark?.taken ? { issues: [], touched: true } : { issues: [unknown(path)], touched: false };
    }
    const below = childrenOf(value).map(([key, child]) => leftovers([...path, key], child));
    const touched = mark?.carried === true || below.some((one) => one.touched);
    const issues = below.flatMap((one) => one.issues);
    if (touched || path.length === 0) return { issues, touched };
    // A value of which nothing was read is reported once, unless there is more to say of what is in it.
    const known = why?.(path) !== undefined || issues.every(({ message }) => message === UNKNOWN);
    return { issues: known ? [unknown(path)] : issues, touched };
  }

  return {
    root: input([], source.root !== undefined, source.root),
    issues: source.issues,
    where: (path) => ({ path: showPath(path), line: source.issue(path, "", "key").line }),
    leftovers: () => (source.root === undefined ? [] : inOrder(leftovers([], source.root).issues)),
    notes: () =>
      inOrder(
        [...marks].flatMap(([key, { notes }]) =>
          [...notes].map(([words, rank]) => tell(JSON.parse(key) as Path, words, rank)),
        ),
      ),
  };
}

const gravest = (ranks: readonly Rank[]): Rank => RANKS.find((rank) => ranks.includes(rank)) ?? "difference";

const inOrder = (issues: readonly ImportIssue[]): ImportIssue[] =>
  issues.toSorted((a, b) => a.line - b.line || a.column - b.column);

const childrenOf = (value: unknown): [string | number, unknown][] =>
  Array.isArray(value) ? [...value.entries()] : isMapping(value) ? Object.entries(value) : [];

function textOf(value: unknown, text: (written: string) => string): string | undefined {
  if (typeof value === "string") return text(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return typeof value === "string" && /^-?[0-9]+(?:\.[0-9]+)?$/.test(value.trim()) ? Number(value) : undefined;
}

function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const word = value.toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
}

function translated(value: unknown, text: (written: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => translated(item, text));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, translated(child, text)]));
}
