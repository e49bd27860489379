#!/usr/bin/env -S bun --no-install
import { startAsMeant } from "./platform/bun/start.ts";

/** For what was printed, and goodbyes, to leave, milliseconds. */
const LEAVING_MS = 1000;

// In an executable that has been seen to already: its entry is not this file.
if (Bun.main === import.meta.path) startAsMeant(import.meta.path);

// Imported only now: a program that begins again has loaded nothing in vain.
const [{ run }, { bunRuntime }, { bunHost }] = await Promise.all([
  import("./cli/run.ts"),
  import("./platform/bun/runtime.ts"),
  import("./platform/bun/host.ts"),
]);

process.exitCode = await run(process.argv.slice(2), { runtime: bunRuntime, host: bunHost });

// Ends by itself as soon as nothing is left. An attempt to connect that was given up, which stays with Bun for minutes
// (src/platform/bun/dial.ts), is not waited for.
setTimeout(() => process.exit(), LEAVING_MS).unref();
