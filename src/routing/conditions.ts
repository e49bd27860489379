import type { MatchRule } from "../config/route-schema.ts";
import type { RequestFacts } from "../request.ts";

/** A header or query parameter a route asks for. */
export interface Condition {
  readonly of: "header" | "query";
  /** Lower case for a header; as it is for a query parameter. */
  readonly name: string;
  readonly rule: { readonly equals: string } | { readonly pattern: RegExp } | { readonly present: boolean };
}

const compileRule = (rule: MatchRule): Condition["rule"] => {
  if (typeof rule === "string") return { equals: rule };
  return "regex" in rule ? { pattern: new RegExp(rule.regex) } : { present: rule.present };
};

/** The header and query rules of a route; all of them have to hold. */
export function compileConditions(rule: {
  headers?: Record<string, MatchRule> | undefined;
  query?: Record<string, MatchRule> | undefined;
}): Condition[] {
  const headers = Object.entries(rule.headers ?? {}).map(
    ([name, match]): Condition => ({ of: "header", name: name.toLowerCase(), rule: compileRule(match) }),
  );
  const query = Object.entries(rule.query ?? {}).map(
    ([name, match]): Condition => ({ of: "query", name, rule: compileRule(match) }),
  );
  return [...headers, ...query];
}

/** Reads header values and query parameters of one request for many routes: nothing is parsed before it is asked for. */
export interface ConditionReader {
  /** The value, or null where it is absent. Several headers of one name are joined by ", "; of parameters, the first. */
  value(of: Condition["of"], name: string): string | null;
}

/** A reader of the request's values; the query is read as `application/x-www-form-urlencoded`. */
export function createConditionReader(facts: RequestFacts): ConditionReader {
  let parameters: URLSearchParams | undefined;
  // Routes that stand side by side tend to ask for the same header, so the last answer is remembered.
  let lastName: string | undefined;
  let lastValue: string | null = null;
  return {
    value(of, name) {
      if (of === "query") {
        parameters ??= new URLSearchParams(facts.search);
        return parameters.get(name);
      }
      if (name !== lastName) {
        lastName = name;
        lastValue = facts.headers.get(name);
      }
      return lastValue;
    },
  };
}

/** Whether a value, null for an absent one, is what the condition asks for. */
export function holds({ rule }: Condition, value: string | null): boolean {
  if ("equals" in rule) return value === rule.equals;
  if ("pattern" in rule) return value !== null && rule.pattern.test(value);
  return (value !== null) === rule.present;
}
