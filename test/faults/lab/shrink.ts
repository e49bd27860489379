import { type Outcome, runSchedule } from "./run-seed.ts";
import type { Schedule } from "./schedule.ts";

/** Schedules tried while shrinking one: a failure is to be read soon, not to be perfect. */
const TRIES = 300;

/** Leaves out of a failing schedule, in memory, what it fails without too. */
export async function shrink(schedule: Schedule): Promise<{ schedule: Schedule; outcome: Outcome }> {
  let smallest = schedule;
  let outcome = await runSchedule(schedule);
  let tries = 0;
  for (let width = 8; width >= 1; width = Math.floor(width / 2)) {
    for (let round = 0; round < smallest.rounds.length; round++) {
      for (let at = 0; at < smallest.rounds[round]!.length && tries < TRIES; ) {
        const rounds = smallest.rounds.map((steps, i) => (i === round ? steps.toSpliced(at, width) : steps));
        tries++;
        const next = await runSchedule({ ...smallest, rounds });
        if (next.kind === "failed") {
          smallest = { ...smallest, rounds };
          outcome = next;
        } else at += width;
      }
    }
  }
  return { schedule: smallest, outcome };
}
