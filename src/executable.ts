#!/usr/bin/env bun
/** What `bun run build` makes an executable of: the program, and Bun around it. */
import { provideModules, raiseRequestLimit } from "./runtime/bun-executable.ts";

raiseRequestLimit();
provideModules();
await import("./main.ts");
