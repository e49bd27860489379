#!/usr/bin/env bun
/** What `bun run build` makes an executable of: the program, and Bun around it. */
import { startAsMeant } from "./platform/bun/start.ts";

if (Bun.isMainThread) startAsMeant();
// A further thread (`server.workers`) starts with the same file: an executable has one entry.
await (Bun.isMainThread ? import("./main.ts") : import("./thread.ts"));
