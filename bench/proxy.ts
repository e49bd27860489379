/**
 * What proxying costs: CPU of the proxy's process per request, beside other proxies, same pod, same run. The rounds are
 * interleaved, so that a busy machine is busy for all; a ratio is the median of the rounds' own ratios.
 */
import { type Case, OTHERS, SMALL } from "./lib/cases.ts";
import { type Peer, ROUTES, SERVICES, startField } from "./lib/peers.ts";
import { type Load, wrk } from "./lib/wrk.ts";

/** What the gateway's CPU per request may be, as a share of a peer's in the first case. */
const LIMITS: Readonly<Record<string, number>> = {
  "bare Bun": 1.3,
  caddy: 1 / 1.2,
  "fastify http-proxy": 1 / 2.9,
  "express http-proxy": 1 / 7.5,
};
/** Microseconds that the access log may add. */
const LOG_LIMIT = 1;
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
 * Runs the benchmark: the first case beside all peers and the others with fewer rounds, in four minutes; `quick`:
 * only the gateway's ratios to the floor, in two; `all`: every case as the first. False when a limit was missed or an answer wrong.
 */
export async function run(options: { json: boolean; all: boolean; quick: boolean }): Promise<boolean> {
  const { json, all, quick } = options;
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const rounds = Number(process.env.BENCH_ROUNDS ?? (quick ? 21 : all ? 9 : 5));
  const field = await startField({ few: quick });
  const results: Result[] = [];
  try {
    results.push(await measure(SMALL, field.peers, rounds));
    if (!quick)
      for (const one of OTHERS) results.push(await measure(one, rivals(field.peers, one, all), all ? rounds : 1));
  } finally {
    await field.stop();
  }
  const promises = judge(results[0]!.rows, quick);
  const kept =
    promises.every((promise) => promise.kept) && results.every(({ rows }) => rows.every((row) => row.errors === 0));
  if (json) process.stdout.write(`${JSON.stringify(asJson(results, promises, kept))}\n`);
  else print(results, promises);
  return kept;
}

/** Peers that a case is about: of the gateway's variants only the plain one, without `all` no slow ones. */
function rivals(peers: readonly Peer[], { scheme }: Case, all: boolean): readonly Peer[] {
  const told = peers.filter(
    ({ name }) => scheme === "https" || all || ["bare Bun", "podway", "nginx", "caddy"].includes(name),
  );
  return told.filter((peer) => peer.scheme === scheme);
}

async function measure(one: Case, of: readonly Peer[], rounds: number): Promise<Result> {
  const peers = of.filter(({ scheme }) => scheme === one.scheme);
  const loads = peers.map((): { load: Load; micros: number }[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, { child, scheme }] of peers.entries()) {
      const url = `${scheme}://127.0.0.1:${child.port}${one.path}`;
      const asked = { url, connections: one.connections, script: one.script };
      await wrk({ ...asked, seconds: LEAD_IN_SECONDS });
      const before = child.cpu();
      const load = await wrk({ ...asked, seconds: SECONDS });
      const micros = ((child.cpu() - before) * 1e6) / load.requests;
      if (round >= 0) loads[i]!.push({ load, micros });
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

function judge(rows: readonly Row[], quick: boolean): Promised[] {
  const named = new Map(rows.map((row) => [row.name, row]));
  const podway = named.get("podway")!;
  const promises = Object.entries(LIMITS).flatMap(([name, limit]): Promised[] => {
    const peer = named.get(name);
    if (peer === undefined) return [];
    const share = podway.ratio / peer.ratio;
    return [
      { words: `podway costs ${share.toFixed(2)} of ${name}; at most ${limit.toFixed(2)}`, kept: share <= limit },
    ];
  });
  const logged = named.get("podway, access log on");
  if (logged === undefined) return promises;
  const more = (logged.ratio - podway.ratio) * rows[0]!.micros;
  const words = `the access log adds ${more.toFixed(1)} us; at most ${LOG_LIMIT.toFixed(1)}`;
  const limit = LIMITS["bare Bun"]!;
  const whole = `with it, and metrics, podway costs ${logged.ratio.toFixed(2)} of bare Bun; at most ${limit.toFixed(2)}`;
  const withLog: Promised = { words: whole, kept: logged.ratio <= limit };
  return quick ? [...promises, withLog] : [...promises, withLog, { words, kept: more <= LOG_LIMIT }];
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
    limit: LIMITS["bare Bun"],
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
    line(["proxy", "CPU us/request", "of bare Bun", "requests/s", "p50 ms", "p99 ms", "MB", "errors"]);
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
