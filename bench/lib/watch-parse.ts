/**
 * What the parser alone costs: `bun watch-parse.ts [few]`. The lines are text already, nothing is kept, nobody waits. They
 * are the events that the others read; with `few`, 64 of them over and over, whose texts the parser then knows.
 */
import { EVENTS, eventLines, stopwatch } from "./watch-load.ts";

const FEW = 64;
const TURNS_BEFORE = 5000;

const wanted = process.argv.includes("few") ? eventLines().slice(0, FEW) : eventLines();
// Through bytes, so that they are flat texts and not ropes.
const bytes = new TextEncoder().encode(wanted.join(""));
const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
for (let i = 0; i < TURNS_BEFORE; i++) JSON.parse(lines[i % lines.length]!);
Bun.gc(true);
const watching = stopwatch();
for (let i = 0; i < EVENTS; i++) JSON.parse(lines[i % lines.length]!);
watching.done();
