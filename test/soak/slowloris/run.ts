/**
 * Clients that hold on: half heads, silence, uploads of a byte every two seconds and readers that stop, all at once. Are others
 * served, is each of them gone in time, does memory stay?
 *
 *   bun test/soak/slowloris/run.ts [--full]
 *
 * `--full`: 5,000, 5,000, 500 and 500 under the limits that are the defaults, some two and a half minutes; otherwise a tenth
 * under short limits. The last line counts what held. Exit code 1: something did not.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { atTheLimit, slowloris } from "./slowloris.ts";

const { values } = parseArgs({ options: { full: { type: "boolean", default: false } } });
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const flood = values.full
  ? { attackers: { "half-heads": 5000, silent: 5000, uploads: 500, readers: 500 }, openFiles: 12_000, p99: 50 }
  : {
      attackers: { "half-heads": 500, silent: 500, uploads: 50, readers: 50 },
      limits: { head_timeout: 2000, keep_alive: 8000, body_window: 4000, write_stall: 6000 },
      openFiles: 2000,
      // A machine that runs other tests too.
      p99: 500,
    };
const results = [await slowloris({ ...flood, print }), await atTheLimit(values.full ? 4000 : 300, print)];
const problems = results.flatMap((result) => result.problems);
for (const problem of problems) print(`PROBLEM: ${problem}`);
print(`${results.reduce((sum, { passed }) => sum + passed, 0)} passed, ${problems.length} failed`);
process.exit(problems.length === 0 ? 0 : 1);
