import { cookieValue } from "../http/cookie.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { MatchRule, MatchRules, RouteRule, ValueRule } from "./options.ts";

/** What a value must be. */
type ValueTest = { readonly equals: string } | { readonly pattern: RegExp } | { readonly among: ReadonlySet<string> };

/** A rule for a header, cookie or query parameter. */
export interface Condition {
  readonly of: "header" | "cookie" | "query";
  /** Lower case for a header; as it is for a cookie and a query parameter. */
  readonly name: string;
  readonly rule: ValueTest | { readonly present: boolean } | { readonly not: ValueTest };
}

const compileTest = (rule: ValueRule): ValueTest => {
  if (typeof rule === "string") return { equals: rule };
  return "regex" in rule ? { pattern: new RegExp(rule.regex) } : { among: new Set(rule.in) };
};

const compileRule = (rule: MatchRule): Condition["rule"] => {
  if (typeof rule === "string" || "regex" in rule || "in" in rule) return compileTest(rule);
  return "not" in rule ? { not: compileTest(rule.not) } : { present: rule.present };
};

const conditionsOf = (of: Condition["of"], rules: MatchRules | undefined): Condition[] =>
  Object.entries(rules ?? {}).map(([name, match]) => ({
    of,
    name: of === "header" ? name.toLowerCase() : name,
    rule: compileRule(match),
  }));

/** The header, cookie and query rules of a route; all of them have to hold. */
export function compileConditions(rule: Pick<RouteRule, "headers" | "cookies" | "query">): Condition[] {
  return [
    ...conditionsOf("header", rule.headers),
    ...conditionsOf("cookie", rule.cookies),
    ...conditionsOf("query", rule.query),
  ];
}

/**
 * Reads header values, cookies and query parameters of one request for many routes: nothing is parsed before it is
 * needed. The query is read as `application/x-www-form-urlencoded`.
 */
export type ConditionReader = ReturnType<typeof createConditionReader>;

export function createConditionReader(facts: IncomingRequest) {
  let parameters: URLSearchParams | undefined;
  // Routes that stand side by side tend to need the same header, so the last value is kept.
  let lastName: string | undefined;
  let lastValue: string | null = null;
  return {
    /** The value, or null where it is absent. Several headers of one name are joined by ", "; else the first counts. */
    value(of: Condition["of"], name: string): string | null {
      if (of === "query") {
        parameters ??= new URLSearchParams(facts.search);
        return parameters.get(name);
      }
      if (of === "cookie") return cookieValue(facts.headers, name) ?? null;
      if (name !== lastName) {
        lastName = name;
        lastValue = facts.headers.get(name);
      }
      return lastValue;
    },
  };
}

/** Whether a value, null for an absent one, satisfies the condition. */
export function holds({ rule }: Condition, value: string | null): boolean {
  if ("present" in rule) return (value !== null) === rule.present;
  return "not" in rule ? !passes(rule.not, value) : passes(rule, value);
}

function passes(test: ValueTest, value: string | null): boolean {
  if ("equals" in test) return value === test.equals;
  return value !== null && ("pattern" in test ? test.pattern.test(value) : test.among.has(value));
}
