import { type AutoSourceOptions, createAutoSource } from "../../kubernetes/auto-source.ts";
import type { Pauses } from "../../kubernetes/backoff.ts";
import { createPoller, type Poller } from "../../kubernetes/poller.ts";
import { createReflector, WATCH_SECONDS_MAX, WATCH_SECONDS_MIN } from "../../kubernetes/reflector.ts";
import type { SourceOptions } from "../../kubernetes/source-options.ts";
import type { ChangeSource } from "../../kubernetes/types.ts";
import type { ClusterOptions } from "../options.ts";

/** A watch must be heard of at least as often as `max_stale` says; below this it would be reopened all the time. */
const SHORTEST_IDLE_MS = 1000;

/** A pause of nothing would ask an apiserver in trouble without end. */
const SHORTEST_PAUSE_MS = 100;

const milliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Math.max(SHORTEST_PAUSE_MS, seconds * 1000);

const pausesOf = (config: ClusterOptions): Pauses => ({
  min: milliseconds(config.watch_retry_interval_seconds),
  max: milliseconds(config.watch_retry_max_seconds),
});

/** undefined: what is usual. */
function watchSecondsOf(config: ClusterOptions): { min: number; max: number } | undefined {
  const { watch_timeout_seconds: timeout, watch_jitter_seconds: jitter } = config;
  if (timeout === undefined && jitter === undefined) return undefined;
  const min = Math.min(timeout ?? WATCH_SECONDS_MIN, WATCH_SECONDS_MAX);
  return { min, max: Math.min(min + (jitter ?? 0), WATCH_SECONDS_MAX) };
}

/** Follows a collection the way the configuration's `mode` says. Mode `request` follows none. */
export function createSource<T>(
  config: ClusterOptions,
  given: SourceOptions<T> & Pick<AutoSourceOptions<T>, "objectCount">,
): ChangeSource | Poller {
  const options = { ...given, pauses: pausesOf(config), watchSeconds: watchSecondsOf(config) };
  const { mode, max_stale: maxStale, watch_idle: idle, poll_interval: interval } = config;
  const watchIdle = maxStale > 0 ? Math.max(SHORTEST_IDLE_MS, Math.min(idle, maxStale)) : idle;
  if (mode === "poll") return createPoller({ ...options, interval });
  if (mode === "auto") return createAutoSource({ ...options, watchIdle, interval });
  return createReflector({ ...options, watchIdle });
}
