#!/usr/bin/env bun
import { run } from "./commands/run.ts";
import { bunRuntime } from "./runtime/bun.ts";
import { bunHost } from "./runtime/bun-host.ts";

/** For what was printed, and goodbyes, to leave, milliseconds. */
const LEAVING_MS = 1000;

process.exitCode = await run(process.argv.slice(2), { runtime: bunRuntime, host: bunHost });

// Ends by itself as soon as nothing is left. An attempt to connect that was given up, which stays with Bun for minutes
// (src/runtime/bun-dial.ts), is not waited for.
setTimeout(() => process.exit(), LEAVING_MS).unref();
