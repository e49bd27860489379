import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parentPort } from "node:worker_threads";
import type { Port, Thread, ThreadEvents, Threads } from "../threads.ts";

/** The worker's program; in an executable, which has one entry, that one. */
const PROGRAM: string = import.meta.url.includes("/$bunfs/")
  ? Bun.main
  : new URL("../../thread.ts", import.meta.url).href;

/** Where a container's share of processor time stands: cgroup v2, "quota period" in microseconds, or "max". */
const CPU_MAX = "/sys/fs/cgroup/cpu.max";

/** How many processors a text of `cpu.max` allows; undefined: it sets no limit. A part of one counts as a whole. */
export function processorsOf(cpuMax: string): number | undefined {
  const [quota, period] = cpuMax.trim().split(/\s+/).map(Number);
  if (!quota || !period) return undefined;
  return Math.max(1, Math.ceil(quota / period));
}

function processors(): number {
  const there = availableParallelism();
  try {
    return Math.min(there, processorsOf(readFileSync(CPU_MAX, "utf8")) ?? there);
  } catch {
    return there; // No such file: no container, or cgroup v1.
  }
}

function start({ message, ended }: ThreadEvents): Thread {
  const worker = new Worker(PROGRAM, { ref: false });
  let why: string | undefined;
  worker.onmessage = ({ data }) => message(data);
  worker.onerror = (event) => {
    event.preventDefault();
    why = event.message;
  };
  worker.addEventListener("close", (event) => ended(why, (event as CloseEvent).code));
  return {
    post: (data) => worker.postMessage(data),
    kill: () => worker.terminate(),
  };
}

/** Bun's worker threads. */
export const bunThreads: Threads = {
  get processors() {
    return processors();
  },
  start,
};

/** In a worker: the way to the thread that started it. Messages wait until there is a receiver. */
export function parent(receive: (message: unknown) => void): Port {
  const port = parentPort!;
  port.on("message", receive);
  return { post: (message) => port.postMessage(message) };
}
