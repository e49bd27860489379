import { describe, test } from "bun:test";
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { streamsIn, watchQuietly } from "./lab/quiet.ts";
import { type Place, runSchedule } from "./lab/run-seed.ts";
import { describe as describeSchedule, type Schedule, scheduleOf } from "./lab/schedule.ts";
import { shrink } from "./lab/shrink.ts";
import { overSockets } from "./lab/sockets.ts";

/** Seeds of the normal run; `bun run test:faults` plays hundreds. */
const SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);
const SOCKET_SEEDS = [2, 12, 16];

async function play(seed: number, place?: (schedule: Schedule) => Promise<Place>): Promise<void> {
  const schedule = scheduleOf(seed);
  const outcome = await runSchedule(schedule, place);
  if (outcome.kind === "passed") return;
  const shown = place === undefined ? (await shrink(schedule)).schedule : schedule;
  const replay = `bun run test:faults --seed ${seed}${place === undefined ? "" : " --sockets"}`;
  throw new Error(`${outcome.error.message}\n${describeSchedule(shown)}\nreplay: ${replay}`, { cause: outcome.error });
}

describe("whatever happens between gateway and apiserver", () => {
  for (const seed of SEEDS) {
    test(`readers see only what was, never go back, and end up in step (seed ${seed})`, () => play(seed));
  }
  for (const seed of SOCKET_SEEDS) {
    test(`the same over sockets and a TCP proxy (seed ${seed})`, () => play(seed, overSockets));
  }

  test("a schedule is the same each time it is made", () => {
    for (const seed of SEEDS) assertEquals(scheduleOf(seed), scheduleOf(seed));
  });

  test("a quiet watch is never cut: minutes of bookmarks only, over a socket, on a fast clock", async () => {
    const { streams, ...quiet } = await watchQuietly({ minutes: 5, speed: 25, bookmarkInterval: 20_000 });
    assertEquals(quiet, { silences: 0, lists: 1, errors: 0, changes: 0, minutes: 5 });
    assertLessOrEqual(streams, streamsIn(5));
  });
});
