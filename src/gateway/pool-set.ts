import { type Backends, createBackends } from "../balancing/backends.ts";
import type { ProbedPool } from "../balancing/health/active-health.ts";
import type { BalancerConfig, PassiveHealthConfig } from "../balancing/options.ts";
import { createPool, type PoolOptions } from "../balancing/pool.ts";
import { keyReader } from "../balancing/request-key.ts";
import type { RetryBudgets } from "../balancing/retry-budget.ts";
import { staticUpstream } from "../balancing/static-upstream.ts";
import type { Pool, Target } from "../balancing/types.ts";
import type { WeightedBackend } from "../balancing/weighted-backend.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { RouteConfig } from "../config/schema.ts";
import type { Cluster } from "../discovery/cluster.ts";
import type { Discovery } from "../discovery/views.ts";

/** What an entry of `routes` or `streams` says of where it leads. */
export interface DestinationConfig
  extends Pick<RouteConfig, "id" | "service" | "services" | "nodes" | "cluster" | "namespace" | "port_name"> {
  /** Only where a route sets it: chooses the port of that name. */
  readonly scheme?: RouteConfig["scheme"];
  readonly balancer: BalancerConfig;
  readonly health: { readonly passive: PassiveHealthConfig | false };
}

/** Where an entry leads. */
export interface Destination<Counts> {
  readonly backends: Backends<WeightedBackend<Counts>>;
  readonly of: readonly WeightedBackend<Counts>[];
}

/** What is counted of an entry. */
export interface Counting<Counts> {
  /** Where the traffic to one service is counted. */
  of(service: string): Counts;
  /** One of the service's addresses was ejected. Pools keep it across configs: it must hold nothing of one. */
  readonly ejected: (counts: Counts) => void;
}

/** Pools by everything that makes one what it is. */
export type PoolStore = ReadonlyMap<
  string,
  { readonly pool: Pool & ProbedPool; readonly cluster: Cluster | undefined }
>;

/** The pools of one config. Made at every config reload and change of clusters. */
export interface PoolSet {
  readonly pools: PoolStore;
  /** `scheme` is how its addresses are spoken to. */
  destination<Counts>(
    config: DestinationConfig,
    scheme: "http" | "https" | "tcp",
    counting: Counting<Counts>,
  ): Destination<Counts>;
}

/** What making pools needs. */
export interface PoolSetOptions {
  readonly discovery: Discovery;
  /** The clusters behind `discovery`: a pool is kept while its own is the same. */
  readonly clusters: readonly Cluster[];
  readonly clock: Clock;
  readonly random: Random;
  /** Pools keep it across configs: it must hold nothing of one. */
  readonly onEject: (target: Target, until: number) => void;
  readonly budgets: RetryBudgets;
  /** The pools before: balancing positions, health and counts survive where an entry did not change. */
  readonly before: PoolStore | undefined;
}

/** What makes one pool. It outlives the config it was first made for, so it must hold nothing else of that config. */
interface PoolParts<Counts> extends Omit<PoolOptions, "clock" | "random" | "onEject"> {
  readonly counts: Counts;
  readonly ejected: Counting<Counts>["ejected"];
}

/** A function of its own: a closure among those of a config would keep that config, and through it all before it. */
function makePool<Counts>(
  { counts, ejected, ...parts }: PoolParts<Counts>,
  { clock, random, onEject }: Pick<PoolSetOptions, "clock" | "random" | "onEject">,
): Pool & ProbedPool {
  return createPool({
    ...parts,
    clock,
    random,
    onEject(target, until) {
      ejected(counts);
      onEject(target, until);
    },
  });
}

/** Makes a set without pools. */
export function createPoolSet({ discovery, clusters, budgets, before, ...parts }: PoolSetOptions): PoolSet {
  const pools = new Map<string, { pool: Pool & ProbedPool; cluster: Cluster | undefined }>();
  const byId = new Map(clusters.map((cluster) => [cluster.id, cluster]));

  return {
    pools,
    destination<Counts>(
      config: DestinationConfig,
      scheme: "http" | "https" | "tcp",
      counting: Counting<Counts>,
    ): Destination<Counts> {
      const settings = { scheme, balancer: config.balancer, passive: config.health.passive };
      const entries = entriesOf(config, discovery);
      const sticky = typeof config.balancer === "object" && "sticky_cookie" in config.balancer;

      function choice({ of, upstream, query, weight, priority }: Entry): WeightedBackend<Counts> {
        const counts = counting.of(upstream.name);
        const backed = entries.some((other) => other.priority < priority);
        const made = { ...settings, backed, shared: sticky && entries.length > 1 };
        const key = JSON.stringify([config.id, of, upstream.name, made]);
        const cluster = byId.get(upstream.cluster);
        const kept = before?.get(key);
        const pool =
          kept !== undefined && kept.cluster === cluster
            ? kept.pool
            : makePool({ ...made, upstream, counts, ejected: counting.ejected }, parts);
        pools.set(key, { pool, cluster });
        const budget = budgets.of(query === undefined ? `nodes of ${config.id}` : upstream.name);
        return { pool, key, upstream, budget, counts, query, weight, priority };
      }

      const of = entries.map(choice);
      return { backends: backendsOf(of, config.balancer, parts.random), of };
    },
  };
}

/** One of the places a route leads to, as its config says. */
interface Entry extends Pick<WeightedBackend, "upstream" | "query" | "weight" | "priority"> {
  /** What tells it from the route's others. */
  readonly of: string;
}

function entriesOf(config: DestinationConfig, discovery: Discovery): Entry[] {
  if (config.nodes !== undefined) {
    const upstream = staticUpstream(config.nodes, config.id);
    return [{ of: JSON.stringify(config.nodes), upstream, query: undefined, weight: 1, priority: 0 }];
  }
  const { cluster, namespace, port_name: portName, scheme } = config;
  const services = config.services ?? [{ service: config.service!, weight: 1, priority: 0 }];
  return services.map(({ service, weight, priority }, index) => {
    const query = { service, cluster, namespace, portName, scheme };
    return {
      of: `${index} ${service} ${portName ?? ""}`,
      upstream: discovery.upstream(query),
      query,
      weight,
      priority,
    };
  });
}

/** Routes keep it: like `makePool`, it is no closure of the whole set. */
function backendsOf<Counts>(
  of: readonly WeightedBackend<Counts>[],
  balancer: BalancerConfig,
  random: Random,
): Backends<WeightedBackend<Counts>> {
  const hashed = typeof balancer === "object" && "consistent_hash" in balancer;
  return createBackends(of, { random, keyOf: hashed ? keyReader(balancer.consistent_hash) : undefined });
}
