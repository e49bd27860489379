import { decodePath } from "../http/path.ts";
import { hasReadings, readingOf } from "../http/readings.ts";
import type { IncomingRequest } from "../http/request.ts";
import { type Condition, type ConditionReader, compileConditions, createConditionReader, holds } from "./conditions.ts";
import { type HostRule, requestHost } from "./host.ts";
import type { RouteRule } from "./options.ts";
import type { Entry, PathTest } from "./precedence.ts";
import { redirectTest } from "./redirect.ts";

/** Why a route takes a request or does not. */
export interface RouteExplanation {
  id: string;
  /** Whether all its rules hold; the first such route takes the request. */
  matched: boolean;
  /** One clause; header and query values are left out, as they may be secrets. */
  reason: string;
  /** Which of its rules do not hold, in the order they are checked; left out where all do. */
  unmet?: readonly RuleKind[];
}

/** What a rule is about. */
export type RuleKind = "host" | "path" | "method" | "header" | "cookie" | "query";

const hostFits = (rule: HostRule, host: string): boolean => {
  if (rule.kind === "any") return true;
  if (rule.kind === "exact") return rule.host === host;
  return host.length > rule.suffix.length && host.endsWith(rule.suffix);
};

/** Why a path does not satisfy a rule; undefined: it does. */
const pathFault = (rule: PathTest, sent: string): string | undefined => {
  const { kind, start } = rule;
  const path = rule.ignoreCase ? sent.toLowerCase() : sent;
  if ("pattern" in rule) return rule.pattern.test(path) ? undefined : `does not match ${rule.source}`;
  if (kind === "exact") return path === start ? undefined : `is not ${start}`;
  if (kind === "prefix") return path === start || path.startsWith(`${start}/`) ? undefined : `is not under ${start}`;
  return path.startsWith(start) ? undefined : `does not start with ${start}`;
};

/** The first header, cookie or query rule that does not hold. */
const unmetCondition = (rule: RouteRule, reader: ConditionReader): Condition | undefined => {
  if (rule.headers === undefined && rule.cookies === undefined && rule.query === undefined) return undefined;
  return compileConditions(rule).find((condition) => !holds(condition, reader.value(condition.of, condition.name)));
};

const conditionReason = ({ of, name, rule }: Condition, reader: ConditionReader): string => {
  if (reader.value(of, name) === null) return `${of} ${name}: is missing`;
  const absent = "present" in rule && !rule.present;
  return `${of} ${name}: ${absent ? "must not be there" : "not" in rule ? "has an excluded value" : "has another value"}`;
};

/**
 * Explains every route once, at its place in the precedence: under the host that fits the request, else its first.
 * Entries are compared one by one, on purpose without the compiled table: a difference between the two would be a bug.
 */
export function explainRoutes<T>(entries: readonly Entry<T>[], facts: IncomingRequest): RouteExplanation[] {
  const host = requestHost(facts.host);
  const ambiguous = hasReadings(facts.path);
  const asSent = decodePath(facts.path);
  const pathFor = ({ paths = "reject" }: RouteRule): string =>
    ambiguous && paths !== "reject" ? readingOf(facts.path, paths) : asSent;
  const reader = createConditionReader(facts);
  const fitting = new Map<T, Entry<T>>();
  for (const entry of entries) {
    if (hostFits(entry.host, host) && !fitting.has(entry.route)) fitting.set(entry.route, entry);
  }
  const seen = new Set<T>();
  const shown = entries.filter((entry) => {
    if (seen.has(entry.route) || (fitting.get(entry.route) ?? entry) !== entry) return false;
    seen.add(entry.route);
    return true;
  });
  let winner: string | undefined;
  return shown.map(({ route, rule, path: pathTest }) => {
    const { id, hosts, methods } = rule;
    const path = pathFor(rule);
    const unmet: RuleKind[] = [];
    if (!fitting.has(route)) unmet.push("host");
    const wrongPath = pathFault(pathTest, path);
    if (wrongPath !== undefined || redirectTest(rule)?.(facts.path) === false) unmet.push("path");
    if (methods !== undefined && !methods.includes(facts.method)) unmet.push("method");
    const condition = unmetCondition(rule, reader);
    if (condition !== undefined) unmet.push(condition.of);
    const [first] = unmet;
    if (first !== undefined) {
      const reasons: Partial<Record<RuleKind, string>> = {
        host: `host: ${host === "" ? "none" : host} is not among ${hosts?.join(", ")}`,
        path: wrongPath === undefined ? `path: redirect.regex finds nothing in ${path}` : `path: ${path} ${wrongPath}`,
        method: `method: ${facts.method} is not among ${methods?.join(", ")}`,
      };
      const reason = reasons[first] ?? conditionReason(condition!, reader);
      return { id, matched: false, reason, unmet };
    }
    if (winner !== undefined) return { id, matched: true, reason: `matches, but ${winner} comes first` };
    winner = id;
    return { id, matched: true, reason: "takes the request" };
  });
}
