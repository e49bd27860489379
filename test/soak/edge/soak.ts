import { readdir, readFile } from "node:fs/promises";
import { gatewayTo, portOf } from "../../conformance/support.ts";
import { seededRandom } from "../../helpers/random.ts";
import { until } from "../../helpers/wait.ts";
import { type Sample, type Trend, trendOf } from "../trend.ts";
import { draw } from "./plan.ts";
import { startSoakPod } from "./pod.ts";
import { User } from "./user.ts";

export interface EdgeSoakOptions {
  /** Requests. */
  readonly count: number;
  readonly seed: number;
  /** Clients at once. @default 32 */
  readonly users?: number;
  /** Called a few times a second. */
  readonly onProgress?: (line: string) => void;
}

/** What came of a soak; no problems: every byte was right. */
export interface EdgeSoakResult {
  readonly seconds: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** Bytes of bodies that went up and came down, as drawn. */
  readonly bytes: number;
  readonly rss: Trend & { readonly idle: number };
  readonly problems: readonly string[];
}

const PROBLEMS = 20;
const MB = 2 ** 20;
/** What a run may take on top of an idle gateway. */
const MOST_MB = 250;

async function rssOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
}

const descriptors = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

/** Requests of mixed kinds from a seed through a running gateway, every byte of them checked on both sides. */
export async function edgeSoak({ count, seed, users = 32, onProgress }: EdgeSoakOptions): Promise<EdgeSoakResult> {
  const random = seededRandom(seed);
  const problems: string[] = [];
  const problem = (what: string): void => {
    if (problems.length < PROBLEMS) problems.push(what);
  };
  const pod = await startSoakPod(random, problem);
  const route = { health: { passive: false }, timeouts: { response: 60_000 } };
  const gateway = await gatewayTo([pod.port], { route });
  try {
    assertUp(await gateway.fetch("/empty/0/0/0/length/0/0"));
    await until(() => pod.open() === 0, { timeout: 70_000, message: "the first connection to be idle for too long" });
    const [idle, before] = [await rssOf(gateway.pid), await descriptors(gateway.pid)];
    const kinds: Record<string, number> = {};
    const samples: Sample[] = [];
    const began = Date.now();
    let next = 1;
    let bytes = 0;
    const timer = setInterval(async () => {
      samples.push({ at: Date.now(), bytes: await rssOf(gateway.pid) });
      const mb = Math.round(samples.at(-1)!.bytes / MB);
      onProgress?.(`${next - 1} of ${count} requests, ${problems.length} problems, RSS ${mb} MB`);
    }, 200);
    const everyone = Array.from({ length: users }, () => new User(portOf(gateway), random, problem));
    await Promise.all(
      everyone.map(async (user) => {
        while (next <= count && problems.length < PROBLEMS) {
          const exchange = draw(next++, random);
          kinds[exchange.kind] = (kinds[exchange.kind] ?? 0) + 1;
          bytes += exchange.up + exchange.down;
          await user.run(exchange);
        }
        user.leave();
      }),
    );
    clearInterval(timer);
    samples.push({ at: Date.now(), bytes: await rssOf(gateway.pid) });
    const seconds = (Date.now() - began) / 1000;
    await until(() => pod.open() === 0, { timeout: 70_000, message: "no connection to the pod to be left" }).catch(() =>
      problem(`${pod.open()} connections to the pod are left`),
    );
    await until(async () => (await descriptors(gateway.pid)) <= before, {
      timeout: 20_000,
      message: "descriptors",
    }).catch(async () => problem(`${(await descriptors(gateway.pid)) - before} descriptors of the gateway are left`));
    const rss = { ...trendOf(samples, began + (seconds * 1000) / 3), idle };
    if (rss.highest - idle > MOST_MB * MB) problem(`memory rose by ${Math.round((rss.highest - idle) / MB)} MB`);
    for (const line of gateway.stderr.filter((line) => /"level":"(?:error|fatal)"/.test(line)).slice(0, 5))
      problem(`logged: ${line}`);
    return { seconds, kinds, bytes, rss, problems };
  } finally {
    await gateway.stop();
    pod.stop();
  }
}

function assertUp({ status }: Response): void {
  if (status !== 204) throw new Error(`The gateway answers ${status}`);
}
