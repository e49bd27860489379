import { hey } from "./lib/hey.ts";
import { runScript, startCluster, startGateway, timeToFirstAnswer } from "./lib/large-cluster.ts";
import { PER_SLICE } from "./lib/slices.ts";
import { median, percentile } from "./lib/statistics.ts";
import { SHAPE } from "./lib/watch-load.ts";

const STARTS = 5;
const ROUNDS = 3;
const REQUESTS_PER_SECOND = 5000;
const CONNECTIONS = 50;
const SECONDS = 6;
const RATES = [0, 100, 1000] as const;
const RELISTS = 3;

/** A watch that ends sooner was not healthy, and a pause would follow. */
const HEALTHY_MS = 5500;

/** What is promised. */
const LIMITS = { startToParse: 2, heapMb: 75, rssMb: 120, latencyP99: 50, proxyP99: 1.5 } as const;

/** One rate of changes. */
interface Row {
  readonly rate: number;
  /** From the apiserver's write to the first answer that follows it, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly moves: number;
  readonly requests: number;
  readonly proxyP50: number;
  readonly proxyP99: number;
  readonly errors: number;
}

const rounded = (number: number): number => Math.round(number * 100) / 100;

async function measureRates(
  cluster: Awaited<ReturnType<typeof startCluster>>,
  gateway: { readonly port: number },
): Promise<Row[]> {
  const url = `http://127.0.0.1:${gateway.port}/`;
  const latencies = new Map<number, number[]>(RATES.map((rate) => [rate, []]));
  const loads = new Map<number, Awaited<ReturnType<typeof hey>>[]>(RATES.map((rate) => [rate, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const rate of RATES) {
      await cluster.control(`rate?perSecond=${rate}`);
      let loading = true;
      const load = hey({ url, perSecond: REQUESTS_PER_SECOND, seconds: SECONDS, connections: CONNECTIONS }).finally(
        () => {
          loading = false;
        },
      );
      while (loading) {
        latencies.get(rate)!.push((await cluster.control(`move?via=${encodeURIComponent(url)}`)) as number);
        await Bun.sleep(20 + Math.random() * 20);
      }
      loads.get(rate)!.push(await load);
    }
  }
  await cluster.control("rate?perSecond=0");
  return RATES.map((rate) => {
    const sorted = latencies.get(rate)!.sort((a, b) => a - b);
    const of = loads.get(rate)!;
    return {
      rate,
      p50: rounded(percentile(sorted, 0.5)),
      p99: rounded(percentile(sorted, 0.99)),
      moves: sorted.length,
      requests: Math.round(median(of.map(({ perSecond }) => perSecond))),
      proxyP50: rounded(median(of.map(({ p50 }) => p50))),
      proxyP99: rounded(median(of.map(({ p99 }) => p99))),
      errors: of.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

/** 10,000 services, 150,000 endpoints, 5,000 nodes: the start, the memory, relists, and changes under traffic. */
export async function run({ json }: { json: boolean }): Promise<boolean> {
  const cluster = await startCluster();
  const idle = await startGateway(undefined);
  const starts: number[] = [];
  const parses: number[] = [];
  try {
    for (let i = 0; i < STARTS; i++) {
      parses.push((await runScript("list-parse", cluster.server)).ms);
      starts.push(await timeToFirstAnswer(cluster.server));
    }
    const heapMb = rounded(Number((await runScript("heap", cluster.server)).text));
    const gateway = await startGateway(cluster.server);
    try {
      await Bun.sleep(HEALTHY_MS);
      const rssMb = rounded(gateway.rss() - idle.rss());
      const relists: number[] = [];
      for (let i = 0; i < RELISTS; i++) {
        await Bun.sleep(HEALTHY_MS);
        relists.push((await cluster.control("expire")) as number);
      }
      const rows = await measureRates(cluster, gateway);
      const rssAfterMb = rounded(gateway.rss() - idle.rss());
      const startMs = Math.round(median(starts));
      const parseMs = Math.round(median(parses));
      const relistMs = Math.round(median(relists));
      const result = {
        services: SHAPE.slices,
        endpoints: SHAPE.slices * PER_SLICE,
        startMs,
        parseMs,
        startToParse: rounded(startMs / parseMs),
        heapMb,
        rssMb,
        rssAfterMb,
        relistMs,
        rows,
      };
      process.stdout.write(`${json ? JSON.stringify(result) : textOf(result)}\n`);
      const quiet = rows[0]!.proxyP99;
      return (
        result.startToParse <= LIMITS.startToParse &&
        heapMb <= LIMITS.heapMb &&
        rssMb <= LIMITS.rssMb &&
        rows.every(({ p99, proxyP99 }) => p99 <= LIMITS.latencyP99 && proxyP99 <= quiet * LIMITS.proxyP99)
      );
    } finally {
      await gateway.stop();
    }
  } finally {
    await idle.stop();
    await cluster.stop();
  }
}

interface Result {
  readonly services: number;
  readonly endpoints: number;
  readonly startMs: number;
  readonly parseMs: number;
  readonly startToParse: number;
  readonly heapMb: number;
  readonly rssMb: number;
  readonly rssAfterMb: number;
  readonly relistMs: number;
  readonly rows: readonly Row[];
}

function textOf(result: Result): string {
  const { services, endpoints, startMs, parseMs, startToParse, heapMb, rssMb, rssAfterMb, relistMs, rows } = result;
  return [
    `${services} services, ${endpoints} endpoints, ${SHAPE.nodes} nodes`,
    `  start to first routed request  ${startMs} ms; fetching and parsing the list alone ${parseMs} ms: ${startToParse} times (at most ${LIMITS.startToParse})`,
    `  memory above idle              ${heapMb} MB heap (at most ${LIMITS.heapMb}), ${rssMb} MB RSS (at most ${LIMITS.rssMb}), ${rssAfterMb} MB after the load`,
    `  relist after 410               ${relistMs} ms`,
    ...rows.map(
      ({ rate, p50, p99, moves, requests, proxyP50, proxyP99, errors }) =>
        `  ${String(rate).padStart(4)} changes/s  write to first request p50 ${p50} ms, p99 ${p99} ms (${moves} moves); ${requests} req/s p50 ${proxyP50} ms, p99 ${proxyP99} ms, ${errors} errors`,
    ),
  ].join("\n");
}
