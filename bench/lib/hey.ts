import { step } from "./progress.ts";

/** One run of hey at a fixed rate. */
export interface PacedLoad {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that are not 200, and requests without one. */
  readonly errors: number;
}

/** Sends so many requests a second for so long, over keep-alive connections. Throws when hey is not installed. */
export async function hey(options: {
  readonly url: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
}): Promise<PacedLoad> {
  const { url, perSecond, seconds, connections } = options;
  const rate = String(perSecond / connections);
  const command = ["hey", "-z", `${seconds}s`, "-c", String(connections), "-q", rate, "-cpus", "1", url];
  step(`hey, ${perSecond} requests a second, ${seconds} s`);
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const answers = [...text.matchAll(/\[(\d{3})\]\s+(\d+) responses/g)];
  const bad = answers.filter(([, code]) => code !== "200").reduce((sum, [, , count]) => sum + Number(count), 0);
  const lost = [...text.matchAll(/^\s+\[(\d+)\]\s+\D/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: number(/50%+ in ([\d.]+) secs/) * 1000,
    p99: number(/99%+ in ([\d.]+) secs/) * 1000,
    errors: bad + lost,
  };
}
