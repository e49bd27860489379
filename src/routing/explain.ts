import type { RouteConfig } from "../config/route-schema.ts";
import type { RequestFacts } from "../request.ts";
import { type ConditionReader, compileConditions, createConditionReader, holds } from "./conditions.ts";
import { type HostRule, requestHost } from "./host.ts";
import { decodePath } from "./path.ts";
import type { Entry, PathTest } from "./precedence.ts";

/** Why a route takes a request or not. */
export interface Explanation {
  id: string;
  /** Whether all its rules hold; the first such route takes the request. */
  matched: boolean;
  /** One clause in words; header and query values are left out, as they may be secrets. */
  reason: string;
}

const hostFits = (rule: HostRule, host: string): boolean => {
  if (rule.kind === "any") return true;
  if (rule.kind === "exact") return rule.host === host;
  return host.length > rule.suffix.length && host.endsWith(rule.suffix);
};

const pathReason = (rule: PathTest, path: string): string | undefined => {
  switch (rule.kind) {
    case "exact":
      return path === rule.path ? undefined : `path: ${path} is not ${rule.path}`;
    case "prefix":
      return path === rule.prefix || path.startsWith(`${rule.prefix}/`)
        ? undefined
        : `path: ${path} is not under ${rule.prefix}`;
    case "start":
      return path.startsWith(rule.start) ? undefined : `path: ${path} does not start with ${rule.start}`;
    case "regex":
      return rule.pattern.test(path) ? undefined : `path: ${path} does not match ${rule.source}`;
  }
};

const conditionReason = (rule: RouteConfig, reader: ConditionReader): string | undefined => {
  for (const condition of compileConditions(rule)) {
    const value = reader.value(condition.of, condition.name);
    if (holds(condition, value)) continue;
    const absent = "present" in condition.rule && !condition.rule.present;
    const what = absent ? "must not be there" : "not" in condition.rule ? "has an excluded value" : "has another value";
    return `${condition.of} ${condition.name}: ${value === null ? "is missing" : what}`;
  }
  return undefined;
};

/**
 * Explains every route once, at its place in the precedence: under the host that fits the request, else its first.
 * Entries are compared one by one here, on purpose without the compiled table: what disagrees with it would be a bug.
 */
export function explainRoutes<T>(entries: readonly Entry<T>[], facts: RequestFacts): Explanation[] {
  const host = requestHost(facts.host);
  const path = decodePath(facts.path);
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
    const against =
      (fitting.has(route) ? undefined : `host: ${host === "" ? "none" : host} is not among ${hosts?.join(", ")}`) ??
      pathReason(pathTest, path) ??
      (methods === undefined || methods.includes(facts.method)
        ? undefined
        : `method: ${facts.method} is not among ${methods.join(", ")}`) ??
      conditionReason(rule, reader);
    if (against !== undefined) return { id, matched: false, reason: against };
    if (winner !== undefined) return { id, matched: true, reason: `matches, but ${winner} comes first` };
    winner = id;
    return { id, matched: true, reason: "takes the request" };
  });
}
