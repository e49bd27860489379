import type { HealthCheck, HealthMark, HealthSet } from "./health-set.ts";

/** Health checks that another thread makes: one probe of an address serves all threads. */
export interface HealthReplica extends HealthSet {
  /** Takes over what was found there. Addresses that are no longer in the pool are ignored. */
  mark(marks: readonly HealthMark[]): void;
}

/** Makes one without any results yet: every address counts as healthy. */
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
