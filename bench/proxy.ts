/**
 * What proxying costs: CPU of the proxy's process per request, beside other proxies, same pod, same run. The load comes
 * from wrk and h2load. The rounds are interleaved, so that a busy machine is busy for all; a ratio is the median of the
 * rounds' own ratios.
 */
import { type Case, OTHERS, SMALL, writeInputs } from "./lib/cases.ts";
import { h2load } from "./lib/h2load.ts";
import { type Field, type Peer, ROUTES, SERVICES, startField } from "./lib/peers.ts";
import { step } from "./lib/progress.ts";
import { median } from "./lib/statistics.ts";
import { wrk } from "./lib/wrk.ts";

/** Seconds of one measurement: short, so that many rounds fit and the machine's moods are shared. */
const SECONDS = 2;
/**
 * Seconds of the same load before each measurement: while the others had their turns, memory was given back to the system, and
 * what is measured is a proxy at work, not one that begins.
 */
const LEAD_IN_SECONDS = 1;
/** Rounds that are not counted: a just-in-time compiler takes some seconds of load. */
const WARM_UP = 2;
/** The share of what the gateway serves at most at which latencies are compared. */
const CALM = 0.7;
/** What the gateway's p99 may be there, as a share of nginx's. */
const P99_LIMIT = 1.5;

