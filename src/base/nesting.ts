import { Lexer } from "yaml";

/** Nothing that is read as YAML (or JSON) is nested deeper. */
export const MAX_DEPTH = 100;

/** Tokens that tell of a document, a scalar or an error, and stand for no text. */
const NO_TEXT: ReadonlySet<string> = new Set(["\u0002", "\u0018", "\u001f", "\ufeff"]);

/** Whether a text could be nested too deeply, at a glance: brackets within quotes and comments are taken for real. */
function isSuspicious(text: string): boolean {
  let depth = 0;
  let marks = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case "[":
      case "{":
        depth++;
        break;
      case "]":
      case "}":
        if (depth > 0) depth--;
        break;
      case "-":
      case "?":
        marks++;
        break;
      case "\n":
        marks = 0;
        break;
    }
    if (depth > MAX_DEPTH || marks > MAX_DEPTH) return true;
  }
  return false;
}

/**
 * The offset at which a YAML text becomes nested beyond `MAX_DEPTH`; undefined: it does not. Found by its tokens alone:
 * the parser takes time by the square of the depth, and its depth of the stack. Lists in block style are counted where
 * they share a line; each of the others takes a line of its own, longer than the one before.
 */
export function tooDeepAt(text: string): number | undefined {
  if (!isSuspicious(text)) return undefined;
  let offset = 0;
  let flow = 0;
  let block = 0;
  for (const token of new Lexer().lex(text)) {
    if (NO_TEXT.has(token)) continue;
    if (token === "[" || token === "{") flow++;
    else if (token === "]" || token === "}") flow--;
    else if (token === "-" || token === "?") block++;
    else if (token.includes("\n")) block = 0;
    if (flow > MAX_DEPTH || block > MAX_DEPTH) return offset;
    offset += token.length;
  }
  return undefined;
}
