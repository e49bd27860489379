/** One small change of a source file. */
export interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly kind: string;
  /** The changed line before and after, without its indentation. */
  readonly before: string;
  readonly after: string;
  /** The whole file with the change in it. */
  readonly text: string;
}

/** A place in masked text, and what stands there instead. */
interface Site {
  readonly at: number;
  readonly length: number;
  readonly put: string;
}

type Operator = (masked: string) => Site[];

/** Each match of `pattern` replaced by what `put` makes of it. */
const each =
  (pattern: RegExp, put: (match: RegExpExecArray) => string): Operator =>
  (masked) =>
    [...masked.matchAll(pattern)].map((match) => ({ at: match.index, length: match[0].length, put: put(match) }));

const swap = (pairs: Record<string, string>): Operator => {
  const words = Object.keys(pairs).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return each(new RegExp(`(?<=[\\w)\\]}"'] )(?:${words.join("|")})(?= [\\w(!"'\`[{-])`, "g"), ([word]) => pairs[word]!);
};

/** Where the parenthesis that opens at `open` closes. */
function closing(masked: string, open: number): number {
  let depth = 0;
  for (let at = open; at < masked.length; at++) {
    if (masked[at] === "(") depth++;
    else if (masked[at] === ")" && --depth === 0) return at;
  }
  return -1;
}

/** The condition of each `if` replaced by a constant. */
const condition =
  (put: string): Operator =>
  (masked) =>
    [...masked.matchAll(/\bif \(/g)].flatMap((match) => {
      const open = match.index + 3;
      const end = closing(masked, open);
      return end === -1 ? [] : [{ at: open + 1, length: end - open - 1, put }];
    });

/**
 * What is changed, by name. Each is a slip that a person makes: a bound off by one, a condition upside down, a call left
 * out. Words of messages and types are left alone.
 */
const OPERATORS: Readonly<Record<string, Operator>> = {
  bound: swap({ "<": "<=", "<=": "<", ">": ">=", ">=": ">" }),
  equality: swap({ "===": "!==", "!==": "===" }),
  logic: swap({ "&&": "||", "||": "&&", "??": "&&" }),
  sum: swap({ "+": "-", "-": "+" }),
  "always taken": condition("true"),
  "never taken": condition("false"),
  "left out": each(/^[ \t]+(?:await |void )?[\w.#?![\]]+(?:\(.*\)|(?: [-+]?= .+|\+\+|--));$/gm, ([line]) =>
    line.replace(/\S.*/, ";"),
  ),
  "not skipped": each(/\bcontinue;/g, () => ";"),
  constant: each(/(?<=[=(,?:] |return |[([])(?:true|false)(?=[;,)\] ])/g, ([word]) =>
    word === "true" ? "false" : "true",
  ),
  "off by one": each(/(?<=(?:[-+*/<>=(,?:[]|return) ?)\b[012]\b(?![.\w])/g, ([digit]) => String(Number(digit) + 1)),
  extreme: each(/\bMath\.(min|max)\b/g, ([, name]) => (name === "min" ? "Math.max" : "Math.min")),
  quantifier: each(/\.(some|every)\(/g, ([, name]) => (name === "some" ? ".every(" : ".some(")),
};

/** The text with comments, strings, templates, regexes and type declarations blanked, each character by a space. */
function mask(text: string): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, " ");
  return text
    .replace(/\/\*[\s\S]*?\*\/|(?<![:"'`])\/\/[^\n]*/g, blank)
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, (part) => `"${blank(part.slice(1, -1))}"`)
    .replace(/(?<=[(=,:[!&|?] ?)\/(?![/*\s])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*/g, blank)
    .replace(/^(?:export )?(?:interface|type|declare)\b[\s\S]*?^(?:\}|.*;)$/gm, blank)
    .replace(/^import\b[\s\S]*?;$/gm, blank);
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

function parses(text: string): boolean {
  try {
    transpiler.transformSync(text);
    return true;
  } catch {
    return false;
  }
}

/** Every mutant of a file that is still a program. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const masked = mask(text);
  const whole = transpiler.transformSync(text);
  return Object.entries(OPERATORS).flatMap(([kind, operator]) =>
    operator(masked).flatMap(({ at, length, put }): Mutant[] => {
      const mutated = text.slice(0, at) + put + text.slice(at + length);
      if (!parses(mutated) || transpiler.transformSync(mutated) === whole) return [];
      const start = text.lastIndexOf("\n", at - 1) + 1;
      const line = text.slice(0, at).split("\n").length;
      const lineOf = (of: string): string => of.slice(start, of.indexOf("\n", at)).trim();
      return [{ file, line, kind, before: lineOf(text), after: lineOf(mutated), text: mutated }];
    }),
  );
}
