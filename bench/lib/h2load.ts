import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { step } from "./progress.ts";
import { percentile } from "./statistics.ts";

/** What to send. */
export interface H2loadOptions {
  readonly port: number;
  /** With TLS, HTTP/2 and so many streams a connection; left out: HTTP/1.1 without TLS. */
  readonly streams?: number | undefined;
  readonly connections: number;
  readonly seconds: number;
  /** A list of URLs; their host and port do not count. */
  readonly urls: string;
  /** Requests a second, over all connections; left out: as many as are answered. */
  readonly perSecond?: number | undefined;
  /** Where it may write. */
  readonly folder: string;
}

/** One run of h2load. */
export interface H2load {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Requests that failed, and answers that are not 2xx. */
  readonly errors: number;
}

/** Runs h2load with one thread. Throws when it is not installed. */
export async function h2load(options: H2loadOptions): Promise<H2load> {
  const { port, streams, connections, seconds, urls, perSecond, folder } = options;
  const log = join(folder, "h2load.log");
  const command = ["h2load", "-t1", `-c${connections}`, "-D", String(seconds), "-i", urls];
  command.push(`--base-uri=${streams === undefined ? "http" : "https"}://127.0.0.1:${port}`, `--log-file=${log}`);
  command.push(...(streams === undefined ? ["--h1"] : ["-m", String(streams)]));
  if (perSecond !== undefined) command.push(`--rps=${perSecond / connections}`);
  step(`h2load, ${connections} connections, ${seconds} s`);
  // It appends.
  rmSync(log, { force: true });
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const counts = /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded/.exec(text);
  const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
  const times = Float64Array.from(lines, (line) => Number(line.slice(line.lastIndexOf("\t") + 1)) / 1000).sort();
  const done = Number(counts?.[1] ?? 0);
  return {
    requests: done,
    perSecond: done / seconds,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    errors: done - Number(counts?.[2] ?? 0),
  };
}
