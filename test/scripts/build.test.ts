import { describe, test } from "bun:test";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";

const SCRIPT = join(import.meta.dir, "../../scripts/build.ts");

describe("the build", () => {
  test.each([
    [["--target", "linux"], /^--target begins with bun-, such as bun-linux-arm64; found linux\nusage: bun run build/],
    [["--tarot"], /^Unknown option '--tarot'[^\n]*\nusage: bun run build/],
  ])("%p exits 2 in words, before anything is built", async (argv, words) => {
    const child = Bun.spawn([process.execPath, SCRIPT, ...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    assertEquals(code, 2);
    assertMatch(said, words);
  });
});
