/**
 * How much the tests notice: makes small changes of the source, one at a time, and runs the tests that execute the changed
 * line. Takes its time, and is not part of the normal suites.
 *
 *   bun run test:mutation [--count 25] [--seed 1] [--room NAME]... [--at-once 2]
 *
 * `--count` changes are drawn in each room. A change that no test notices and that has an effect is a promise no test
 * keeps; one without effect stands in `without-effect.json` with the reason. Exit code 1 where a room is below 85 %.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../helpers/random.ts";
import { type Coverage, measureCoverage } from "./coverage.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";

const ROOT: string = join(import.meta.dir, "../..");

/** What is judged, by name: files and folders of src. */
const ROOMS: Readonly<Record<string, string>> = {
  gateway: "src/gateway/**/*.ts",
  proxy: "src/{proxy,http}/**/*.ts",
  discovery: "src/discovery/**/*.ts",
  kubernetes: "src/kubernetes/**/*.ts",
  balancing: "src/balancing/**/*.ts",
  routing: "src/routing/**/*.ts",
  middleware: "src/middleware/**/*.ts",
  config: "src/config/**/*.ts",
};
/** Suites of their own, and what starts programs: a change in a program that a test starts is not seen by coverage. */
const NOT_RUN =
  /^test\/(real|streams-real|runtimes|slow|console|lifecycle|container|prometheus|faults|soak|mutation)\//;
/** The share of noticed changes that each room owes. */
const WANTED = 0.85;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "25" },
    seed: { type: "string", default: "1" },
    room: { type: "string", multiple: true },
    "at-once": { type: "string", default: "2" },
  },
});

type Verdict = "noticed" | "unnoticed" | "without effect";

const filesOf = (pattern: string): string[] =>
  [...new Bun.Glob(pattern).scanSync(ROOT)].filter((file) => !file.endsWith(".d.ts")).sort();

/** `count` mutants of a room, drawn by seed. */
async function drawn(room: string, count: number): Promise<Mutant[]> {
  const random = seededRandom(Number(values.seed));
  const all: Mutant[] = [];
  for (const file of filesOf(ROOMS[room]!)) all.push(...mutantsOf(file, await readFile(join(ROOT, file), "utf8")));
  const some: Mutant[] = [];
  while (some.length < count && all.length > 0) some.push(...all.splice(Math.floor(random() * all.length), 1));
  return some;
}

/** Runs the tests one after another until one of them notices. */
async function isNoticed({ file, line, text }: Mutant, folder: string, coverage: Coverage): Promise<boolean> {
  const path = join(folder, file);
  const original = await readFile(path, "utf8");
  await writeFile(path, text);
  try {
    for (const test of coverage.of(file, line)) {
      const child = Bun.spawn([process.execPath, "test", "--bail", "--timeout", "30000", `./${test}`], {
        cwd: folder,
        stdio: ["ignore", "ignore", "ignore"],
      });
      // A change that never ends is noticed too.
      const timer = setTimeout(() => child.kill("SIGKILL"), 4 * coverage.took(test) + 20_000);
      const code = await child.exited;
      clearTimeout(timer);
      if (code !== 0) return true;
    }
    return false;
  } finally {
    await writeFile(path, original);
  }
}

interface Reasoned {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

async function copyOfTheTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "podway-mutation-"));
  const tracked = Bun.spawnSync(["git", "ls-files"], { cwd: ROOT }).stdout.toString().split("\n").filter(Boolean);
  for (const file of tracked) await cp(join(ROOT, file), join(folder, file));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

const reasoned = JSON.parse(await readFile(join(import.meta.dir, "without-effect.json"), "utf8")) as Reasoned[];
const hasNoEffect = ({ file, before, after }: Mutant): boolean =>
  reasoned.some((one) => one.file === file && one.before === before && one.after === after);

const tests = [...new Bun.Glob("test/**/*.test.ts").scanSync(ROOT)].filter((test) => !NOT_RUN.test(test)).sort();
const folders = await Promise.all(Array.from({ length: Number(values["at-once"]) }, copyOfTheTree));
let failed = false;
try {
  process.stdout.write(`what ${tests.length} test files execute …\n`);
  const coverage = await measureCoverage(tests, folders);
  const rows: string[] = [];
  for (const room of values.room ?? Object.keys(ROOMS)) {
    const queue = await drawn(room, Number(values.count));
    const verdicts: Verdict[] = [];
    const take = async (folder: string): Promise<void> => {
      for (let mutant = queue.pop(); mutant !== undefined; mutant = queue.pop()) {
        const without = hasNoEffect(mutant);
        const verdict = without
          ? "without effect"
          : (await isNoticed(mutant, folder, coverage))
            ? "noticed"
            : "unnoticed";
        verdicts.push(verdict);
        if (verdict !== "unnoticed") continue;
        const { file, line, kind, before, after } = mutant;
        process.stdout.write(`unnoticed ${file}:${line} (${kind})\n  - ${before}\n  + ${after}\n`);
      }
    };
    await Promise.all(folders.map(take));
    const judged = verdicts.filter((verdict) => verdict !== "without effect");
    const noticed = judged.filter((verdict) => verdict === "noticed").length;
    const share = judged.length === 0 ? 1 : noticed / judged.length;
    failed ||= share < WANTED;
    const none = verdicts.length - judged.length;
    rows.push(`| ${room} | ${noticed} | ${judged.length - noticed} | ${none} | ${(share * 100).toFixed(0)} % |`);
    process.stdout.write(`${rows.at(-1)}\n`);
  }
  process.stdout.write(`\n| room | noticed | unnoticed | without effect | score |\n| --- | --- | --- | --- | --- |\n`);
  process.stdout.write(`${rows.join("\n")}\n`);
} finally {
  for (const folder of folders) await rm(folder, { recursive: true });
}
process.exit(failed ? 1 : 0);
