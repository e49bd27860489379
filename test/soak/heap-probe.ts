/**
 * Loaded into the gateway's process by the soak test (`--preload`): appends the size of the heap to a file every few
 * seconds, which nobody outside the process can see.
 */
import { heapStats } from "bun:jsc";
import { appendFileSync } from "node:fs";
import process from "node:process";

const EVERY_MS = 5000;
const file = process.env.PODWAY_SOAK_HEAP;
if (file !== undefined) {
  const timer = setInterval(() => {
    const { heapSize, objectCount } = heapStats();
    appendFileSync(file, `${JSON.stringify({ at: Date.now(), heapSize, objectCount })}\n`);
  }, EVERY_MS);
  timer.unref();
}
