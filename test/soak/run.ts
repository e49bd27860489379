/**
 * A gateway under changes and traffic for a long time: does it stay in step, without an error, in the same memory?
 *
 *   bun run test:soak [--minutes 3] [--changes 200] [--requests 500]
 *
 * Prints the figures and, as its last line, the same as JSON. Exit code 1: something was wrong, and it says what.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { createProgress } from "../../src/server/progress.ts";
import { soak } from "./soak.ts";
import type { Trend } from "./trend.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    changes: { type: "string", default: "200" },
    requests: { type: "string", default: "500" },
  },
});
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
const trend = ({ before, after, highest, perHour }: Trend): string =>
  `${mb(before)} in the first third, ${mb(after)} in the last, at most ${mb(highest)}, ${mb(perHour)} an hour`;

const progress = createProgress({
  terminal: process.stderr.isTTY === true,
  env: process.env,
  write: (text) => void process.stderr.write(text),
  now: () => performance.now(),
  columns: () => process.stderr.columns,
});
const result = await soak({
  minutes: Number(values.minutes),
  changes: Number(values.changes),
  requests: Number(values.requests),
  onProgress: progress.show,
}).finally(progress.end);
print(`${result.minutes} minutes, ${result.changes} changes, ${result.requests} requests, ${result.services} services`);
print(`answers: p50 ${result.p50.toFixed(2)} ms, p99 ${result.p99.toFixed(2)} ms`);
print(`RSS:  ${trend(result.rss)}`);
print(`heap: ${trend(result.heap)}`);
print(`full lists: ${result.lists}, watches: ${result.watches}`);
for (const problem of result.problems) print(`PROBLEM: ${problem}`);
print(JSON.stringify(result));
process.exit(result.problems.length === 0 ? 0 : 1);
