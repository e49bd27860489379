import type { ProcessMetrics } from "../../telemetry/process-metrics.ts";
import { bit, counter, type Family, gauge } from "./family.ts";

/** What is known of the process and its config. */
export function processFamilies({ version, runtime, usage, loopLag, reloads }: ProcessMetrics): Family[] {
  return [
    gauge("podway_build_info", "Always 1; the labels say what runs.", [[{ version, runtime }, 1]]),
    counter(
      "podway_config_reloads_total",
      "Changes of the config file, by result. Refused ones leave the config as it is.",
      [
        [{ result: "ok" }, reloads.ok],
        [{ result: "failed" }, reloads.failed],
      ],
    ),
    gauge(
      "podway_config_last_reload_successful",
      "1: the config file as it stands is in force; 0: its last change was refused.",
      bit(reloads.current),
    ),
    gauge(
      "podway_config_last_reload_success_timestamp_seconds",
      "When the config in force was taken up.",
      reloads.since / 1000,
    ),
    gauge(
      "podway_config_hash",
      "A hash of the config in force: the same for replicas with the same config.",
      reloads.hash,
    ),
    counter("podway_process_cpu_seconds_total", "Processor time of the process, all threads, by mode.", [
      [{ mode: "user" }, usage.userCpu],
      [{ mode: "system" }, usage.systemCpu],
    ]),
    gauge("podway_process_resident_memory_bytes", "Resident memory of the process.", usage.resident),
    gauge("podway_process_heap_used_bytes", "Memory of the JavaScript heap in use.", usage.heapUsed),
    gauge("podway_process_heap_size_bytes", "Memory of the JavaScript heap in all.", usage.heapTotal),
    gauge("podway_process_start_time_seconds", "When the process was started.", usage.started),
    gauge(
      "podway_event_loop_lag_seconds",
      "How late a timer fired that was due at once, measured at this scrape.",
      loopLag,
    ),
  ];
}
