import type { YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { isPlainRegex } from "./path.ts";
import { isBlock } from "./text.ts";
import { variableOf } from "./variables.ts";

/** What a request must have beside its path, host and method: keys of a route. */
export interface Conditions {
  readonly headers: Readonly<Record<string, YamlValue>>;
  readonly query: Readonly<Record<string, YamlValue>>;
  readonly cookies: Readonly<Record<string, YamlValue>>;
  readonly methods?: readonly string[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  /** A regular expression for the path. */
  readonly path?: string | undefined;
  /** Addresses the client must come from. */
  readonly clients?: readonly string[] | undefined;
}

/** Asks for nothing. */
export const NO_CONDITIONS: Conditions = { headers: {}, query: {}, cookies: {} };

/** More alternatives than this are no route's. */
const MAX_ALTERNATIVES = 32;

/** No expression is nested deeper. */
const MAX_DEPTH = 20;

/** Why an expression cannot be carried over. */
class Unfit extends Error {}

const unfit = (why: string): never => {
  throw new Unfit(why);
};

/** A test of one value, and the same turned around. */
type Test = string | { readonly in: readonly string[] } | { readonly regex: string } | { readonly present: boolean };

const turned = (test: Test): YamlValue =>
  typeof test === "object" && "present" in test ? { present: !test.present } : { not: test as YamlValue };

function textOf(value: unknown): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  return unfit("an operator has a value that is no text");
}

function testOf(operator: string, value: unknown): { test: Test; negative: boolean } {
  switch (operator) {
    case "==":
      return { test: value === null ? { present: false } : textOf(value), negative: false };
    case "~=":
      return { test: value === null ? { present: false } : textOf(value), negative: true };
    case "in":
    case "IN":
      return { test: { in: Array.isArray(value) ? value.map(textOf) : [textOf(value)] }, negative: false };
    case "~~":
    case "~*": {
      const regex = textOf(value);
      if (!isPlainRegex(regex)) unfit("a regular expression uses what JavaScript's have not");
      return { test: { regex: operator === "~*" ? anyCase(regex) : regex }, negative: false };
    }
    default:
      return unfit(`the operator ${/^[\w<>=~!]{1,10}$/.test(operator) ? operator : "there"} has no counterpart`);
  }
}

/** A regular expression whose letters match in either case; not every runtime has a flag for a part of one. */
function anyCase(regex: string): string {
  if (/[[\\]/.test(regex.replace(/\\[.*+?^$/|(){}-]/g, "")))
    unfit("a regular expression without regard to case has classes in it");
  return regex.replace(/[A-Za-z]/g, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}

const KINDS = { header: "headers", query: "query", cookie: "cookies" } as const;

function leaf(name: string, operator: string, value: unknown, negate: boolean): Conditions {
  const variable = variableOf(name) ?? unfit("it asks for a variable that routes cannot ask for");
  if (variable.of === "client_ip") {
    const blocks = (Array.isArray(value) ? value : [value]).map(textOf);
    const fits = ["ipmatch", "==", "in", "IN"].includes(operator) && !negate && blocks.every(isBlock);
    return fits ? { ...NO_CONDITIONS, clients: blocks } : unfit("addresses can be listed, not excluded");
  }
  const { test, negative } = testOf(operator, value);
  const excluded = negative !== negate;
  if ("name" in variable) {
    return {
      ...NO_CONDITIONS,
      [KINDS[variable.of]]: { [variable.name]: excluded ? turned(test) : (test as YamlValue) },
    };
  }
  const values = typeof test === "string" ? [test] : "in" in test ? test.in : undefined;
  if (!excluded && values !== undefined && variable.of === "method") return { ...NO_CONDITIONS, methods: values };
  if (!excluded && values !== undefined && variable.of === "host") return { ...NO_CONDITIONS, hosts: values };
  if (!excluded && typeof test === "object" && "regex" in test && variable.of === "path") {
    return { ...NO_CONDITIONS, path: test.regex };
  }
  return unfit("routes cannot ask for this of a request in this way");
}

function merged<Value>(a: Readonly<Record<string, Value>>, b: Readonly<Record<string, Value>>): Record<string, Value> {
  for (const name of Object.keys(b)) if (Object.hasOwn(a, name)) unfit("two conditions ask for one name");
  return { ...a, ...b };
}

const onlyOne = <Value>(a: Value | undefined, b: Value | undefined): Value | undefined =>
  a !== undefined && b !== undefined ? unfit("two conditions ask for one thing") : (a ?? b);

const both = (a: Conditions, b: Conditions): Conditions => ({
  headers: merged(a.headers, b.headers),
  query: merged(a.query, b.query),
  cookies: merged(a.cookies, b.cookies),
  methods: onlyOne(a.methods, b.methods),
  hosts: onlyOne(a.hosts, b.hosts),
  path: onlyOne(a.path, b.path),
  clients: onlyOne(a.clients, b.clients),
});

/** Alternatives of which each is met or not as a whole. */
function alternatives(expression: unknown, negate: boolean, depth = 0): Conditions[] {
  if (depth > MAX_DEPTH) unfit("it is nested too deeply");
  if (!Array.isArray(expression) || expression.length === 0) return unfit("an expression is a list");
  const [first, ...rest] = expression as unknown[];
  if (Array.isArray(first)) return joined(expression as unknown[], negate, depth);
  const word = String(first).toUpperCase();
  if (word === "AND" || word === "OR" || word === "!AND" || word === "!OR") {
    const turn = word.startsWith("!") !== negate;
    return word.endsWith("AND") ? joined(rest, turn, depth) : either(rest, turn, depth);
  }
  const [operator, value] = rest[0] === "!" ? [rest[1], rest[2]] : rest;
  if (rest.length !== (rest[0] === "!" ? 3 : 2) || typeof operator !== "string") {
    return unfit("an expression is a variable, an operator and a value");
  }
  return [leaf(String(first), operator, value, (rest[0] === "!") !== negate)];
}

/** Each of the parts together with each of the others. */
function every(parts: readonly unknown[], negate: boolean, depth: number): Conditions[] {
  let made = [NO_CONDITIONS];
  for (const part of parts) {
    const next = alternatives(part, negate, depth + 1);
    if (made.length * next.length > MAX_ALTERNATIVES) unfit(`it has more than ${MAX_ALTERNATIVES} alternatives`);
    made = made.flatMap((one) => next.map((other) => both(one, other)));
  }
  return made;
}

const any = (parts: readonly unknown[], negate: boolean, depth: number): Conditions[] =>
  parts.flatMap((part) => alternatives(part, negate, depth + 1));

/** All of them; turned around, any of them turned around (De Morgan). */
const joined = (parts: readonly unknown[], negate: boolean, depth: number): Conditions[] =>
  negate ? any(parts, true, depth) : every(parts, false, depth);

/** Any of them; turned around, all of them turned around. */
const either = (parts: readonly unknown[], negate: boolean, depth: number): Conditions[] =>
  negate ? every(parts, true, depth) : any(parts, false, depth);

/**
 * The alternatives of `vars`, each a set of conditions; one without any where there are no vars. Text instead: why they
 * cannot be carried over.
 */
export function alternativesOf(vars: Input): Conditions[] | string {
  const expression = vars.take();
  if (!vars.exists || (Array.isArray(expression) && expression.length === 0)) return [NO_CONDITIONS];
  try {
    const found = alternatives(expression, false);
    return found.length > MAX_ALTERNATIVES ? `it has more than ${MAX_ALTERNATIVES} alternatives` : found;
  } catch (error) {
    if (error instanceof Unfit) return error.message;
    throw error;
  }
}

/**
 * The same without what cannot be carried over: every request that meets `vars` meets one of these, and others may. For
 * a stand-in, which must take all that its route took.
 */
export function widerAlternativesOf(vars: Input): Conditions[] {
  const expression = vars.take();
  if (!Array.isArray(expression) || expression.length === 0) return [NO_CONDITIONS];
  const found = wide(expression, false, 0);
  return found.length > MAX_ALTERNATIVES || found.includes(NO_CONDITIONS) ? [NO_CONDITIONS] : found;
}

/** As `alternatives`; whatever is unfit asks for nothing. */
function wide(expression: unknown, negate: boolean, depth: number): Conditions[] {
  try {
    return alternatives(expression, negate, depth);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
  }
  if (depth > MAX_DEPTH || !Array.isArray(expression)) return [NO_CONDITIONS];
  const [first, ...rest] = expression as unknown[];
  const [, turn = "", word] = /^(!?)(AND|OR)$/i.exec(String(first)) ?? [];
  const parts = Array.isArray(first) ? expression : word === undefined ? [] : rest;
  const all = (word?.toUpperCase() !== "OR") !== ((turn !== "") !== negate);
  if (parts.length === 0) return [NO_CONDITIONS];
  const found = parts.map((part) => wide(part, (turn !== "") !== negate, depth + 1));
  // Of parts that must all be met, one is enough to say what requests may be met.
  if (all) return found.find((one) => !one.includes(NO_CONDITIONS)) ?? [NO_CONDITIONS];
  return found.flat();
}

/** What must hold of both; text: why the two cannot be had together. */
export function withConditions(a: Conditions, b: Conditions): Conditions | string {
  try {
    return both(a, b);
  } catch (error) {
    if (error instanceof Unfit) return error.message;
    throw error;
  }
}
