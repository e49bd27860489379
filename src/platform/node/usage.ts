import process from "node:process";
import type { ProcessUsage } from "../process.ts";

const STARTED = Date.now() / 1000 - process.uptime();

/** What this process uses of the machine, where the runtime has Node's `process`. */
export function nodeUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  return { started: STARTED, userCpu: user / 1e6, systemCpu: system / 1e6, resident: rss, heapUsed, heapTotal };
}
