import { connectProbe } from "../balancing/health/connect-probe.ts";
import type { HealthCheck } from "../balancing/health/health-set.ts";
import type { Config, UpstreamTlsConfig } from "../config/schema.ts";
import type { Dial } from "../platform/sockets.ts";
import type { Stream } from "../streams/stream.ts";
import { countStreamEjection, type StreamCounters } from "../telemetry/stream-counters.ts";
import type { PoolSet } from "./pool-set.ts";

/** All streams of one config, by id. Made at every config reload and change of clusters. */
export interface StreamSet {
  readonly byId: ReadonlyMap<string, Stream>;
  /** Pools whose addresses are to be checked. */
  readonly checks: readonly HealthCheck[];
}

/** What compiling streams needs. */
export interface StreamSetOptions {
  readonly pools: PoolSet;
  /** How connections are made, with a stream's `upstream_tls`. */
  dialFor(tls: UpstreamTlsConfig | undefined): Dial;
  readonly counters: StreamCounters;
}

/** Compiles the streams of a config. */
export function compileStreamSet({ streams }: Config, options: StreamSetOptions): StreamSet {
  const byId = new Map<string, Stream>();
  const checks: HealthCheck[] = [];
  for (const rule of streams) {
    const counts = options.counters.stream(rule.id);
    const { backends, of } = options.pools.destination(rule, "tcp", {
      of: () => counts,
      ejected: countStreamEjection,
    });
    const tls = rule.upstream_tls;
    const dial = options.dialFor(tls);
    byId.set(rule.id, { rule, backends, of, dial, counts });
    const { active } = rule.health;
    if (active === false) continue;
    for (const { pool, key, upstream } of of) {
      checks.push({
        pool,
        key,
        config: active,
        probe: connectProbe(dial),
        probeKey: JSON.stringify(["tcp", tls ?? null]),
        upstream: upstream.name,
      });
    }
  }
  return { byId, checks };
}
