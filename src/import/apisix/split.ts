import type { YamlMapping, YamlValue } from "../document.ts";
import { dependsOnEnvironment } from "../escaping.ts";
import type { Input } from "../input.ts";
import type { ObjectsById } from "./resources.ts";
import { type ApisixTarget, apisixTarget, type UpstreamNode } from "./upstream.ts";
import { alternativesOf, type Conditions, NO_CONDITIONS } from "./vars.ts";

/** Where the requests go that meet some conditions. */
export interface Branch {
  readonly conditions: Conditions;
  readonly target: ApisixTarget;
}

interface Weighted {
  readonly target: ApisixTarget;
  readonly weight: number;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

interface Share {
  readonly nodes: readonly UpstreamNode[];
  readonly weight: number;
}

/** The nodes that are asked while they live: those of the highest priority. */
function topOf(nodes: readonly UpstreamNode[]): UpstreamNode[] {
  const top = Math.max(...nodes.map(({ priority = 0 }) => Number(priority)));
  return nodes.flatMap(({ priority = 0, ...node }) => (Number(priority) === top ? [node] : []));
}

/** The nodes of several upstreams as those of one: each upstream's share of the requests stays what it was. */
function mergedNodes(shares: readonly Share[]): UpstreamNode[] | undefined {
  const lists = shares.map(({ nodes, weight }) => ({
    nodes,
    weight,
    sum: nodes.reduce((sum, node) => sum + Number(node.weight), 0),
  }));
  const common = lists.reduce((made, { sum }) => (sum === 0 ? made : (made * sum) / gcd(made, sum)), 1);
  const scaled = lists.flatMap(({ nodes, weight, sum }) =>
    nodes.map((node) => ({ ...node, weight: sum === 0 ? 0 : (weight * Number(node.weight) * common) / sum })),
  );
  const divisor = scaled.reduce((made, node) => gcd(made, node.weight), 0) || 1;
  const made = scaled.map((node) => ({ ...node, weight: node.weight / divisor }));
  return made.every(({ weight }) => Number.isSafeInteger(weight)) ? made : undefined;
}

/**
 * Keys of ours that a route has once, and what they are made of. With one of `must` an upstream cannot do without its
 * own.
 */
const HOW = {
  timeouts: "timeout",
  retries: "retries",
  health: "checks",
  balancer: "type",
  keepalive: "keepalive_pool",
};
const MUST = { scheme: "scheme", upstream_tls: "scheme", pass_host: "pass_host", upstream_host: "upstream_host" };

/** What of the settings of several upstreams differs, by the keys of APISIX's. */
const differing = (keys: Readonly<Record<string, string>>, parts: readonly Weighted[]): string[] => {
  const texts = (key: string) => new Set(parts.map(({ target }) => JSON.stringify(target.settings[key])));
  return [...new Set(Object.entries(keys).flatMap(([key, theirs]) => (texts(key).size > 1 ? [theirs] : [])))];
};

/** Several targets as one that shares its requests out among them; text: why that cannot be. */
function shared(parts: readonly Weighted[], main: ApisixTarget, list: Input): ApisixTarget | string {
  const [first, ...rest] = parts;
  if (first === undefined) return "it names no upstream";
  if (rest.length === 0) return first.target;
  const [must] = differing(MUST, parts);
  if (must !== undefined) return `its upstreams differ in ${must}, and a route has one for all of them`;
  const one = differing(HOW, parts);
  if (one.length > 0) {
    const kept = "what the route's own upstream says is kept, or the first where that is none of them";
    list.note(`its upstreams differ in ${one.join(", ")}, and a route has one for all of them: ${kept}`);
  }
  const { settings: how } = main;
  const words = parts.flatMap(({ target }) => target.comments);
  if (parts.every(({ target }) => target.where.service !== undefined)) {
    const services = parts.map(({ target, weight }): YamlValue => ({ service: target.where.service, weight }));
    return { where: { services }, settings: how, comments: words };
  }
  if (parts.some(({ target }) => target.where.service !== undefined)) {
    return "it shares requests out between a service and fixed nodes, which one route cannot";
  }
  const lists = parts.map(({ target, weight }) => ({ nodes: target.where.nodes as unknown as UpstreamNode[], weight }));
  if (
    lists.some(({ nodes }) => nodes.some(({ weight, priority = 0 }) => [weight, priority].some(dependsOnEnvironment)))
  ) {
    return "an environment variable is the weight of a node, and the shares of its upstreams cannot be worked out";
  }
  const tops = lists.map(({ nodes, weight }) => ({ nodes: topOf(nodes), weight }));
  if (tops.some(({ nodes }, index) => nodes.length < lists[index]!.nodes.length)) {
    list.note("nodes of a lower priority do not stand by here: those of the highest are kept");
  }
  const nodes = mergedNodes(tops);
  return nodes === undefined
    ? "the weights cannot be brought together"
    : { where: { nodes: nodes as unknown as YamlMapping[] }, settings: how, comments: words };
}

function weightedOf(rule: Input, own: ApisixTarget | string, upstreams: ObjectsById): ApisixTarget | string {
  const parts: Weighted[] = [];
  const list = rule.at("weighted_upstreams");
  for (const item of list.items()) {
    const weight = item.at("weight").number() ?? 1;
    const reference = item.at("upstream_id");
    const named = reference.exists ? upstreams.find(reference) : item.at("upstream");
    if (reference.exists && named === undefined) return "one of its upstreams is not there";
    const target = named?.exists ? apisixTarget(named) : own;
    if (typeof target === "string") return target;
    parts.push({ target, weight });
  }
  if (list.items().length === 0) return own;
  const main = parts.find(({ target }) => target === own) ?? parts[0]!;
  return shared(parts, main.target, list);
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
export function branchesOf(rules: Input, own: ApisixTarget | string, upstreams: ObjectsById): Branch[] {
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
    else
      for (const one of conditions as Conditions[]) branches.push({ conditions: one, target: target as ApisixTarget });
  }
  return branches;
}
