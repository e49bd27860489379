import type { HealthCheck, HealthMark, HealthSet } from "./health-set.ts";

/** Health checks that somebody else makes: one probe of an address for all threads. */
export interface HealthReplica extends HealthSet {
  /** Takes over what was found there. An address that is not in the pool any more is nobody's. */
  mark(marks: readonly HealthMark[]): void;
}

/** Makes one that was told nothing: every address counts as healthy. */
export function createHealthReplica(): HealthReplica {
  let byKey = new Map<string, HealthCheck>();
  return {
    apply(checks) {
      const next = new Map(checks.map((check) => [check.key, check]));
      for (const [key, { pool }] of byKey) {
        if (next.get(key)?.pool === pool) continue;
        for (const target of pool.targets()) pool.mark(target, true);
      }
      byKey = next;
    },
    mark(marks) {
      for (const { pool: key, address, uid, healthy } of marks) {
        const pool = byKey.get(key)?.pool;
        const target = pool?.targets().find(({ endpoint }) => endpoint.address === address && endpoint.uid === uid);
        if (target !== undefined) pool!.mark(target, healthy);
      }
    },
    stop: async () => {},
  };
}
