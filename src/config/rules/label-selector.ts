/**
 * The Kubernetes label selector's grammar, as far as it can be checked without a server
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors, apimachinery's
 * `labels.Parse`).
 */

/** A selector an apiserver takes, and whether quotes were dropped to make it one; or what is wrong with it. */
export type NormalizedSelector = { readonly selector: string; readonly unquoted: boolean } | { readonly error: string };

interface Token {
  /** `quoted` is a word that stood in quotes. */
  readonly kind: "word" | "quoted" | "=" | "==" | "!=" | "!" | "," | "(" | ")" | "<" | ">" | "end";
  readonly text: string;
  readonly at: number;
}

class SelectorError extends Error {}

const complain = (at: number, wanted: string): never => {
  throw new SelectorError(`${wanted} at character ${at + 1}`);
};

/** Space, a symbol, a text in either kind of quotes, a quote that is not closed, or a word. */
const TOKEN = /\s+|(==|!=|[=!,()<>])|"([^"]*)"|'([^']*)'|(["'])|([^\s=!,()<>"']+)/g;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const { index: at, 1: symbol, 2: double, 3: quoted = double, 4: open, 5: word } of text.matchAll(TOKEN)) {
    if (open !== undefined) complain(at, "a quote is not closed");
    else if (symbol !== undefined) found.push({ kind: symbol as Token["kind"], text: symbol, at });
    else if (quoted !== undefined) found.push({ kind: "quoted", text: quoted, at });
    else if (word !== undefined) found.push({ kind: "word", text: word, at });
  }
  return [...found, { kind: "end", text: "", at: text.length }];
}

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

function isKey(text: string): boolean {
  const slash = text.indexOf("/");
  const prefix = slash < 0 ? undefined : text.slice(0, slash);
  return NAME.test(text.slice(slash + 1)) && (prefix === undefined || (prefix.length <= 253 && PREFIX.test(prefix)));
}

const isValue = (text: string): boolean => text === "" || NAME.test(text);

/** Walks the requirements; throws where they leave the grammar. */
function check(all: readonly Token[]): void {
  let next = 0;
  const peek = (): Token => all[next]!;
  const take = (): Token => all[next++]!;
  const isWord = (token: Token): boolean => token.kind === "word" || token.kind === "quoted";

  const value = (): void => {
    if (!isWord(peek())) return; // `key=` asks for the empty value
    const token = take();
    if (!isValue(token.text)) complain(token.at, "expected a label value (letters, digits, - _ ., at most 63)");
  };
  const set = (): void => {
    const opening = take();
    if (opening.kind !== "(") complain(opening.at, "expected (");
    for (;;) {
      value();
      const after = take();
      if (after.kind === ")") return;
      if (after.kind !== ",") complain(after.at, "expected , or )");
    }
  };
  const requirement = (): void => {
    const not = peek().kind === "!";
    if (not) take();
    const key = take();
    if (!isWord(key) || !isKey(key.text)) complain(key.at, "expected a label key");
    if (not) return;
    const operator = peek();
    if (operator.kind === "=" || operator.kind === "==" || operator.kind === "!=") {
      take();
      value();
    } else if (operator.kind === "<" || operator.kind === ">") {
      take();
      const number = take();
      if (!/^-?[0-9]+$/.test(number.text)) complain(number.at, "expected a whole number");
    } else if (operator.kind === "word" && (operator.text === "in" || operator.text === "notin")) {
      take();
      set();
    }
  };

  for (;;) {
    requirement();
    const after = take();
    if (after.kind === "end") return;
    if (after.kind !== ",") complain(after.at, "expected =, ==, !=, in, notin, <, > or ,");
  }
}

/**
 * Checks a label selector and drops the quotes around its keys and values, which APISIX's documents show
 * (`first="a",second="b"`) and a real apiserver refuses. What a selector selects is not changed; its error names the
 * position and never the text.
 */
export function normalizeLabelSelector(text: string): NormalizedSelector {
  try {
    const all = tokens(text);
    check(all);
    const quoted = all.filter((token) => token.kind === "quoted");
    let selector = "";
    let copied = 0;
    for (const { at, text: word } of quoted) {
      selector += text.slice(copied, at) + word;
      copied = at + word.length + 2;
    }
    return { selector: (selector + text.slice(copied)).trim(), unquoted: quoted.length > 0 };
  } catch (error) {
    if (error instanceof SelectorError) return { error: error.message };
    throw error;
  }
}
