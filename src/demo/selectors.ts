import { badRequest, type StatusError } from "./status.ts";

/** Says whether labels match. */
export type LabelMatch = (labels: Readonly<Record<string, string>> | undefined) => boolean;

const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const KEY_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const KEY_PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const BAD_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const BAD_KEY =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** Is this a label's value (and at most 63 characters)? */
export const isLabelValue = (text: string): boolean => text.length <= 63 && VALUE.test(text);

/** Is this a label's key: an optional DNS prefix, a slash, a name? */
export function isLabelKey(text: string): boolean {
  const parts = text.split("/");
  const name = parts.pop()!;
  if (parts.length > 1 || name.length > 63 || !KEY_NAME.test(name)) return false;
  return parts.length === 0 || (parts[0]!.length <= 253 && KEY_PREFIX.test(parts[0]!));
}

const quote = (text: string): string => JSON.stringify(text);

/** Words, operators and brackets; the apiserver's lexer knows no quotes, so they are part of a word. */
function tokensOf(text: string): string[] {
  return text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? [];
}

type Labels = Parameters<LabelMatch>[0];

/** The tokens of a selector, and the place reading has come to. */
interface Cursor {
  readonly tokens: readonly string[];
  at: number;
}

const isWord = (token: string | undefined): token is string => token !== undefined && !/^[=!(),<>]/.test(token);

const unparsed = (why: string): StatusError => badRequest(`unable to parse requirement: ${why}`);

function checkedValue(key: string, index: number, word: string): string {
  if (isLabelValue(word)) return word;
  throw unparsed(`values[${index}][${key}]: Invalid value: ${quote(word)}: ${BAD_VALUE}`);
}

/** The values of `in (…)`: between commas, none is the empty value. */
function readSet(cursor: Cursor, key: string): string[] {
  const { tokens } = cursor;
  if (tokens[cursor.at] !== "(") throw unparsed(`found '${tokens[cursor.at] ?? ""}' expected: '('`);
  const values = [""];
  for (;;) {
    const token = tokens[++cursor.at];
    if (token === ")") break;
    if (token === ",") values.push("");
    else if (!isWord(token)) throw unparsed(`found '${token ?? ""}', expected: ',', ')' or identifier`);
    else if (values.at(-1) !== "") throw unparsed(`found '${token}', expected: ',' or ')'`);
    else values[values.length - 1] = checkedValue(key, values.length - 1, token);
  }
  cursor.at++;
  return values;
}

const has = (labels: Labels, key: string): boolean => labels !== undefined && Object.hasOwn(labels, key);

/** `<` and `>` compare whole numbers; a label that is none does not match. */
function comparison(key: string, operator: "<" | ">", word: string): LabelMatch {
  if (!/^-?[0-9]+$/.test(word)) {
    throw unparsed(`for 'Gt', 'Lt' operators, the value must be an integer: found ${quote(word)}`);
  }
  const than = Number(word);
  return (labels) => {
    const number = Number(labels?.[key] ?? Number.NaN);
    return operator === "<" ? number < than : number > than;
  };
}

function readRequirement(cursor: Cursor): LabelMatch {
  const { tokens } = cursor;
  const negated = tokens[cursor.at] === "!";
  if (negated) cursor.at++;
  const key = tokens[cursor.at];
  if (!isWord(key)) throw badRequest(`found '${key ?? ""}', expected: !, identifier, or 'end of string'`);
  if (!isLabelKey(key)) throw unparsed(`key: Invalid value: ${quote(key)}: ${BAD_KEY}`);
  cursor.at++;
  if (negated) return (labels) => !has(labels, key);
  const operator = tokens[cursor.at];
  if (operator === undefined || operator === ",") return (labels) => has(labels, key);
  cursor.at++;
  switch (operator) {
    case "in":
    case "notin": {
      const values = readSet(cursor, key);
      const inSet = (labels: Labels): boolean => has(labels, key) && values.includes(labels![key]!);
      return operator === "in" ? inSet : (labels) => !inSet(labels);
    }
    case "=":
    case "==":
    case "!=":
    case "<":
    case ">": {
      const word = isWord(tokens[cursor.at]) ? tokens[cursor.at++]! : "";
      if (operator === "<" || operator === ">") return comparison(key, operator, word);
      const value = checkedValue(key, 0, word);
      const equal = (labels: Labels): boolean => has(labels, key) && labels![key] === value;
      return operator === "!=" ? (labels) => !equal(labels) : equal;
    }
    default:
      throw unparsed(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

/**
 * Parses a label selector with the whole grammar of the API: `=`, `==`, `!=`, `in (…)`, `notin (…)`, `key`, `!key`,
 * `<`, `>` joined by commas. Throws the 400 of the apiserver.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function parseLabelSelector(text: string): LabelMatch {
  const cursor: Cursor = { tokens: tokensOf(text), at: 0 };
  const { tokens } = cursor;
  const requirements: LabelMatch[] = [];
  while (cursor.at < tokens.length) {
    requirements.push(readRequirement(cursor));
    if (cursor.at === tokens.length) break;
    if (tokens[cursor.at] !== ",") throw badRequest(`found '${tokens[cursor.at]}', expected: ',' or 'end of string'`);
    cursor.at++;
    if (cursor.at === tokens.length) throw badRequest("found '', expected: identifier after ','");
  }
  return (labels) => requirements.every((matches) => matches(labels));
}

/** Reads a field of an object by its dotted path, as text; "" where there is none. */
export function fieldText(object: unknown, path: string): string {
  let at: unknown = object;
  for (const part of path.split(".")) at = (at as Record<string, unknown> | undefined)?.[part];
  return at === undefined || at === null ? "" : String(at);
}

/** How a resource words the refusal of a field: those with fields of their own, and the others. */
function fieldRefusal(own: readonly string[], text: string, where: string): (field: string) => StatusError {
  if (own.length === 0) {
    return (field) =>
      badRequest(`${quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
  const head = `Unable to find ${quote(where)} that match label selector "", field selector ${quote(text)}`;
  return (field) => badRequest(`${head}: field label not supported: ${field}`);
}

/**
 * Parses a field selector: `=`, `==`, `!=` joined by commas, over `metadata.name`, `metadata.namespace` and the
 * resource's `own` fields. Throws the 400 of the apiserver; `where` is how its message names the collection.
 */
export function parseFieldSelector(text: string, own: readonly string[], where: string): (object: unknown) => boolean {
  const fields = ["metadata.name", "metadata.namespace", ...own];
  const unknownField = fieldRefusal(own, text, where);
  const terms = text
    .split(",")
    .filter((term) => term !== "")
    .map((term) => {
      const parts = /^(.*?)(!=|==|=)(.*)$/.exec(term);
      if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      if (!fields.includes(parts[1]!)) throw unknownField(parts[1]!);
      return { path: parts[1]!, equal: parts[2] !== "!=", value: parts[3]! };
    });
  return (object) => terms.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal);
}
