/**
 * `bun run bench NAME [--json] [...]`: runs bench/NAME.ts. Without a name, says which there are.
 */
import { readdirSync } from "node:fs";
import { showSteps } from "./lib/progress.ts";

/** What a benchmark exports. */
export interface Benchmark {
  /** `all`: everything there is, however long it takes; `quick`: the one figure. Runs it, prints a table, or with `json` one line of JSON. Resolves to false where a promise was not kept. */
  run(options: { readonly json: boolean; readonly all: boolean; readonly quick: boolean }): Promise<boolean>;
}

const names = readdirSync(import.meta.dir)
  .filter((file) => file.endsWith(".ts") && file !== "main.ts")
  .map((file) => file.slice(0, -3))
  .sort();
const wanted = process.argv.slice(2).find((argument) => !argument.startsWith("-"));

if (wanted === undefined || !names.includes(wanted)) {
  process.stderr.write(`Usage: bun run bench NAME [--json]\nBenchmarks: ${names.join(", ")}\n`);
  process.exit(wanted === undefined ? 0 : 2);
}
const benchmark = (await import(`./${wanted}.ts`)) as Benchmark;
const end = showSteps(wanted);
const kept = await benchmark
  .run({
    json: process.argv.includes("--json"),
    all: process.argv.includes("--all"),
    quick: process.argv.includes("--quick"),
  })
  .finally(end);
process.exit(kept ? 0 : 1);
