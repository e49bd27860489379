import { badRequest } from "./status.ts";

/** Says whether labels match. */
export type LabelMatch = (labels: Readonly<Record<string, string>> | undefined) => boolean;

type Requirement =
  | { readonly op: "in" | "notin"; readonly key: string; readonly values: readonly string[] }
  | { readonly op: "exists" | "absent"; readonly key: string };

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
function tokens(text: string): string[] {
  return text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? [];
}

const OPERATORS = new Set(["=", "==", "!=", "in", "notin", "<", ">"]);

/**
 * Parses a label selector with the whole grammar of the API: `=`, `==`, `!=`, `in (…)`, `notin (…)`, `key`, `!key`, `<`, `>`
 * joined by commas. Throws the 400 of the apiserver.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function parseLabelSelector(text: string): LabelMatch {
  const all = tokens(text);
  let at = 0;
  const requirements: Requirement[] = [];
  const numbers: { key: string; op: "<" | ">"; than: number }[] = [];
  const fail = (message: string): never => {
    throw badRequest(`unable to parse requirement: ${message}`);
  };
  const value = (key: string, index: number, word: string): string =>
    isLabelValue(word) ? word : fail(`values[${index}][${key}]: Invalid value: ${quote(word)}: ${BAD_VALUE}`);
  const isWord = (token: string | undefined): token is string => token !== undefined && !/^[=!(),<>]/.test(token);

  const parseSet = (key: string, op: string): string[] => {
    if (all[at] !== "(") fail(`found '${all[at] ?? ""}' expected: '('`);
    at++;
    const values: string[] = [];
    for (;;) {
      const token = all[at];
      if (token === ")") break;
      if (token === ",") {
        if (all[at - 1] === "(" || all[at - 1] === ",") values.push("");
        at++;
        if (all[at] === ")") values.push("");
        continue;
      }
      if (!isWord(token)) return fail(`found '${token ?? ""}', expected: ',', or identifier`);
      values.push(value(key, values.length, token));
      at++;
      if (all[at] !== "," && all[at] !== ")") fail(`found '${all[at] ?? ""}', expected: ',' or ')'`);
    }
    at++;
    if (values.length === 0) fail(`values: Invalid value: []: for '${op}' operator, values set can't be empty`);
    return values;
  };

  while (at < all.length) {
    const negated = all[at] === "!";
    if (negated) at++;
    const key = all[at];
    if (!isWord(key)) return fail(`found '${key ?? ""}', expected: identifier`);
    if (!isLabelKey(key)) fail(`key: Invalid value: ${quote(key)}: ${BAD_KEY}`);
    at++;
    const op = all[at];
    if (negated || op === undefined || op === ",") {
      requirements.push({ op: negated ? "absent" : "exists", key });
      if (negated && op !== undefined && op !== ",") fail(`found '${op}', expected: ',' or 'end of string'`);
    } else if (!OPERATORS.has(op)) {
      fail(`found '${op}', expected: in, notin, =, ==, !=, gt, lt`);
    } else {
      at++;
      if (op === "in" || op === "notin") requirements.push({ op, key, values: parseSet(key, op) });
      else {
        const word = isWord(all[at]) ? all[at++]! : "";
        if (op === "<" || op === ">") {
          if (!/^-?[0-9]+$/.test(word))
            fail(
              `values[0][${key}]: Invalid value: ${quote(word)}: for 'Gt', 'Lt' operators, the value must be an integer`,
            );
          numbers.push({ key, op, than: Number(word) });
        } else requirements.push({ op: op === "!=" ? "notin" : "in", key, values: [value(key, 0, word)] });
      }
    }
    if (at === all.length) break;
    if (all[at] !== ",") fail(`found '${all[at]}', expected: ',' or 'end of string'`);
    at++;
    if (at === all.length) fail("found '', expected: identifier after ','");
  }

  return (labels) => {
    for (const requirement of requirements) {
      const has = labels !== undefined && Object.hasOwn(labels, requirement.key);
      switch (requirement.op) {
        case "exists":
          if (!has) return false;
          break;
        case "absent":
          if (has) return false;
          break;
        case "in":
          if (!has || !requirement.values.includes(labels[requirement.key]!)) return false;
          break;
        case "notin":
          if (has && requirement.values.includes(labels[requirement.key]!)) return false;
      }
    }
    return numbers.every(({ key, op, than }) => {
      const number = Number(labels?.[key] ?? Number.NaN);
      return op === "<" ? number < than : number > than;
    });
  };
}

/** Reads a field of an object by its dotted path, as text; "" where there is none. */
export function fieldText(object: unknown, path: string): string {
  let at: unknown = object;
  for (const part of path.split(".")) at = (at as Record<string, unknown> | undefined)?.[part];
  return at === undefined || at === null ? "" : String(at);
}

/**
 * Parses a field selector: `=`, `==`, `!=` joined by commas, over the fields the resource offers. Throws the 400 of the
 * apiserver; `where` is how its message names the collection.
 */
export function parseFieldSelector(
  text: string,
  fields: readonly string[],
  where: string,
): (object: unknown) => boolean {
  const terms = text
    .split(",")
    .filter((term) => term !== "")
    .map((term) => {
      const parts = /^(.*?)(!=|==|=)(.*)$/.exec(term);
      const refuse = (why: string) =>
        badRequest(
          `Unable to find ${quote(where)} that match label selector "", field selector ${quote(text)}: ${why}`,
        );
      if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      if (!fields.includes(parts[1]!)) throw refuse(`field label not supported: ${parts[1]}`);
      return { path: parts[1]!, equal: parts[2] !== "!=", value: parts[3]! };
    });
  return (object) => terms.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal);
}
