import { afterAll, beforeAll, describe, test } from "bun:test";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { readWorkerConfig } from "../../src/server/workers/config.ts";

const ROOT = join(import.meta.dir, "../..");

let clone: string;

/** A checkout in which nothing is installed. */
beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), "podway-clone-"));
  for (const name of ["package.json", "deno.json", "src"])
    await cp(join(ROOT, name), join(clone, name), { recursive: true });
});

afterAll(async () => {
  await rm(clone, { recursive: true, force: true });
});

async function denoTask(): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([join(ROOT, "node_modules/.bin/deno"), "task", "gateway", "--version"], {
    cwd: clone,
    env: { ...process.env, DENO_DIR: join(clone, ".deno"), NO_COLOR: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

describe("the first command on a fresh clone", () => {
  test("on Deno says in one line that an install goes first, and works after it", async () => {
    const before = await denoTask();
    const [task, ...said] = before.stderr.trimEnd().split("\n");
    assertMatch(task!, /^Task gateway deno run .*--cached-only/);
    assertEquals([before.code, said.length], [1, 1]);
    assertMatch(said[0]!, /^The package \S+ is not installed: run deno install first/);
    await symlink(join(ROOT, "node_modules"), join(clone, "node_modules"));
    const after = await denoTask();
    assertEquals([after.code, after.stdout], [0, `${(await Bun.file(join(ROOT, "package.json")).json()).version}\n`]);
  });

  test("on Workers has every variable it needs in the example that is copied to .dev.vars", async () => {
    const lines = (await readFile(join(ROOT, ".dev.vars.example"), "utf8")).split("\n");
    const pairs = lines.filter((line) => /^[A-Z]/.test(line)).map((line) => line.split("=") as [string, string]);
    const config = readWorkerConfig(
      await readFile(join(ROOT, "gateway.workers.yaml"), "utf8"),
      Object.fromEntries(pairs),
    );
    assertEquals(config.ok ? config.warnings : config.errors, []);
    assertMatch(await readFile(join(ROOT, ".gitignore"), "utf8"), /^\.dev\.vars$/m);
  });
});
