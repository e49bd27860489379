/**
 * What workers cost and bring: the same gateway with one worker (one thread for everything) and with several, under the
 * same load, one after the other in short rounds, so that a busy machine is busy for all. Where there are processors for
 * them (four), the gateway has two of its own, and the load and the pod others: then throughput is what is judged. Where
 * there are not, two threads cannot serve more than one whose load stops at the same two processors; what they would
 * serve on processors of their own follows from the CPU that each request takes.
 */
import { SMALL, writeInputs } from "./lib/cases.ts";
import { type Field, ROUTES, SERVICES, startWorkers } from "./lib/peers.ts";
import { median } from "./lib/statistics.ts";
import { wrk } from "./lib/wrk.ts";

/** How much more two threads serve than one, at least. */
const LIMIT = 1.7;
const SECONDS = 2;
/** Enough that chance divides them fairly. */
const CONNECTIONS = 128;
/** Processors that are needed to measure throughput. */
const ENOUGH = 4;

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
  /** Of the process with one worker, round by round: CPU for a request, and requests a second. */
  readonly ratio: number;
  readonly more: number;
  readonly p50: number;
  readonly p99: number;
  /** Megabytes after the load. */
  readonly rss: number;
  readonly errors: number;
}

const { hardwareConcurrency: processors } = navigator;
const pinned = processors >= ENOUGH;

/** What two threads on processors of their own serve, of what one serves. */
const gainOf = ({ workers, ratio, more }: Row): number => (pinned ? more : workers / ratio);

/** Runs the benchmark in about half a minute; `all`: four workers too, and more rounds. False when the limit was missed. */
export async function run({ json, all, quick }: { json: boolean; all: boolean; quick: boolean }): Promise<boolean> {
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const rounds = Number(process.env.BENCH_ROUNDS ?? (all ? 9 : quick ? 3 : 5));
  const counts = all ? [1, 2, 4] : [1, 2];
  const field = await startWorkers(counts);
  let rows: Row[];
  try {
    rows = await measure(field, rounds);
  } finally {
    await field.stop();
  }
  const kept = gainOf(rows[1]!) >= LIMIT && rows.every(({ errors }) => errors === 0);
  if (json) process.stdout.write(`${JSON.stringify({ bench: "workers", limit: LIMIT, pinned, kept, rows })}\n`);
  else print(rows, rounds, kept);
  return kept;
}

async function measure({ peers, pod, folder }: Field, rounds: number): Promise<Row[]> {
  const { script } = writeInputs(folder, SMALL);
  if (pinned) {
    pod.pin("2");
    for (const peer of peers) peer.child("plain").pin("0,1");
  }
  const taken = peers.map((): Omit<Row, "workers" | "ratio" | "more" | "rss">[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, peer] of peers.entries()) {
      const child = peer.child("plain");
      const cpu = (): number[] => [child.cpu(), child.threads(WORKER)];
      const before = cpu();
      const url = `http://127.0.0.1:${child.port}/`;
      const load = await wrk({
        url,
        seconds: SECONDS,
        connections: CONNECTIONS,
        script,
        processors: pinned ? "3" : undefined,
      });
      const [micros = 0, worker = 0] = cpu().map((now, at) => ((now - before[at]!) * 1e6) / load.requests);
      if (round >= 0) taken[i]!.push({ ...load, micros, worker });
    }
  }
  return peers.map((peer, i): Row => {
    const of = taken[i]!;
    const middle = (pick: (one: (typeof of)[number]) => number): number => median(of.map(pick));
    return {
      workers: Number(peer.name),
      perSecond: middle(({ perSecond }) => perSecond),
      micros: middle(({ micros }) => micros),
      worker: middle(({ worker }) => worker),
      ratio: median(of.map(({ micros }, round) => micros / taken[0]![round]!.micros)),
      more: median(of.map(({ perSecond }, round) => perSecond / taken[0]![round]!.perSecond)),
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      rss: peer.child("plain").rss(),
      errors: of.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

function print(rows: readonly Row[], rounds: number, kept: boolean): void {
  const where = pinned
    ? "two processors for the gateway, others for the load and the pod"
    : `${processors} processors, shared with the load and the pod: requests a second show nothing here`;
  process.stdout.write(
    `${SERVICES} services, ${ROUTES} routes, ${SMALL.name}, ${CONNECTIONS} connections, medians of ${rounds} rounds; ` +
      `${where}\n\n`,
  );
  const heads = ["requests/s", "CPU us/request", "of one worker", "in workers", "p50 ms", "p99 ms", "MB", "errors"];
  line(["workers", ...heads]);
  for (const { workers, perSecond, micros, ratio, worker, p50, p99, rss, errors } of rows) {
    const cost = [micros.toFixed(1), ratio.toFixed(2), worker.toFixed(1)];
    const load = [p50.toFixed(2), p99.toFixed(2), rss.toFixed(0), String(errors)];
    line([String(workers), perSecond.toFixed(0), ...cost, ...load]);
  }
  const two = gainOf(rows[1]!).toFixed(2);
  const words = pinned
    ? `two threads serve ${two} times what one serves`
    : `by CPU for a request, two threads on processors of their own serve ${two} times what one does`;
  process.stdout.write(`\n${kept ? "kept  " : "MISSED"} ${words}; at least ${LIMIT}\n`);
}

function line([name, ...columns]: string[]): void {
  process.stdout.write(`${name!.padEnd(10)}${columns.map((column) => column.padStart(16)).join("")}\n`);
}
