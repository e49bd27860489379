/**
 * Requests of mixed kinds (bodies of up to 10 MB both ways, by length and in chunks, echoes, tunnels, ends at random points, slow
 * readers) from a seed through a running gateway: every byte is checked, and nothing may be left.
 *
 *   bun test/soak/edge/run.ts [--count 3000] [--seed N] [--users 32]
 *
 * The last line counts the requests. Exit code 1: something was wrong, and it says what.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { edgeSoak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "3000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    users: { type: "string", default: "32" },
  },
});
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const mb = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
const [count, seed] = [Number(values.count), Number(values.seed)];
let printed = 0;
const { seconds, kinds, bytes, rss, problems } = await edgeSoak({
  count,
  seed,
  users: Number(values.users),
  onProgress(line) {
    if (Date.now() - printed < 30_000) return;
    printed = Date.now();
    print(line);
  },
});
print(`seed ${seed}: ${JSON.stringify(kinds)}, ${mb(bytes)} in ${Math.round(seconds)} s`);
print(
  `RSS: ${mb(rss.idle)} idle, ${mb(rss.before)} in the first third, ${mb(rss.after)} in the last, at most ${mb(rss.highest)}`,
);
for (const problem of problems) print(`PROBLEM: ${problem}`);
print(`${count - problems.length} passed, ${problems.length} failed`);
process.exit(problems.length === 0 ? 0 : 1);
