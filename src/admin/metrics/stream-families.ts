import { STREAM_FAILURES } from "../../telemetry/stream-counters.ts";
import type { StreamTraffic } from "../../telemetry/traffic.ts";
import { counter, type Family, gauge, type Point } from "./family.ts";

/** What streams (TCP) have done. `stream` is the id of an entry of `streams`. */
export function streamFamilies(streams: readonly StreamTraffic[]): Family[] {
  const each = (value: (stream: StreamTraffic) => number): Point[] =>
    streams.map((one) => [{ stream: one.stream }, value(one)]);
  return [
    counter(
      "podway_stream_connections_total",
      "Connections that a stream took.",
      each(({ connections }) => connections),
    ),
    gauge(
      "podway_stream_connections_open",
      "Of these: open now.",
      each(({ open }) => open),
    ),
    counter(
      "podway_stream_bytes_total",
      "Bytes that were passed on, without TLS: from clients and from upstreams.",
      streams.flatMap(({ stream, up, down }): Point[] => [
        [{ stream, from: "client" }, up],
        [{ stream, from: "upstream" }, down],
      ]),
    ),
    counter(
      "podway_stream_failures_total",
      "Connections that did not end well, by reason.",
      streams.flatMap(({ stream, failures }) =>
        STREAM_FAILURES.map((reason): Point => [{ stream, reason }, failures[reason]]),
      ),
    ),
    counter(
      "podway_stream_retries_total",
      "Attempts to connect that followed a failed one.",
      each(({ retries }) => retries),
    ),
    counter(
      "podway_stream_ejections_total",
      "Times an address of a stream was taken out of turn after failures.",
      each(({ ejections }) => ejections),
    ),
    gauge(
      "podway_stream_endpoints",
      "Addresses a stream has.",
      each(({ endpoints }) => endpoints),
    ),
    gauge(
      "podway_stream_endpoints_ejected",
      "Of these: out of turn after failures, at the moment.",
      each(({ ejected }) => ejected),
    ),
    gauge(
      "podway_stream_endpoints_unhealthy",
      "Of these: found unhealthy by active checks.",
      each(({ unhealthy }) => unhealthy),
    ),
  ];
}
