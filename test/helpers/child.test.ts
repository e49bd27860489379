import { test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { until } from "./wait.ts";

const HELPER = join(import.meta.dir, "child.ts");

/** Whether it runs: one that has ended may stay in the table until its new parent looks (proc(5), state Z). */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Whether it has become the program it was started for: until then nothing ends it with its parent. */
function begun(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "sleep";
  } catch {
    return false;
  }
}

test.skipIf(Bun.which("setpriv") === null)(
  "a program that a test started ends with that test, however it ends",
  async () => {
    const starts = `
    import { endingWithUs } from ${JSON.stringify(HELPER)};
    console.log(Bun.spawn(endingWithUs(["sleep", "600"])).pid);
    await Bun.sleep(600_000);
  `;
    const parent = Bun.spawn([process.execPath, "-e", starts], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const { value } = await parent.stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    await until(() => begun(pid), { message: "it begins" });
    assertEquals(alive(pid), true);
    parent.kill("SIGKILL");
    await until(() => !alive(pid), { message: "it ends" });
  },
);
