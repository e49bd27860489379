import type { ServerCounts } from "./lib/cluster-server.ts";
import { hey } from "./lib/hey.ts";
import { type LargeCluster, startCluster, startGateway } from "./lib/large-cluster.ts";
import { PER_SLICE } from "./lib/slices.ts";
import { percentile } from "./lib/statistics.ts";

const SERVICES = 1000;
const REQUESTS_PER_SECOND = 200;
const CONNECTIONS = 4;
const SECONDS = 20;
const MOVES = 12;

/** What a request may cost more than in mode watch, as a promise: polling adds nothing to it. */
const POLL_EXTRA_MS = 1;

const MODES = [
  { name: "watch", interval: 0, how: { mode: "watch" } },
  { name: "poll, every 5 s", interval: 5000, how: { mode: "poll", poll_interval: 5000 } },
  { name: "poll, every 0.5 s", interval: 500, how: { mode: "poll", poll_interval: 500 } },
  { name: "request", interval: 0, how: { mode: "request" } },
] as const;

interface Row {
  readonly name: string;
  /** Milliseconds of a request. */
  readonly p50: number;
  readonly p99: number;
  /** From the apiserver's write to the first answer that follows it, milliseconds. */
  readonly change50: number;
  readonly change95: number;
  /** What the apiserver was asked for, and sent, per minute. */
  readonly lists: number;
  readonly megabytes: number;
  /** CPU seconds of the gateway per minute. */
  readonly cpu: number;
}

const rounded = (number: number): number => Math.round(number * 100) / 100;

async function measure(cluster: LargeCluster, { name, interval, how }: (typeof MODES)[number]): Promise<Row> {
  const gateway = await startGateway(cluster.server, how);
  const url = `http://127.0.0.1:${gateway.port}/`;
  const counts = async (): Promise<ServerCounts> => ({ ...((await cluster.control("counts")) as ServerCounts) });
  try {
    const [before, cpu] = [await counts(), gateway.cpu()];
    const load = await hey({ url, perSecond: REQUESTS_PER_SECOND, seconds: SECONDS, connections: CONNECTIONS });
    if (load.errors > 0) throw new Error(`${load.errors} requests failed in mode ${name}`);
    const [after, used] = [await counts(), gateway.cpu() - cpu];
    const changes: number[] = [];
    for (let i = 0; i < MOVES; i++) {
      changes.push((await cluster.control(`move?via=${encodeURIComponent(url)}`)) as number);
      // A change that is seen was polled just now: the next one must not be in step with the polls.
      await Bun.sleep(Math.random() * interval);
    }
    changes.sort((a, b) => a - b);
    const perMinute = 60 / SECONDS;
    return {
      name,
      p50: rounded(load.p50),
      p99: rounded(load.p99),
      change50: rounded(percentile(changes, 0.5)),
      change95: rounded(percentile(changes, 0.95)),
      lists: Math.round((after.lists - before.lists) * perMinute),
      megabytes: rounded(((after.bytes - before.bytes) * perMinute) / 1e6),
      cpu: rounded(used * perMinute),
    };
  } finally {
    await gateway.stop();
  }
}

/** The modes side by side: what a request costs, when a change is used, what the apiserver has to do. */
export async function run({ json }: { json: boolean }): Promise<boolean> {
  const cluster = await startCluster(SERVICES);
  try {
    const rows: Row[] = [];
    for (const mode of MODES) rows.push(await measure(cluster, mode));
    process.stdout.write(`${json ? JSON.stringify(rows) : textOf(rows)}\n`);
    const [watch, poll] = rows;
    return poll!.p50 - watch!.p50 <= POLL_EXTRA_MS;
  } finally {
    await cluster.stop();
  }
}

const textOf = (rows: readonly Row[]): string =>
  [
    `${SERVICES} services of ${PER_SLICE} endpoints, ${REQUESTS_PER_SECOND} requests/s`,
    ...rows.map(
      ({ name, p50, p99, change50, change95, lists, megabytes, cpu }) =>
        `  ${name.padEnd(18)} request p50 ${p50} ms, p99 ${p99} ms; a change is used after ${change50} ms (p50), ${change95} ms (p95); ` +
        `apiserver: ${lists} lists and ${megabytes} MB a minute; gateway: ${cpu} CPU s a minute`,
    ),
  ].join("\n");
