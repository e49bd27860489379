import process from "node:process";
import { run } from "./commands/run.ts";
import { denoRuntime } from "./runtime/deno.ts";
import { denoHost } from "./runtime/deno-host.ts";

// What the drain has not ended must not keep the process.
process.exit(await run(process.argv.slice(2), { runtime: denoRuntime, host: denoHost }));
