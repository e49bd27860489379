import { test } from "bun:test";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { until } from "./wait.ts";

const HELPER = join(import.meta.dir, "child.ts");

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

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
    assertEquals(alive(pid), true);
    parent.kill("SIGKILL");
    await until(() => !alive(pid), { message: "it ends" });
  },
);
