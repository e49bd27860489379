import type { ClusterConfig } from "../config/schema.ts";
import { createAutoSource } from "../kubernetes/auto-source.ts";
import { createPoller, type Poller } from "../kubernetes/poller.ts";
import { createReflector, type ReflectorOptions } from "../kubernetes/reflector.ts";
import type { Source } from "../kubernetes/types.ts";

/** A watch must be heard of at least as often as `max_stale` says; below this it would be reopened all the time. */
const SHORTEST_IDLE_MS = 1000;

/** What every kind of source needs. */
export interface SourceOptions<T> extends Omit<ReflectorOptions<T>, "watchIdle" | "onStream"> {
  /** How many objects the receiver holds. */
  readonly held: () => number;
}

/** Follows a collection the way the configuration's `mode` says. Mode `request` follows none. */
export function createSource<T>(
  config: Pick<ClusterConfig, "mode" | "max_stale" | "watch_idle" | "poll_interval">,
  options: SourceOptions<T>,
): Source | Poller {
  const { mode, max_stale: maxStale, watch_idle: idle, poll_interval: interval } = config;
  const watchIdle = maxStale > 0 ? Math.max(SHORTEST_IDLE_MS, Math.min(idle, maxStale)) : idle;
  if (mode === "poll") return createPoller({ ...options, interval });
  if (mode === "auto") return createAutoSource({ ...options, watchIdle, interval });
  return createReflector({ ...options, watchIdle });
}
