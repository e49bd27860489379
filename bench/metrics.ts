/**
 * What metrics cost: nanoseconds of counting one proxied request (1,000 routes in turn, so that no array stays in the
 * processor's nearest cache), and milliseconds of one scrape where every route has been used.
 */
import { allFamilies, expose, FORMATS } from "../src/admin/metrics/exposition.ts";
import { systemClock } from "../src/base/clock.ts";
import {
  countAnswer,
  countInFlight,
  countUpstream,
  createCounters,
  type SeriesCounts,
} from "../src/telemetry/counters.ts";
import type { ProcessMetrics } from "../src/telemetry/process-metrics.ts";

const ROUTES = 1000;
const BATCH = 100_000;
const ROUNDS = 25;
/** Nanoseconds that a request may pay for metrics. */
const LIMIT = 1000;

const PROCESS: ProcessMetrics = {
  version: "0",
  runtime: "bun",
  usage: { started: 0, userCpu: 0, systemCpu: 0, resident: 0, heapUsed: 0, heapTotal: 0 },
  loopLag: 0,
  reloads: { ok: 0, failed: 0, current: true, since: 0, hash: 0 },
};

/** What the proxy's path does for metrics in one request, the clock's readings included. */
function countOne(counts: SeriesCounts, response: Response): void {
  const started = systemClock.now();
  countInFlight(counts, 1);
  const sent = systemClock.now();
  const now = systemClock.now();
  countUpstream(counts, now - sent);
  countInFlight(counts, -1);
  countAnswer(counts, response.status, now - started + 7);
}

/** Runs the benchmark. False where counting costs more than a request may pay. */
export async function run({ json }: { json: boolean }): Promise<boolean> {
  const counters = createCounters();
  const series = Array.from({ length: ROUTES }, (_, i) =>
    counters.series(`route-${i}`, `namespace-${i}/service-${i}:http`),
  );
  const response = new Response("hello");
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    for (let i = 0; i < BATCH; i++) countOne(series[i % ROUTES]!, response);
    best = Math.min(best, ((performance.now() - from) * 1e6) / BATCH);
  }
  const gateway = {
    traffic: { series: counters.all(), pools: [], spans: undefined },
    clusters: [],
    ready: true,
    draining: false,
  };
  let scrape = Number.POSITIVE_INFINITY;
  let stalls = Number.POSITIVE_INFINITY;
  let text = "";
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    let stall = 0;
    text = await expose(allFamilies(gateway, PROCESS), FORMATS.text, async () => {
      const asked = performance.now();
      await systemClock.sleep(0);
      stall = Math.max(stall, performance.now() - asked);
    });
    stalls = Math.min(stalls, stall);
    scrape = Math.min(scrape, performance.now() - from);
  }
  const kept = best <= LIMIT;
  const figures = {
    bench: "metrics",
    nanoseconds: Math.round(best),
    limit: LIMIT,
    scrapeMs: Math.round(scrape),
    stallMs: Math.round(stalls),
    kept,
  };
  const lines = text.split("\n").length;
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...figures, routes: ROUTES, lines })}\n`
      : `counting one request: ${figures.nanoseconds} ns; at most ${LIMIT}\n` +
          `one scrape of ${ROUTES} routes, all of them used: ${figures.scrapeMs} ms, of it at most ${figures.stallMs} ms at a time; ${lines} lines\n`,
  );
  return kept;
}
