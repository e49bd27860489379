import type { Made, MadeMapping } from "../document.ts";
import type { Input } from "../input.ts";
import type { Library } from "./resources.ts";
import { type Target, targetOf } from "./upstream.ts";
import { alternativesOf, type Conditions, NO_CONDITIONS } from "./vars.ts";

/** Where the requests go that meet some conditions. */
export interface Branch {
  readonly conditions: Conditions;
  readonly target: Target;
}

interface Weighted {
  readonly target: Target;
  readonly weight: number;
}

interface Node {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The nodes of several upstreams as those of one: each upstream's share of the requests stays what it was. */
function mergedNodes(parts: readonly Weighted[]): Node[] | undefined {
  const lists = parts.map(({ target, weight }) => {
    const nodes = target.where.nodes as unknown as readonly Node[];
    return { nodes, weight, sum: nodes.reduce((sum, node) => sum + node.weight, 0) };
  });
  const common = lists.reduce((made, { sum }) => (sum === 0 ? made : (made * sum) / gcd(made, sum)), 1);
  const scaled = lists.flatMap(({ nodes, weight, sum }) =>
    nodes.map((node) => ({ ...node, weight: sum === 0 ? 0 : (weight * node.weight * common) / sum })),
  );
  const divisor = scaled.reduce((made, node) => gcd(made, node.weight), 0) || 1;
  const made = scaled.map((node) => ({ ...node, weight: node.weight / divisor }));
  return made.every(({ weight }) => Number.isSafeInteger(weight)) ? made : undefined;
}

/** Several targets as one that shares its requests out among them; text: why that cannot be. */
function shared(parts: readonly Weighted[]): Target | string {
  const [first, ...rest] = parts;
  if (first === undefined) return "it names no upstream";
  if (rest.length === 0) return first.target;
  const how = JSON.stringify(first.target.how);
  if (rest.some(({ target }) => JSON.stringify(target.how) !== how)) {
    return "its upstreams differ in more than their nodes: a route has one way to ask all of them";
  }
  const words = parts.flatMap(({ target }) => target.words);
  if (parts.every(({ target }) => target.where.service !== undefined)) {
    const services = parts.map(({ target, weight }): Made => ({ service: target.where.service, weight }));
    return { where: { services }, how: first.target.how, words };
  }
  if (parts.some(({ target }) => target.where.service !== undefined)) {
    return "it shares requests out between a service and fixed nodes, which one route cannot";
  }
  const nodes = mergedNodes(parts);
  return nodes === undefined
    ? "the weights cannot be brought together"
    : { where: { nodes: nodes as unknown as MadeMapping[] }, how: first.target.how, words };
}

function weightedOf(rule: Input, own: Target | string, upstreams: Library): Target | string {
  const parts: Weighted[] = [];
  for (const item of rule.at("weighted_upstreams").items()) {
    const weight = item.at("weight").number() ?? 1;
    const reference = item.at("upstream_id");
    const named = reference.exists ? upstreams.find(reference) : item.at("upstream");
    if (reference.exists && named === undefined) return "one of its upstreams is not there";
    const target = named?.exists ? targetOf(named) : own;
    if (typeof target === "string") return target;
    parts.push({ target, weight });
  }
  if (rule.at("weighted_upstreams").items().length === 0) return own;
  return shared(parts);
}

/** The alternatives under which a rule applies; none asked for: always. Text: why it cannot be carried over. */
function matchOf(rule: Input): Conditions[] | string {
  const items = rule.at("match").items();
  if (items.length === 0) {
    rule.at("match").take();
    return [NO_CONDITIONS];
  }
  const all = items.map((item) => alternativesOf(item.at("vars")));
  return all.find((one) => typeof one === "string") ?? (all as Conditions[][]).flat();
}

/**
 * The branches of traffic-split, in their order; those after one without conditions are never reached. `own` is where
 * requests go that no rule takes, or why that cannot be.
 */
export function branchesOf(rules: Input, own: Target | string, upstreams: Library): Branch[] {
  const branches: Branch[] = [];
  for (const rule of rules.items()) {
    if (branches.some(({ conditions }) => conditions === NO_CONDITIONS)) {
      rule.decline("a rule before it takes all requests");
      continue;
    }
    const conditions = matchOf(rule);
    const target = weightedOf(rule, own, upstreams);
    const why = typeof conditions === "string" ? conditions : typeof target === "string" ? target : undefined;
    if (why !== undefined) rule.decline(why);
    else for (const one of conditions as Conditions[]) branches.push({ conditions: one, target: target as Target });
  }
  return branches;
}
