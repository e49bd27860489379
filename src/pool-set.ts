import type { HealthSubjects } from "./balancing/active-health.ts";
import { createPool, type PoolOptions } from "./balancing/pool.ts";
import type { RetryBudget, RetryBudgets } from "./balancing/retry-budget.ts";
import { createSplit } from "./balancing/split.ts";
import { staticUpstream } from "./balancing/static-upstream.ts";
import type { Pool, Target } from "./balancing/types.ts";
import type { Clock, Random } from "./clock.ts";
import type { BalancerConfig, PassiveHealthConfig, RouteConfig } from "./config/schema.ts";
import type { Cluster } from "./discovery/cluster.ts";
import type { Upstream, UpstreamQuery } from "./discovery/types.ts";
import type { Discovery } from "./discovery/views.ts";

/** Where a request of a route, or a connection of a stream, may go. `Counts` is where that is counted. */
export interface Choice<Counts = unknown> {
  readonly pool: Pool & HealthSubjects;
  /** What the pool is kept by. */
  readonly key: string;
  readonly upstream: Upstream;
  /** Of the service, whoever leads to it. */
  readonly budget: RetryBudget;
  readonly counts: Counts;
  /** What discovery is asked for; undefined: the entry's own `nodes`. */
  readonly query: UpstreamQuery | undefined;
  /** Its share is this of all weights; where all are 0, all count the same. */
  readonly weight: number;
}

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
  /** The choice for this request or connection: a split by weight. */
  choose(): Choice<Counts>;
  readonly of: readonly Choice<Counts>[];
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
  { readonly pool: Pool & HealthSubjects; readonly cluster: Cluster | undefined }
>;

/** The pools of one config. Made anew at every config reload and change of clusters. */
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
interface PoolParts<Counts> extends Pick<PoolOptions, "scheme" | "balancer" | "passive" | "upstream"> {
  readonly counts: Counts;
  readonly ejected: Counting<Counts>["ejected"];
}

/** A function of its own: a closure among those of a config would keep that config, and through it all before it. */
function makePool<Counts>(
  { counts, ejected, ...parts }: PoolParts<Counts>,
  { clock, random, onEject }: Pick<PoolSetOptions, "clock" | "random" | "onEject">,
): Pool & HealthSubjects {
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
  const pools = new Map<string, { pool: Pool & HealthSubjects; cluster: Cluster | undefined }>();
  const byId = new Map(clusters.map((cluster) => [cluster.id, cluster]));

  return {
    pools,
    destination<Counts>(
      config: DestinationConfig,
      scheme: "http" | "https" | "tcp",
      counting: Counting<Counts>,
    ): Destination<Counts> {
      const settings = { scheme, balancer: config.balancer, passive: config.health.passive };

      function choice(of: string, weight: number, upstream: Upstream, query?: UpstreamQuery): Choice<Counts> {
        const counts = counting.of(upstream.name);
        const key = JSON.stringify([config.id, of, upstream.name, settings]);
        const cluster = byId.get(upstream.cluster);
        const kept = before?.get(key);
        const pool =
          kept !== undefined && kept.cluster === cluster
            ? kept.pool
            : makePool({ ...settings, upstream, counts, ejected: counting.ejected }, parts);
        pools.set(key, { pool, cluster });
        const budget = budgets.of(query === undefined ? `nodes of ${config.id}` : upstream.name);
        return { pool, key, upstream, budget, counts, query, weight };
      }

      if (config.nodes !== undefined) {
        const only = choice(JSON.stringify(config.nodes), 1, staticUpstream(config.nodes, config.id));
        return { choose: () => only, of: [only] };
      }
      const { cluster, namespace, port_name: portName } = config;
      const weighted = config.services ?? [{ service: config.service!, weight: 1 }];
      const of = weighted.map(({ service, weight }, index): Choice<Counts> => {
        const query = { service, cluster, namespace, portName, scheme: config.scheme };
        return choice(`${index} ${service} ${portName ?? ""}`, weight, discovery.upstream(query), query);
      });
      return { choose: chooser(of, parts.random), of };
    },
  };
}

/** Which of a route's services a request goes to. Routes keep it: like `makePool`, it is no closure of the whole set. */
function chooser<Counts>(of: readonly Choice<Counts>[], random: Random): () => Choice<Counts> {
  const only = of[0]!;
  return of.length === 1 ? () => only : createSplit(of, random).choose;
}
