import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { countAnswer, createCounters, DURATION_BOUNDS_MS } from "../../src/telemetry/counters.ts";
import {
  createTrafficHistory,
  quantile,
  TRAFFIC_POINTS,
  TRAFFIC_STEP_MS,
} from "../../src/telemetry/traffic-history.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const last = (values: Float32Array, points: number): number[] => [...values.slice(-points)];

describe("the history of traffic", () => {
  test("has requests and errors a second by route and in all, the newest last", async () => {
    const clock = createFakeClock();
    const counters = createCounters();
    const [one, other] = [counters.series("one", "a"), counters.series("one", "b")];
    counters.series("quiet", "a");
    const history = createTrafficHistory(() => ({ series: counters.all(), pools: [] }), clock);
    for (let n = 0; n < 4; n++) countAnswer(one, 200, 3);
    for (let n = 0; n < 2; n++) countAnswer(other, 503, 3);
    countAnswer(counters.unmatched, 404, 0);
    await clock.advance(TRAFFIC_STEP_MS);
    countAnswer(one, 200, 30);
    await clock.advance(2 * TRAFFIC_STEP_MS);
    const traffic = history.route("one")!;
    assertEquals(traffic.rate.length, TRAFFIC_POINTS);
    assertEquals(last(traffic.rate, 4), [0, 3, 0.5, 0]);
    assertEquals(last(traffic.errors, 4), [0, 1, 0, 0]);
    assertEquals(last(history.total().rate, 3), [3.5, 0.5, 0]);
    assertEquals(last(traffic.p95, 4).map(Number.isNaN), [true, false, false, true]);
    assertEquals(history.route("quiet"), undefined);
    assertEquals(history.route("absent"), undefined);
    history.stop();
    assertEquals(clock.pending, 0);
  });

  test("keeps five minutes, outlives a restart of what counts, and forgets routes that are gone", async () => {
    const clock = createFakeClock();
    let counters = createCounters();
    const history = createTrafficHistory(() => ({ series: counters.all(), pools: [] }), clock);
    for (let n = 0; n < TRAFFIC_POINTS + 3; n++) {
      countAnswer(counters.series("r", "s"), 200, 1);
      await clock.advance(TRAFFIC_STEP_MS);
    }
    assert(history.route("r")!.rate.every((rate) => rate === 0.5));
    counters = createCounters();
    countAnswer(counters.series("r", "s"), 200, 1);
    await clock.advance(TRAFFIC_STEP_MS);
    assertEquals(last(history.route("r")!.rate, 2), [0.5, 0.5]);
    counters = createCounters();
    await clock.advance(TRAFFIC_STEP_MS);
    assertEquals(history.route("r"), undefined);
    history.stop();
  });

  test("goes on after counts that could not be had", async () => {
    const clock = createFakeClock();
    const counters = createCounters();
    let fails = true;
    const history = createTrafficHistory(async () => {
      if (fails) throw new Error("a thread is gone");
      return { series: counters.all(), pools: [] };
    }, clock);
    await clock.advance(TRAFFIC_STEP_MS);
    fails = false;
    countAnswer(counters.series("r", "s"), 200, 1);
    await clock.advance(TRAFFIC_STEP_MS);
    assertEquals(last(history.total().rate, 2), [0, 0.5]);
    history.stop();
  });
});

describe("a quantile of a histogram", () => {
  const buckets = (counts: Record<number, number>): number[] =>
    [...DURATION_BOUNDS_MS, Number.POSITIVE_INFINITY].map((bound) => counts[bound] ?? 0);
  const cases: [name: string, share: number, counts: Record<number, number>, expected: number][] = [
    ["lies within its bucket", 0.5, { 10: 10 }, 7.5],
    ["is its bound at the top of a bucket", 1, { 10: 10 }, 10],
    ["passes over empty buckets", 0.95, { 1: 90, 100: 10 }, 75],
    ["is the last bound beyond it", 0.5, { [Number.POSITIVE_INFINITY]: 3 }, 30_000],
    ["is no number where nothing was counted", 0.5, {}, Number.NaN],
  ];
  for (const [name, share, counts, expected] of cases) {
    test(name, () => {
      const list = buckets(counts);
      const sum = list.reduce((total, count) => total + count, 0);
      assertEquals(quantile(share, list, sum), expected);
    });
  }
});
