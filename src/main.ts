#!/usr/bin/env bun
import { run } from "./commands/run.ts";
import { bunRuntime } from "./runtime/bun.ts";
import { bunHost } from "./runtime/bun-host.ts";

process.exitCode = await run(process.argv.slice(2), { runtime: bunRuntime, host: bunHost });
