import type { ActiveHealthConfig, PassiveHealthConfig, ProbeTimes } from "../balancing/options.ts";
import type { KeepaliveConfig, RetriesConfig, TimeoutsConfig } from "./route-config.ts";
import type { StreamConfig, StreamTimeoutsConfig } from "./stream-schema.ts";

/** Defaults that do not stand in the schema, since `defaults` of the file come between it and them. */

const PASSIVE: PassiveHealthConfig = { failures: 2, eject: 10_000 };
const PROBES = { interval: 5000, timeout: 2000, healthy: 1, unhealthy: 2 } as const;

/** What a route has where neither it nor `defaults` say anything; `active` where it is on. */
export const ROUTE_DEFAULTS = {
  path: { ignore_case: false, optional_slash: false },
  upstream_tls: { verify: true },
  pass_host: "pass",
  balancer: "round_robin",
  timeouts: { connect: 2000, try: 0, response: 60_000, idle: 0 } satisfies TimeoutsConfig,
  retries: { attempts: 2, on: ["connect", "reset"] } satisfies RetriesConfig as RetriesConfig,
  keepalive: { requests: 1000, age: 300_000 } satisfies KeepaliveConfig,
  health: { passive: PASSIVE, active: PROBES satisfies Omit<ActiveHealthConfig, "path"> },
} as const;

/**
 * What a stream has where it does not say anything. Databases keep quiet connections for hours, so none is cut for that; peers that
 * vanished are found by TCP keep-alive.
 */
export const STREAM_DEFAULTS = {
  balancer: "round_robin",
  timeouts: { connect: 2000, idle: 0 } satisfies StreamTimeoutsConfig,
  retries: { attempts: 2 } satisfies StreamConfig["retries"],
  health: { passive: PASSIVE, active: PROBES satisfies ProbeTimes },
} as const;
