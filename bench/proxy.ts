/**
 * What proxying costs: CPU of the proxy's process per request, beside other proxies, same pod, same run. The rounds are
 * interleaved, so that a busy machine is busy for all; a ratio is the median of the rounds' own ratios.
 */
import { type Case, LOGGED, OTHERS, ROUTES, SMALL } from "./lib/cases.ts";
import { h2load } from "./lib/h2load.ts";
import { hey } from "./lib/hey.ts";
import { FURTHER, type Peer, SERVICES, startField } from "./lib/peers.ts";
import { type Load, wrk } from "./lib/wrk.ts";

/** What p99 may be at this share of the load that nginx bears, as a share of nginx's. */
const LATENCY_LIMIT = 1.5;
const PART_LOAD = 0.7;
/** Seconds of one measurement: short, so that many rounds fit and the machine's moods are shared. */
const SECONDS = 1;
/**
 * Seconds of the same load before each measurement: while the others had their turns, memory was given back to the system, and
 * what is measured is a proxy at work, not one that begins.
 */
const LEAD_IN_SECONDS = 1;
/** Rounds that are not counted: a just-in-time compiler takes some seconds of load. */
const WARM_UP = 2;

interface Row {
  readonly name: string;
  readonly micros: number;
  /** Of the CPU the first peer of its case took, round by round. */
  readonly ratio: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly rss: number;
  readonly errors: number;
}

/** A case and what came of it; the first row is the floor. */
interface Result {
  readonly case: string;
  readonly connections: number;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/**
 * Runs the benchmark: every case beside its peers, in some six minutes; `quick`: the first case and the access log, in two; `all`:
 * with the frameworks and proxies that no promise is about. False when a limit was missed or an answer wrong.
 */
export async function run(options: { json: boolean; all: boolean; quick: boolean }): Promise<boolean> {
  const { json, all, quick } = options;
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const rounds = Number(process.env.BENCH_ROUNDS ?? (quick ? 9 : 5));
  const small = all ? { ...SMALL, peers: [...SMALL.peers, ...FURTHER] } : SMALL;
  const results: Result[] = [];
  const promises: Promised[] = [];
  for (const one of [small, LOGGED, ...(quick ? [] : OTHERS)]) {
    if (one.streams !== undefined && Bun.which("h2load") === null) continue;
    const field = await startField(one.peers);
    try {
      const result = await measure(one, field.peers, rounds);
      results.push(result);
      promises.push(...judge(one, result.rows));
      if (one === small && !quick) promises.push(...(await judgeLatency(one, field.peers, result.rows)));
    } finally {
      await field.stop();
    }
  }
  const kept =
    promises.every((promise) => promise.kept) && results.every(({ rows }) => rows.every((row) => row.errors === 0));
  if (json) process.stdout.write(`${JSON.stringify(asJson(results, promises, kept))}\n`);
  else print(results, promises);
  return kept;
}

const load = ({ script, streams, connections }: Case, url: string, seconds: number): Promise<Load> =>
  streams === undefined ? wrk({ url, connections, seconds, script }) : h2load({ url, connections, seconds, streams });

async function measure(one: Case, peers: readonly Peer[], rounds: number): Promise<Result> {
  const loads = peers.map((): { load: Load; micros: number }[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, { child, scheme }] of peers.entries()) {
      const url = `${scheme}://127.0.0.1:${child.port}${one.path}`;
      await load(one, url, LEAD_IN_SECONDS);
      const before = child.cpu();
      const taken = await load(one, url, SECONDS);
      const micros = ((child.cpu() - before) * 1e6) / taken.requests;
      if (round >= 0) loads[i]!.push({ load: taken, micros });
    }
  }
  const rows = peers.map(({ name, child }, i): Row => {
    const all = loads[i]!;
    return {
      name,
      micros: median(all.map(({ micros }) => micros)),
      ratio: median(all.map(({ micros }, round) => micros / loads[0]![round]!.micros)),
      perSecond: median(all.map(({ load }) => load.perSecond)),
      p50: median(all.map(({ load }) => load.p50)),
      p99: median(all.map(({ load }) => load.p99)),
      rss: child.rss(),
      errors: all.reduce((sum, { load }) => sum + load.errors, 0),
    };
  });
  return { case: one.name, connections: one.connections, rounds, rows };
}

