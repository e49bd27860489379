import { bunHost } from "./platform/bun/host.ts";
import { bunRuntime } from "./platform/bun/runtime.ts";
import { parent } from "./platform/bun/threads.ts";
import { runWorker } from "./server/threads/thread.ts";

/** What each further thread of the gateway runs (`server.workers`). */
runWorker({ runtime: bunRuntime, host: bunHost, files: bunRuntime.files, parent });
