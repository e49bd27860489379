import { join } from "node:path";
import { freePort, start } from "./lib/process.ts";
import { step } from "./lib/progress.ts";
import { median } from "./lib/statistics.ts";
import { EVENTS, eventLines, type Reading } from "./lib/watch-load.ts";

const ROUNDS = 5;

/** Podway may cost so many times what the parser alone does, and must cost so many times less than the informer. */
const AT_MOST_PARSE = 2;
const AT_LEAST_INFORMER = 5;

const READERS = ["parse", "few", "podway", "informer"] as const;
type Reader = (typeof READERS)[number];

const WORDS: Record<Reader, string> = {
  parse: "JSON.parse alone",
  few: "JSON.parse of 64 of them, again and again",
  podway: "podway",
  informer: "informer of @kubernetes/client-node",
};

async function read(reader: Reader, server: string): Promise<Reading> {
  const script = join(import.meta.dir, "lib", `watch-${reader === "few" ? "parse" : reader}.ts`);
  const env = { ...process.env, NODE_ENV: "production" };
  const child = Bun.spawn(["bun", script, reader === "few" ? reader : server], {
    stdout: "pipe",
    stderr: "inherit",
    env,
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const text = await new Response(child.stdout).text();
  clearTimeout(timer);
  if ((await child.exited) !== 0) throw new Error(`${WORDS[reader]} did not finish`);
  return JSON.parse(text) as Reading;
}

/** What is told of a reader. */
interface Row {
  readonly reader: string;
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly rssMb: number;
}

/** 50,000 changes of 15-endpoint slices through a socket, read by each in turn; medians of the rounds. */
export async function run({ json }: { json: boolean }): Promise<boolean> {
  const port = await freePort();
  const server = await start(["bun", join(import.meta.dir, "lib/watch-server.ts"), String(port)], port);
  const readings: Record<Reader, Reading[]> = { parse: [], few: [], podway: [], informer: [] };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const reader of READERS) {
        step(`round ${round + 1} of ${ROUNDS}: ${WORDS[reader]}`);
        readings[reader].push(await read(reader, `http://127.0.0.1:${port}`));
      }
    }
  } finally {
    await server.stop();
  }
  const rows = READERS.map((reader): Row => {
    const of = (pick: (reading: Reading) => number): number => median(readings[reader].map(pick));
    return {
      reader: WORDS[reader],
      cpuMicroseconds: Math.round((of(({ cpu }) => cpu) / EVENTS) * 1e8) / 100,
      perSecond: Math.round(EVENTS / of(({ seconds }) => seconds)),
      rssMb: Math.round(of(({ rss }) => rss)),
    };
  });
  const [parse, , podway, informer] = rows as [Row, Row, Row, Row];
  const toParse = Math.round((podway.cpuMicroseconds / parse.cpuMicroseconds) * 100) / 100;
  const ofInformer = Math.round((informer.cpuMicroseconds / podway.cpuMicroseconds) * 100) / 100;
  const eventBytes = Math.round(eventLines()[0]!.length);
  if (json) {
    process.stdout.write(`${JSON.stringify({ events: EVENTS, eventBytes, rows, toParse, ofInformer })}\n`);
  } else {
    const lines = rows.map(
      ({ reader, cpuMicroseconds, perSecond, rssMb }) =>
        `  ${reader.padEnd(42)} ${cpuMicroseconds.toFixed(2).padStart(7)} us CPU an event  ${String(perSecond).padStart(7)} events/s  ${String(rssMb).padStart(5)} MB RSS`,
    );
    process.stdout.write(
      `${[
        `${EVENTS} MODIFIED events of ${eventBytes} bytes, medians of ${ROUNDS} rounds`,
        ...lines,
        `  podway is ${toParse} times JSON.parse (at most ${AT_MOST_PARSE}) and ${ofInformer} times cheaper than the informer (at least ${AT_LEAST_INFORMER})`,
      ].join("\n")}\n`,
    );
  }
  return toParse <= AT_MOST_PARSE && ofInformer >= AT_LEAST_INFORMER;
}
