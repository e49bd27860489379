import {
  DURATION_BOUNDS_MS,
  type Durations,
  RETRY_KINDS,
  type SeriesCounts,
  type SeriesView,
  viewSeries,
} from "../../telemetry/counters.ts";
import type { TrafficStatistics } from "../../telemetry/traffic.ts";
import { counter, type Family, gauge, type Point, type Sample } from "./family.ts";

const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const BOUNDS = [...DURATION_BOUNDS_MS.map((ms) => String(ms / 1000)), "+Inf"];

interface Labels extends Readonly<Record<string, string>> {
  readonly route: string;
  readonly service: string;
}

/** A series with its labels; the same object for all its samples. */
interface Row {
  readonly labels: Labels;
  readonly view: SeriesView;
}

const rowOf = (counts: SeriesCounts): Row => ({
  labels: { route: counts.route, service: counts.service },
  view: viewSeries(counts),
});

function durationSamples(labels: Labels, { buckets, sum }: Durations): Sample[] {
  let count = 0;
  const made: Sample[] = [];
  for (const [index, le] of BOUNDS.entries()) {
    count += buckets[index]!;
    made.push({ suffix: "_bucket", labels: { le }, shared: labels, value: count });
  }
  // Nothing observed yet: a route that is not used has no histogram, which is most of the lines of a large config.
  if (count === 0) return [];
  made.push({ suffix: "_sum", labels: {}, shared: labels, value: sum / 1000 });
  made.push({ suffix: "_count", labels: {}, shared: labels, value: count });
  return made;
}

const histogram = (name: string, help: string, rows: readonly Row[], of: "gateway" | "upstream"): Family => ({
  name,
  help,
  type: "histogram",
  samples: () => rows.flatMap(({ labels, view }) => durationSamples(labels, view[of])),
});

/** What routes have answered. Label values come from the config alone: their number does not grow with requests. */
export function trafficFamilies({ series, pools, spans, refused }: TrafficStatistics): Family[] {
  const rows = series.map(rowOf);
  // What no service was asked for has nothing on its way and no pods.
  const toServices = rows.filter(({ labels }) => labels.service !== "");
  const perService = (value: (view: SeriesView) => number) => (): Point[] =>
    toServices.map(({ labels, view }) => [labels, value(view)]);
  const perPool = (value: "endpoints" | "ejected" | "unhealthy" | "standby") => (): Point[] =>
    pools.map((pool) => [{ route: pool.route, service: pool.service }, pool[value]]);
  return [
    counter(
      "podway_requests_total",
      'Answers by route, service and status class. route "": no route took the request; service "": no service was asked.',
      () =>
        rows.flatMap(({ labels, view }) =>
          STATUS_CLASSES.map((status, index): Point => [{ ...labels, status }, view.statuses[index]!]),
        ),
    ),
    histogram(
      "podway_request_duration_seconds",
      "Time from taking a request up to the headers of its answer, retries and middleware included.",
      rows,
      "gateway",
    ),
    histogram(
      "podway_upstream_duration_seconds",
      "Time from sending an attempt to a pod to the headers of its answer.",
      toServices,
      "upstream",
    ),
    gauge(
      "podway_requests_in_flight",
      "Requests whose answer's headers have not come back from the service yet.",
      perService((view) => view.inFlight),
    ),
    gauge(
      "podway_websockets_open",
      "WebSockets that are open.",
      perService((view) => view.sockets),
    ),
    counter(
      "podway_problems_total",
      "Answers of 400 and above that no pod gave: the gateway's own by problem code, and those of middleware.",
      () =>
        rows.flatMap(({ labels, view }) =>
          [...view.problems].map(([code, count]): Point => [{ ...labels, code }, count]),
        ),
    ),
    counter(
      "podway_retries_total",
      "Attempts that followed a failed one, by what had failed: connect, reset, timeout (of a try), or a status the route retries on.",
      () =>
        toServices.flatMap(({ labels, view }) =>
          RETRY_KINDS.map((kind): Point => [{ ...labels, kind }, view.retries[kind]]),
        ),
    ),
    counter(
      "podway_ejections_total",
      "Times an address was taken out of turn after failures.",
      perService((view) => view.ejections),
    ),
    gauge("podway_endpoints", "Addresses a route has for a service.", perPool("endpoints")),
    gauge("podway_endpoints_ejected", "Of these: out of turn after failures, at the moment.", perPool("ejected")),
    gauge("podway_endpoints_unhealthy", "Of these: found unhealthy by active checks.", perPool("unhealthy")),
    gauge(
      "podway_endpoints_standby",
      "Of these: waiting, since others come first by priority or zone.",
      perPool("standby"),
    ),
    counter(
      "podway_connections_refused_total",
      "Connections and requests that the listener refused or ended before their time, by reason (docs/server.md); evicted: closed without a request, for a new one.",
      Object.entries(refused ?? {}).map(([reason, count]) => [{ reason }, count]),
    ),
    counter(
      "podway_trace_spans_total",
      "Spans that were recorded, by what became of them; only with tracing.",
      Object.entries(spans ?? {}).map(([result, count]) => [{ result }, count]),
    ),
  ];
}
