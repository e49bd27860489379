import { SKIP_REASONS } from "../../kubernetes/errors.ts";
import { LIST_REASONS } from "../../kubernetes/reflector-state.ts";
import { CLIENT_STATES } from "../../kubernetes/types.ts";
import type { ClusterMetrics } from "../../telemetry/gateway-metrics.ts";
import { bit, counter, type Family, gauge, type Point } from "./family.ts";

/** What is known of each cluster. `cluster` is its id, "" in single-cluster mode. */
export function clusterFamilies(clusters: readonly ClusterMetrics[]): Family[] {
  const each = (value: (cluster: ClusterMetrics) => number): Point[] =>
    clusters.map((one) => [{ cluster: one.status.id }, value(one)]);
  /** Where there is no number yet there is no sample. */
  const age = (of: "byte" | "event" | "list"): Point[] =>
    clusters.flatMap(({ status }): Point[] => {
      const seconds = status.ages[of];
      return seconds === null ? [] : [[{ cluster: status.id }, seconds]];
    });
  return [
    gauge(
      "podway_cluster_state",
      "What the cluster's client does now: 1 for that state, 0 for the others.",
      clusters.flatMap(({ status }) =>
        CLIENT_STATES.map((state): Point => [{ cluster: status.id, state }, bit(state === status.state)]),
      ),
    ),
    gauge(
      "podway_cluster_stale",
      "1: there is a snapshot and nothing keeps it up to date now.",
      each(({ status }) => bit(status.stale)),
    ),
    gauge(
      "podway_cluster_required",
      "1: readiness waits for this cluster.",
      each(({ status }) => bit(status.required)),
    ),
    gauge("podway_cluster_last_byte_age_seconds", "Time since the apiserver sent anything at all.", age("byte")),
    gauge("podway_cluster_last_event_age_seconds", "Time since the last watch event.", age("event")),
    gauge("podway_cluster_last_list_age_seconds", "Time since the last full list.", age("list")),
    counter(
      "podway_cluster_lists_total",
      "Full lists that were read, by reason: start is the first one, poll a poll, the others are relists.",
      clusters.flatMap(({ status, counters }) =>
        ["poll", ...LIST_REASONS].map((reason): Point => [{ cluster: status.id, reason }, counters.lists[reason] ?? 0]),
      ),
    ),
    counter(
      "podway_cluster_watches_total",
      "Watch streams that were asked for: the first one and every reconnect.",
      each(({ counters }) => counters.watches),
    ),
    counter(
      "podway_cluster_events_total",
      "Watch events that were taken in.",
      each(({ counters }) => counters.events),
    ),
    counter(
      "podway_discovery_objects_skipped_total",
      "Objects of lists and watches that were left out, by reason; with part only a port or an address of one was.",
      clusters.flatMap(({ status, counters }) =>
        [...SKIP_REASONS, "part"].map(
          (reason): Point => [{ cluster: status.id, reason }, counters.skipped[reason] ?? 0],
        ),
      ),
    ),
    counter(
      "podway_cluster_changes_total",
      "Changes told by events and lists, by whether they altered what a reader of the snapshot sees.",
      clusters.flatMap(({ status, counters }): Point[] => [
        [{ cluster: status.id, altered: "true" }, counters.changes],
        [{ cluster: status.id, altered: "false" }, counters.unchanged],
      ]),
    ),
    gauge(
      "podway_cluster_truncated_endpoints_objects",
      "Endpoints objects the control plane cut at 1,000 addresses.",
      each(({ counters }) => counters.truncated),
    ),
    gauge(
      "podway_cluster_services",
      "Services of the snapshot.",
      each(({ status }) => status.services),
    ),
    gauge(
      "podway_cluster_endpoints",
      "Addresses of the snapshot that may get traffic.",
      each(({ status }) => status.endpoints),
    ),
    gauge(
      "podway_cluster_snapshot_bytes",
      "Estimated memory of the snapshot.",
      each(({ counters }) => counters.bytes),
    ),
    gauge(
      "podway_cluster_shared_size_exceeded",
      "1: the snapshot's estimate is larger than shared_size. Nothing is left out for it.",
      each(({ counters, sharedSize }) => bit(counters.bytes > sharedSize)),
    ),
  ];
}
