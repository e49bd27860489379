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

/** The message for a fault in `line` of the file. */
export function syntaxMessage(code: ErrorCode, line: string): string {
  // ${NAME} in a flow collection reads as the begin of a mapping: a frequent slip with a puzzling error.
  const hint = /[{[].*[^"']\$\{/.test(line) ? '; inside { } and [ ] write "${NAME}" with quotes' : "";
  return `not valid YAML: ${MESSAGES[code] ?? MESSAGES.IMPOSSIBLE}${hint}`;
}
