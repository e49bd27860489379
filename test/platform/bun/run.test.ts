import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { bunRuntime } from "../../../src/platform/bun/runtime.ts";

const run = bunRuntime.run;
const quiet = new AbortController().signal;
const environment = { PATH: process.env.PATH ?? "" };

describe("running a program", () => {
  test("gives its exit code and both outputs; arguments are no shell's business", async () => {
    const script = 'echo "$1 $NAME"; echo oops >&2; exit 3';
    const result = await run("sh", ["-c", script, "sh", "$(id) ; é"], { ...environment, NAME: "me" }, quiet);
    assertEquals(result, { code: 3, stdout: "$(id) ; é me\n", stderr: "oops\n" });
  });

  test("that does not exist rejects with its name", async () => {
    await assertRejects(() => run("no-such-program-here", [], environment, quiet), Error, "no-such-program-here");
  });

  test("that prints without end is ended", async () => {
    await assertRejects(() => run("sh", ["-c", "yes"], environment, quiet), Error, "printed more than");
  });

  test("that hangs is ended by the signal, even when a child of its own holds the output open", async () => {
    // Longer than a test may take.
    const signal = AbortSignal.timeout(100);
    await assertRejects(() => run("sh", ["-c", "sleep 35 & sleep 35"], environment, signal));
  });
});
