import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Which test files run which lines. */
export interface Coverage {
  /** The test files that run that line of a source file, quickest first. */
  of(file: string, line: number): readonly string[];
  /** How long a test file took by itself, milliseconds. */
  took(test: string): number;
}

/** The lines of each source file that one run of the tests executed, from its lcov report. */
function executed(lcov: string): Map<string, Set<number>> {
  const files = new Map<string, Set<number>>();
  let lines = new Set<number>();
  for (const record of lcov.split("\n")) {
    if (record.startsWith("SF:")) {
      lines = new Set();
      files.set(record.slice(3), lines);
    } else if (record.startsWith("DA:")) {
      const [line, count] = record.slice(3).split(",").map(Number);
      if (count !== 0) lines.add(line!);
    }
  }
  return files;
}

/**
 * Runs each test file by itself and keeps what it executed; `folders` are copies of the tree that are used side by side. A
 * file that fails is left out, and named on standard error.
 */
export async function measureCoverage(tests: readonly string[], folders: readonly string[]): Promise<Coverage> {
  const lines = new Map<string, Map<string, Set<number>>>();
  const times = new Map<string, number>();
  const queue = [...tests];

  async function measure(test: string, folder: string): Promise<void> {
    const report = await mkdtemp(join(tmpdir(), "podway-coverage-"));
    const flags = ["--coverage", "--coverage-reporter=lcov", `--coverage-dir=${report}`, "--timeout", "30000"];
    const started = performance.now();
    const child = Bun.spawn([process.execPath, "test", ...flags, `./${test}`], {
      cwd: folder,
      stdio: ["ignore", "ignore", "ignore"],
    });
    const code = await child.exited;
    if (code === 0) {
      lines.set(test, executed(await readFile(join(report, "lcov.info"), "utf8")));
      times.set(test, performance.now() - started);
    } else process.stderr.write(`left out, since it fails as it is: ${test}\n`);
    await rm(report, { recursive: true });
  }

  async function take(folder: string): Promise<void> {
    for (let test = queue.pop(); test !== undefined; test = queue.pop()) await measure(test, folder);
  }

  await Promise.all(folders.map(take));
  return {
    took: (test) => times.get(test)!,
    of: (file, line) =>
      [...lines]
        .filter(([, files]) => files.get(file)?.has(line))
        .map(([test]) => test)
        .sort((a, b) => times.get(a)! - times.get(b)!),
  };
}