interface Reading {
  readonly micros: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

interface Row extends Reading {
  readonly name: string;
  /** What the gateway's CPU is of this one's, round by round. */
  readonly podwayCosts: number;
  /** Its p99 of this one's. */
  readonly podwayP99: number;
  readonly rss: number;
}

/** A case and what came of it; the first row is the gateway's. */
interface Result {
  readonly case: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

interface Promised {
  readonly words: string;
  readonly kept: boolean;
}

/**
 * Runs the benchmark beside what is installed; `quick`: only the first case, beside nginx and bare Bun; `all`: proxies of
 * other kinds too. BENCH_ROUNDS sets the rounds, BENCH_CASES (a part of their names) the cases. False when a limit was
 * missed or an answer wrong.
 */
export async function run(options: { json: boolean; all: boolean; quick: boolean }): Promise<boolean> {
  const { json, all, quick } = options;
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const rounds = Number(process.env.BENCH_ROUNDS ?? (quick ? 9 : 5));
  const cases = [SMALL, ...(quick ? [] : OTHERS)].filter(({ name }) => name.includes(process.env.BENCH_CASES ?? ""));
  const field = await startField({ few: quick, all });
  const results: Result[] = [];
  const promises: Promised[] = [];
  try {
    for (const one of cases) {
      if (one.streams !== undefined && Bun.which("h2load") === null) {
        process.stderr.write(`${one.name} is left out: h2load is not installed\n`);
        continue;
      }
      const result = await measure(one, field, rounds);
      results.push(result);
      promises.push(...judge(one, result));
    }
    if (!quick && cases.includes(SMALL) && Bun.which("h2load") !== null) {
      const calm = await measureCalm(field, rounds, results[0]!.rows[0]!.perSecond * CALM);
      results.push(calm);
      promises.push(...judgeCalm(calm));
    }
  } finally {
    await field.stop();
  }
  const right = results.every(({ rows }) => rows.every((row) => row.errors === 0));
  const kept = right && promises.every((promise) => promise.kept);
  if (json) process.stdout.write(`${JSON.stringify({ bench: "proxy", kept, promises, results })}\n`);
  else print(results, promises);
  return kept;
}

/** Interleaved rounds of a measurement over the peers that have the port. */
async function inRounds(
  { name, port }: Pick<Case, "name" | "port">,
  peers: readonly Peer[],
  rounds: number,
  take: (port: number, seconds: number) => Promise<Reading & { readonly requests: number }>,
): Promise<Result> {
  const asked = peers.filter(({ ports }) => ports[port] !== undefined);
  const readings = asked.map((): Reading[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, peer] of asked.entries()) {
      step(`${name}: round ${round} of ${rounds}, ${peer.name}`);
      const child = peer.child(port);
      await take(peer.ports[port]!, LEAD_IN_SECONDS);
      const before = child.cpu();
      const load = await take(peer.ports[port]!, SECONDS);
      const micros = ((child.cpu() - before) * 1e6) / load.requests;
      if (round >= 0) readings[i]!.push({ ...load, micros });
    }
  }
  const rows = asked.map((peer, i): Row => {
    const of = readings[i]!;
    const middle = (pick: (one: Reading) => number): number => median(of.map(pick));
    const share = (pick: (one: Reading) => number): number =>
      median(of.map((one, round) => pick(readings[0]![round]!) / pick(one)));
    return {
      name: peer.name,
      micros: middle(({ micros }) => micros),
      podwayCosts: share(({ micros }) => micros),
      podwayP99: share(({ p99 }) => p99),
      perSecond: middle(({ perSecond }) => perSecond),
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      rss: peer.child(port).rss(),
      errors: of.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
  return { case: name, rounds, rows };
}

function measure(one: Case, { peers, folder }: Field, rounds: number): Promise<Result> {
  const { connections, streams } = one;
  const { script, urls } = writeInputs(folder, one);
  const scheme = one.port === "tls" ? "https" : "http";
  return inRounds(one, peers, rounds, async (port, seconds) => {
    const load =
      streams === undefined
        ? await wrk({ url: `${scheme}://127.0.0.1:${port}/`, seconds, connections, script })
        : await h2load({ port, streams, connections, seconds, urls, folder });
    return { ...load, micros: 0 };
  });
}

/** Latencies where every proxy gets the same requests a second, evenly. */
function measureCalm({ peers, folder }: Field, rounds: number, perSecond: number): Promise<Result> {
  const { urls } = writeInputs(folder, SMALL);
  const { connections, port } = SMALL;
  const name = `the first case at ${(perSecond / 1000).toFixed(1)} thousand requests a second`;
  return inRounds({ name, port }, peers, rounds, async (at, seconds) => ({
    ...(await h2load({ port: at, connections, seconds, urls, perSecond, folder })),
    micros: 0,
  }));
}

const judge = ({ name, limits }: Case, { rows }: Result): Promised[] =>
  Object.entries(limits).flatMap(([peer, limit]) => {
    const share = rows.find((row) => row.name === peer)?.podwayCosts;
    const words = `${name}: ${share?.toFixed(2)} times ${peer}; at most ${limit}`;
    return share === undefined ? [] : [{ words, kept: share <= limit }];
  });

function judgeCalm({ case: name, rows }: Result): Promised[] {
  const share = rows.find((row) => row.name === "nginx")?.podwayP99;
  const words = `${name}: p99 ${share?.toFixed(2)} times nginx's; at most ${P99_LIMIT}`;
  return share === undefined ? [] : [{ words, kept: share <= P99_LIMIT }];
}

function print(results: readonly Result[], promises: readonly Promised[]): void {
  process.stdout.write(`${SERVICES} services, ${ROUTES} routes, keep-alive\n`);
  for (const { case: name, rounds, rows } of results) {
    process.stdout.write(`\n${name}; medians of ${rounds} rounds\n`);
    line(["proxy", "CPU us/request", "podway costs", "requests/s", "p50 ms", "p99 ms", "MB", "errors"]);
    for (const { name: peer, micros, podwayCosts, perSecond, p50, p99, rss, errors } of rows) {
      const cost = [micros.toFixed(1), `${podwayCosts.toFixed(2)} x`, perSecond.toFixed(0)];
      line([peer, ...cost, p50.toFixed(2), p99.toFixed(2), rss.toFixed(0), String(errors)]);
    }
  }
  process.stdout.write("\n");
  for (const { words, kept } of promises) process.stdout.write(`${kept ? "kept  " : "MISSED"} ${words}\n`);
}

function line([name, ...columns]: string[]): void {
  process.stdout.write(`${name!.padEnd(22)}${columns.map((column) => column.padStart(15)).join("")}\n`);
}
