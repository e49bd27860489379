/**
 * What workers cost and bring: the same gateway with one worker (one thread for everything) and with several, under the
 * same load, one after the other in short rounds, so that a busy machine is busy for all.
 */
import { ROUTES, SMALL } from "./lib/cases.ts";
import { SERVICES, startWorkers } from "./lib/peers.ts";
import { median } from "./lib/statistics.ts";
import { wrk } from "./lib/wrk.ts";

/** What a request may cost with two workers, as a share of what it costs with one. */
const LIMIT = 1.25;
const SECONDS = 2;
/** Enough that chance divides them fairly. */
const CONNECTIONS = 64;

/** What Bun calls a worker's thread. */
const WORKER = "Worker";
/** As in `bench proxy`: what is measured is at work, not beginning. */
const WARM_UP = 3;

interface Row {
  readonly workers: number;
  readonly perSecond: number;
  /** Microseconds of CPU for a request: of the process, and of its workers. */
  readonly micros: number;
  readonly worker: number;
  /** Of the process with one worker, round by round. */
  readonly ratio: number;
  readonly p50: number;
  readonly p99: number;
  /** Megabytes after the load. */
  readonly rss: number;
  readonly errors: number;
}

/** Runs the benchmark in about half a minute; `all`: four workers too, and more rounds. False when the limit was missed. */
export async function run({ json, all, quick }: { json: boolean; all: boolean; quick: boolean }): Promise<boolean> {
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const rounds = Number(process.env.BENCH_ROUNDS ?? (all ? 9 : quick ? 3 : 5));
  const counts = all ? [1, 2, 4] : [1, 2];
  const field = await startWorkers(counts);
  let rows: Row[];
  try {
    rows = await measure(field.peers, rounds);
  } finally {
    await field.stop();
  }
  const two = rows[1]!;
  const kept = two.ratio <= LIMIT && rows.every(({ errors }) => errors === 0);
  if (json) process.stdout.write(`${JSON.stringify({ bench: "workers", limit: LIMIT, kept, rows })}\n`);
  else print(rows, rounds, kept);
  return kept;
}

type Peers = Awaited<ReturnType<typeof startWorkers>>["peers"];

async function measure(peers: Peers, rounds: number): Promise<Row[]> {
  const taken = peers.map((): Omit<Row, "workers" | "ratio" | "rss">[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, { child }] of peers.entries()) {
      const cpu = (): number[] => [child.cpu(), child.threads(WORKER)];
      const before = cpu();
      const url = `http://127.0.0.1:${child.port}${SMALL.path}`;
      const load = await wrk({ url, seconds: SECONDS, connections: CONNECTIONS });
      const [micros = 0, worker = 0] = cpu().map((now, at) => ((now - before[at]!) * 1e6) / load.requests);
      if (round >= 0) taken[i]!.push({ ...load, micros, worker });
    }
  }
  return peers.map(({ name, child }, i): Row => {
    const of = taken[i]!;
    const middle = (pick: (one: (typeof of)[number]) => number): number => median(of.map(pick));
    return {
      workers: Number(name),
      perSecond: middle(({ perSecond }) => perSecond),
      micros: middle(({ micros }) => micros),
      worker: middle(({ worker }) => worker),
      ratio: median(of.map(({ micros }, round) => micros / taken[0]![round]!.micros)),
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      rss: child.rss(),
      errors: of.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

function print(rows: readonly Row[], rounds: number, kept: boolean): void {
  const { hardwareConcurrency: processors } = navigator;
  process.stdout.write(
    `${SERVICES} services, ${ROUTES} routes, ${SMALL.name}, ${CONNECTIONS} connections, medians of ${rounds} rounds; ` +
      `${processors} processors, shared with the load and the pod\n\n`,
  );
  const heads = ["requests/s", "CPU us/request", "of one worker", "in workers", "p50 ms", "p99 ms", "MB", "errors"];
  line(["workers", ...heads]);
  for (const { workers, perSecond, micros, ratio, worker, p50, p99, rss, errors } of rows) {
    const cost = [micros.toFixed(1), ratio.toFixed(2), worker.toFixed(1)];
    line([
      String(workers),
      perSecond.toFixed(0),
      ...cost,
      p50.toFixed(2),
      p99.toFixed(2),
      rss.toFixed(0),
      String(errors),
    ]);
  }
  const two = rows[1]!.ratio.toFixed(2);
  process.stdout.write(
    `\n${kept ? "kept  " : "MISSED"} with two workers a request costs ${two} of what it costs with one; at most ${LIMIT.toFixed(2)}\n`,
  );
}

function line([name, ...columns]: string[]): void {
  process.stdout.write(`${name!.padEnd(10)}${columns.map((column) => column.padStart(16)).join("")}\n`);
}
