import { type ClusterShape, sliceOf } from "./slices.ts";

/** What every reader of the watch benchmark is given. */
export const SHAPE: ClusterShape = { slices: 10_000, namespaces: 50, nodes: 5000 };
export const EVENTS = 50_000;

/** Two events for each slice, by turns: every one changes all addresses. */
const GENERATIONS = 2;

/** The version of event `n`, of always the same length: it is written over the one of `eventLines`. */
export const versionOf = (n: number): string => String(20_000_000 + n);

/** The lines of the watch, in the order they are sent, over and over, but with versions that go on. */
export function eventLines(): string[] {
  return Array.from({ length: SHAPE.slices * GENERATIONS }, (_, i) => {
    const generation = 1 + Math.floor(i / SHAPE.slices);
    const object = sliceOf(i % SHAPE.slices, SHAPE, { resourceVersion: versionOf(i), generation });
    return `${JSON.stringify({ type: "MODIFIED", object })}\n`;
  });
}

/** What a reader measured. */
export interface Reading {
  /** Wall-clock seconds from the first event to the last. */
  readonly seconds: number;
  /** CPU seconds, user and system, of the reader. */
  readonly cpu: number;
  /** Resident memory at the end, megabytes. */
  readonly rss: number;
}

/** Measures from its making to `done`; what `done` prints is what the parent reads. */
export function stopwatch(): { done(): never } {
  const cpu = process.cpuUsage();
  const started = performance.now();
  return {
    done() {
      const used = process.cpuUsage(cpu);
      const reading: Reading = {
        seconds: (performance.now() - started) / 1000,
        cpu: (used.user + used.system) / 1e6,
        rss: process.memoryUsage.rss() / 1e6,
      };
      process.stdout.write(`${JSON.stringify(reading)}\n`);
      process.exit(0);
    },
  };
}