interface Promised {
  readonly words: string;
  readonly kept: boolean;
}

function judge({ gateway, limits, name }: Case, rows: readonly Row[]): Promised[] {
  const named = new Map(rows.map((row) => [row.name, row]));
  const own = named.get(gateway)!;
  return Object.entries(limits).flatMap(([peer, limit]): Promised[] => {
    const other = named.get(peer);
    if (other === undefined) return [];
    const share = own.ratio / other.ratio;
    const words = `${name}: ${share.toFixed(2)} of ${peer}; at most ${limit.toFixed(2)}`;
    return [{ words, kept: share <= limit }];
  });
}

/** Whether the gateway is as quick as nginx where neither is at its limit. */
async function judgeLatency(one: Case, peers: readonly Peer[], rows: readonly Row[]): Promise<Promised[]> {
  const nginx = rows.find(({ name }) => name === "nginx");
  if (nginx === undefined || Bun.which("hey") === null) return [];
  const slowest = Math.min(
    ...rows.filter(({ name }) => ["nginx", one.gateway].includes(name)).map((row) => row.perSecond),
  );
  const asked = { perSecond: Math.round(slowest * PART_LOAD), seconds: 5, connections: 32 };
  const p99s: number[][] = [];
  for (let round = 0; round < 3; round++) {
    for (const [at, name] of ["nginx", one.gateway].entries()) {
      const { port } = peers.find((peer) => peer.name === name)!.child;
      const { p99 } = await hey({ ...asked, url: `http://127.0.0.1:${port}${one.path}` });
      p99s[at] = [...(p99s[at] ?? []), p99];
    }
  }
  const share = median(p99s[1]!) / median(p99s[0]!);
  const words = `p99 at ${PART_LOAD * 100} % load: ${share.toFixed(2)} of nginx; at most ${LATENCY_LIMIT}`;
  return [{ words, kept: share <= LATENCY_LIMIT }];
}

function asJson(results: readonly Result[], promises: readonly Promised[], kept: boolean): object {
  const ratios = results.map(({ case: name, rows }) => [
    name,
    Object.fromEntries(rows.map((row) => [row.name, round(row.ratio, 3)])),
  ]);
  const ratio = round(results[0]!.rows.find(({ name }) => name === "podway")!.ratio, 3);
  return {
    bench: "proxy",
    ratio,
    limit: SMALL.limits["bare Bun"],
    kept,
    ratios: Object.fromEntries(ratios),
    promises,
    results,
  };
}

function print(results: readonly Result[], promises: readonly Promised[]): void {
  process.stdout.write(`${SERVICES} services, ${ROUTES} routes, keep-alive\n`);
  for (const { case: name, connections, rounds, rows } of results) {
    process.stdout.write(
      `\n${name}; ${connections} connections, ${rounds === 1 ? "one round" : `medians of ${rounds} rounds`}\n`,
    );
    line(["proxy", "CPU us/request", "of the first", "requests/s", "p50 ms", "p99 ms", "MB", "errors"]);
    for (const { name: peer, micros, ratio, perSecond, p50, p99, rss, errors } of rows) {
      const latency = [p50.toFixed(2), p99.toFixed(2)];
      const cost = [micros.toFixed(1), ratio.toFixed(2), perSecond.toFixed(0)];
      line([peer, ...cost, ...latency, rss.toFixed(0), String(errors)]);
    }
  }
  process.stdout.write("\n");
  for (const { words, kept } of promises) process.stdout.write(`${kept ? "kept  " : "MISSED"} ${words}\n`);
}

function line([name, ...columns]: string[]): void {
  process.stdout.write(`${name!.padEnd(24)}${columns.map((column) => column.padStart(15)).join("")}\n`);
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
