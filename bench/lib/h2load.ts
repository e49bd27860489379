import { step } from "./progress.ts";
import type { Load } from "./wrk.ts";

/** One run of h2load, over HTTP/2, keep-alive. It tells no percentiles. Throws when it is not installed. */
export async function h2load(options: {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  readonly streams: number;
}): Promise<Load> {
  const { url, seconds, connections, streams } = options;
  const command = ["h2load", "-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`, url];
  step(`h2load, ${connections} connections, ${seconds} s`);
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    requests: number(/(\d+) succeeded/),
    perSecond: number(/([\d.]+) req\/s/),
    p50: Number.NaN,
    p99: Number.NaN,
    errors: number(/(\d+) failed/) + number(/(\d+) errored/) + number(/(\d+) 5xx/),
  };
}
