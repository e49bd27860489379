import { step } from "./progress.ts";

/** One run of wrk. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Socket errors and answers that are not 2xx or 3xx. */
  readonly errors: number;
}

/** What to send. */
export interface LoadOptions {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** A Lua script that makes the requests. */
  readonly script?: string | undefined;
  /** The processors it is kept to; left out: all. */
  readonly processors?: string | undefined;
}

/** Runs wrk with one thread, keep-alive. Throws when it is not installed. */
export async function wrk({ url, seconds, connections, script, processors }: LoadOptions): Promise<Load> {
  const extra = script === undefined ? [] : ["-s", script];
  const pinned = processors === undefined ? [] : ["taskset", "-c", processors];
  const command = [...pinned, "wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...extra, url];
  step(`wrk, ${connections} connections, ${seconds} s`);
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const socket = [...(/Socket errors: (.*)/.exec(text)?.[1]?.matchAll(/\d+/g) ?? [])].map(Number);
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: milliseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(text)),
    p99: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(text)),
    errors: socket.reduce((sum, n) => sum + n, 0) + number(/Non-2xx or 3xx responses: (\d+)/),
  };
}

function milliseconds(match: RegExpExecArray | null): number {
  if (match === null) return Number.NaN;
  const scale = { us: 0.001, ms: 1, s: 1000 }[match[2]!]!;
  return Number(match[1]) * scale;
}
