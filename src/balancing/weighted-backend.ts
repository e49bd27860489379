import type { Upstream, UpstreamQuery } from "../discovery/types.ts";
import type { Backend } from "./backends.ts";
import type { ProbedPool } from "./health/active-health.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { Pool } from "./types.ts";

/** A service that a route or a stream leads to, compiled. `Counts` is where its traffic is counted. */
export interface WeightedBackend<Counts = unknown> extends Backend {
  readonly pool: Pool & ProbedPool;
  /** What the pool is kept by. */
  readonly key: string;
  readonly upstream: Upstream;
  /** Of the service, whichever route leads to it. */
  readonly budget: RetryBudget;
  readonly counts: Counts;
  /** What discovery is asked for; undefined: the entry's own `nodes`. */
  readonly query: UpstreamQuery | undefined;
}
