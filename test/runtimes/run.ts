/**
 * `bun run test:runtimes`: the suite of the runtimes on all three of them, and what it found as a matrix, on standard
 * output and in docs/runtimes.md. Exit code 1 where a test failed; the page is then left as it was.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { matrixPage } from "./matrix.ts";
import { type Found, RESULTS } from "./results.ts";

const ROOT: string = join(import.meta.dir, "../..");
const PAGE: string = join(ROOT, "docs/runtimes.md");

const folder = mkdtempSync(join(tmpdir(), "podway-runtimes-"));
const results = join(folder, "results.jsonl");
writeFileSync(results, "");
const child = Bun.spawn([process.execPath, "test", "--timeout", "30000", "test/runtimes"], {
  cwd: ROOT,
  env: { ...process.env, [RESULTS]: results },
  stdio: ["ignore", "inherit", "inherit"],
});
const code = await child.exited;
const found = readFileSync(results, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Found);
rmSync(folder, { recursive: true });
const page = matrixPage(found);
process.stdout.write(`\n${page}\n`);
if (code === 0) writeFileSync(PAGE, page);
process.exitCode = code === 0 ? 0 : 1;
