import { runWorker } from "./commands/worker.ts";
import { bunRuntime } from "./runtime/bun.ts";
import { bunHost } from "./runtime/bun-host.ts";
import { parent } from "./runtime/bun-threads.ts";

/** What each further thread of the gateway runs (`server.workers`). */
runWorker({ runtime: bunRuntime, host: bunHost, files: bunRuntime.files, parent });
