import type { ErrorCode } from "yaml";

/**
 * What the YAML parser's error codes mean to the writer of a config. The parser's own messages are not used: they
 * quote the file, and with it possibly a secret.
 */
const MESSAGES: Record<ErrorCode, string> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag of its own",
  BAD_ALIAS: "an anchor or alias needs a name; a text that begins with * or & needs quotes",
  BAD_COLLECTION_TYPE: "this YAML tag does not fit the value after it",
  BAD_DIRECTIVE: "this line begins with % but is no YAML directive; a text that begins with % needs quotes",
  BAD_DQ_ESCAPE: "this backslash sequence does not exist in double quotes; single quotes take backslashes as they are",
  BAD_INDENT: "the indentation does not fit, or a closing ] or } is missing",
  BAD_PROP_ORDER: "an anchor or tag must stand before the value it belongs to",
  BAD_SCALAR_START: "a text cannot begin with this character without quotes",
  BLOCK_AS_IMPLICIT_KEY: "a mapping or list cannot begin here; a text that holds a colon and a space needs quotes",
  BLOCK_IN_FLOW: "inside { } and [ ] only values in { } and [ ] and plain values can stand",
  DUPLICATE_KEY: "this key is there already",
  IMPOSSIBLE: "this cannot be read as YAML",
  KEY_OVER_1024_CHARS: "a key can have at most 1024 characters",
  MISSING_CHAR: "a character is missing here: a closing quote, a comma, a colon or a space",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line and be followed by a colon and a space",
  MULTIPLE_ANCHORS: "a value can have one anchor only",
  MULTIPLE_DOCS: "the file holds several YAML documents (a line ---): only one is allowed",
  MULTIPLE_TAGS: "a value can have one tag only",
  NON_STRING_KEY: "a key must be a text",
  RESOURCE_EXHAUSTION: "the file is nested too deeply",
  TAB_AS_INDENT: "a tab cannot indent in YAML: use spaces",
  TAG_RESOLVE_FAILED: "YAML tags of one's own (!name) are not supported; a text that begins with ! needs quotes",
  UNEXPECTED_TOKEN: "this cannot stand here in YAML",
};

/** A line of a block mapping or list: an item, a key, or both. */
const BLOCK_LINE = /^(?<indent> *(?:- +)*)[\w.$"'-]+:(?: |$)/;

const indentOf = (line: string | undefined): number | undefined =>
  BLOCK_LINE.exec(line ?? "")?.groups?.indent?.replaceAll("-", " ").length;

/** The message for a line of keys in another column than the line before it, where the parser sees another fault. */
function indented(code: ErrorCode, lines: readonly string[], line: number): string | undefined {
  const here = indentOf(lines[line - 1]);
  const after = indentOf(lines[line]);
  if (here === undefined) return undefined;
  if (code === "MISSING_CHAR" && /^ *[\w-]+:(?: |$)/.test(lines[line - 1]!)) {
    return "the indentation of this line does not fit: keys of one mapping begin in the same column";
  }
  return code === "BLOCK_AS_IMPLICIT_KEY" && after !== undefined && after > here
    ? "the next line is indented further than this one, which has a value already: keys of one mapping begin in the same column"
    : undefined;
}

/** The message for a fault in a line of the file, from 1. */
export function syntaxMessage(code: ErrorCode, lines: readonly string[], line: number): string {
  // ${NAME} in a flow collection reads as the begin of a mapping: a frequent slip with a puzzling error.
  const hint = /[{[].*[^"']\$\{/.test(lines[line - 1] ?? "") ? '; inside { } and [ ] write "${NAME}" with quotes' : "";
  const said = indented(code, lines, line) ?? MESSAGES[code] ?? MESSAGES.IMPOSSIBLE;
  return `not valid YAML: ${said}${hint}`;
}
