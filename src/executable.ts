#!/usr/bin/env bun
/** What `bun run build` makes an executable of: the program, and Bun around it. */
import { provideModules, raiseRequestLimit } from "./runtime/bun-executable.ts";

if (Bun.isMainThread) raiseRequestLimit();
provideModules();
// A further thread (`server.workers`) starts with the same file: an executable has one entry.
await (Bun.isMainThread ? import("./main.ts") : import("./worker.ts"));
