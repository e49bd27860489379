/**
 * What proxying costs: CPU of the proxy's process per request, beside other proxies, same pod, same run. The rounds are
 * interleaved, so that a busy machine is busy for all, and the median of each is told.
 */
import { ROUTES, SERVICES, startField } from "./lib/peers.ts";
import { type Load, wrk } from "./lib/wrk.ts";

/** The gateway may cost this much of the bare Bun proxy, at most. */
const LIMIT = 1.3;
/** Seconds of one measurement: short, so that many rounds fit and the machine's moods are shared. */
const SECONDS = 1;
const CONNECTIONS = 32;

interface Row {
  readonly name: string;
  readonly micros: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly rss: number;
  readonly errors: number;
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** Runs the benchmark; false when the gateway costs more than its limit, or when an answer was wrong. */
export async function run({ json }: { readonly json: boolean }): Promise<boolean> {
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const rounds = Number(process.env.BENCH_ROUNDS ?? 9);
  const field = await startField();
  try {
    const loads = new Map<string, { load: Load; micros: number }[]>(field.peers.map(({ name }) => [name, []]));
    for (let round = -1; round < rounds; round++) {
      for (const { name, child } of field.peers) {
        const before = child.cpu();
        const url = `http://127.0.0.1:${child.port}/anything/x`;
        const load = await wrk({ url, seconds: SECONDS, connections: CONNECTIONS });
        const micros = ((child.cpu() - before) * 1e6) / load.requests;
        // The first round only warms up.
        if (round >= 0) loads.get(name)!.push({ load, micros });
      }
    }
    const rows = field.peers.map(({ name, child }): Row => {
      const all = loads.get(name)!;
      return {
        name,
        micros: median(all.map(({ micros }) => micros)),
        perSecond: median(all.map(({ load }) => load.perSecond)),
        p50: median(all.map(({ load }) => load.p50)),
        p99: median(all.map(({ load }) => load.p99)),
        rss: child.rss(),
        errors: all.reduce((sum, { load }) => sum + load.errors, 0),
      };
    });
    return report(rows, rounds, json);
  } finally {
    await field.stop();
  }
}

function report(rows: Row[], rounds: number, json: boolean): boolean {
  const [bare, podway] = [rows[0]!, rows[1]!];
  const ratio = podway.micros / bare.micros;
  const kept = ratio <= LIMIT && rows.every(({ errors }) => errors === 0);
  if (json) {
    const ratios = Object.fromEntries(rows.map(({ name, micros }) => [name, round(micros / bare.micros, 3)]));
    const micros = Object.fromEntries(rows.map((row) => [row.name, round(row.micros, 2)]));
    const line = { bench: "proxy", ratio: round(ratio, 3), limit: LIMIT, kept, ratios, cpu_us: micros, rows };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return kept;
  }
  const setting = `${SERVICES} services, ${ROUTES} routes, ${CONNECTIONS} connections, keep-alive, 12-byte answers`;
  process.stdout.write(`${setting}; medians of ${rounds} rounds\n\n`);
  print(["proxy", "CPU us/request", "of bare Bun", "requests/s", "p50 ms", "p99 ms", "MB", "errors"]);
  for (const row of rows) {
    const { name, micros, perSecond, p50, p99, rss, errors } = row;
    const times = (micros / bare.micros).toFixed(2);
    const latency = [p50.toFixed(2), p99.toFixed(2)];
    print([name, micros.toFixed(1), times, perSecond.toFixed(0), ...latency, rss.toFixed(0), String(errors)]);
  }
  process.stdout.write(`\npodway costs ${ratio.toFixed(2)} of bare Bun; at most ${LIMIT} is promised\n`);
  return kept;
}

function print([name, ...columns]: string[]): void {
  process.stdout.write(`${name!.padEnd(24)}${columns.map((column) => column.padStart(15)).join("")}\n`);
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
