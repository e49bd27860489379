import { readFileSync } from "node:fs";
import process from "node:process";
import type { ProcessUsage } from "../process.ts";

const STARTED = Date.now() / 1000 - process.uptime();

/** What this process uses of the machine, where the runtime has Node's `process`. */
export function nodeUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  return { started: STARTED, userCpu: user / 1e6, systemCpu: system / 1e6, resident: rss, heapUsed, heapTotal };
}

/** What the limits of a process say of its open files: the soft one, which counts. undefined: nothing. */
export function openFilesOf(limits: string): number | undefined {
  const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** How many files this process may have open; undefined: it is not known (no Linux, or no right to read it). */
export function nodeOpenFiles(): number | undefined {
  try {
    return openFilesOf(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return undefined;
  }
}
