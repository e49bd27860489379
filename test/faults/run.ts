/**
 * The fault laboratory's long run: random schedules of cluster changes and faults, each from a seed.
 *
 *   bun run test:faults                     500 seeds in memory, 30 over sockets, then the half-open connection
 *   bun run test:faults --seeds N           so many, from seed 1 (or --first F)
 *   bun run test:faults --seed S            one, with its schedule and log; --sockets: over sockets
 *   bun run test:faults --quiet 20          a real gateway on a watch that has only bookmarks, for so many minutes
 */

import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { streamsIn, watchQuietly } from "./lab/quiet.ts";
import { type Outcome, runSchedule } from "./lab/run-seed.ts";
import { describe, type Schedule, scheduleOf } from "./lab/schedule.ts";
import { shrink } from "./lab/shrink.ts";
import { overSockets } from "./lab/sockets.ts";
import { OWN_NETWORK } from "./lab/two-namespaces.ts";

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function report(schedule: Schedule, outcome: Outcome, where: string): void {
  print(describe(schedule));
  if (outcome.kind === "passed") {
    print(`seed ${schedule.seed} passed ${where}: a reader looked ${outcome.samples} times`);
    return;
  }
  for (const line of outcome.log) print(`    ${line}`);
  print(`seed ${schedule.seed} FAILED ${where}: ${outcome.error.stack ?? outcome.error.message}`);
}

/** Plays many seeds; returns those that failed. */
async function playAll(seeds: readonly number[], sockets: boolean): Promise<number[]> {
  const failed: number[] = [];
  const began = performance.now();
  let samples = 0;
  for (const seed of seeds) {
    const outcome = await runSchedule(scheduleOf(seed), sockets ? overSockets : undefined);
    if (process.stdout.isTTY) process.stdout.write(`\r${seed} `);
    if (outcome.kind === "passed") {
      samples += outcome.samples;
      continue;
    }
    failed.push(seed);
    const small = sockets ? { schedule: scheduleOf(seed), outcome } : await shrink(scheduleOf(seed));
    report(small.schedule, small.outcome, sockets ? "over sockets" : "in memory, with the steps it needs");
    print(`replay: bun run test:faults --seed ${seed}${sockets ? " --sockets" : ""}`);
  }
  if (process.stdout.isTTY) process.stdout.write("\r");
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const where = sockets ? "over sockets" : "in memory";
  print(
    `${seeds.length - failed.length} of ${seeds.length} seeds passed ${where} in ${seconds} s; readers looked ${samples} times`,
  );
  return failed;
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

const NEEDED_TOOLS = ["unshare", "nsenter", "ip", "ss", "iptables"];

/** The tests that need root, and a network namespace of their own, in which they may lose packets. */
async function losePackets(): Promise<boolean> {
  const missing = NEEDED_TOOLS.filter((tool) => Bun.which(tool) === null);
  if (process.getuid?.() !== 0) missing.push("root");
  if (missing.length > 0) {
    print(`The half-open connection cannot be tested without: ${missing.join(", ")}`);
    return false;
  }
  const test = [process.execPath, "test", "--timeout", "120000", join(import.meta.dir, "netns.test.ts")];
  const child = Bun.spawn(
    [
      "unshare",
      "--net",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "sh",
      "-c",
      'ip link set lo up && "$@"',
      "sh",
      ...test,
    ],
    {
      env: { ...process.env, [OWN_NETWORK]: "1" },
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    },
  );
  return (await child.exited) === 0;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "500" },
      first: { type: "string", default: "1" },
      sockets: { type: "boolean", default: false },
      quiet: { type: "string" },
    },
  });
  if (values.quiet !== undefined) {
    // A real apiserver's pace: a bookmark a minute, under a limit of 75 s.
    const quiet = await watchQuietly({ minutes: Number(values.quiet), speed: 1, bookmarkInterval: 60_000 });
    print(JSON.stringify(quiet));
    const { silences, lists, errors, changes, streams, minutes } = quiet;
    return silences + errors + changes === 0 && lists === 1 && streams <= streamsIn(minutes) ? 0 : 1;
  }
  if (values.seed !== undefined) {
    const schedule = scheduleOf(Number(values.seed));
    const outcome = await runSchedule(schedule, values.sockets ? overSockets : undefined);
    report(schedule, outcome, values.sockets ? "over sockets" : "in memory");
    return outcome.kind === "passed" ? 0 : 1;
  }
  const seeds = range(Number(values.first), Number(values.seeds));
  const failed = await playAll(seeds, false);
  const failedOver = await playAll(seeds.slice(0, Math.ceil(seeds.length * 0.06)), true);
  const noticed = await losePackets();
  return failed.length + failedOver.length === 0 && noticed ? 0 : 1;
}

process.exit(await main());
