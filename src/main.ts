#!/usr/bin/env bun
import { run } from "./commands/run.ts";
import { bunRuntime } from "./runtime/bun.ts";
import { bunHost } from "./runtime/bun-host.ts";

process.exitCode = await run(process.argv.slice(2), { runtime: bunRuntime, host: bunHost });

// An attempt to connect that was given up stays with Bun until the system gives it up too (src/runtime/bun-dial.ts): nothing
// that is left now is worth waiting for, once what was printed has left.
for (const output of [process.stdout, process.stderr])
  await new Promise<void>((done) => output.write("", () => done()));
process.exit();
