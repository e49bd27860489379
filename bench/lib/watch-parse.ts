/**
 * What the parser alone costs: `bun watch-parse.ts`. The lines are text already, nothing is kept, nobody waits. They are
 * few, so that they stay in the processor's cache: what comes from a socket is there too.
 */
import { EVENTS, eventLines, stopwatch } from "./watch-load.ts";

const LINES = 64;

// Through bytes, so that they are flat texts and not ropes.
const bytes = new TextEncoder().encode(eventLines().slice(0, LINES).join(""));
const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
for (let i = 0; i < 5000; i++) JSON.parse(lines[i % LINES]!);
Bun.gc(true);
const watching = stopwatch();
for (let i = 0; i < EVENTS; i++) JSON.parse(lines[i % LINES]!);
watching.done();
