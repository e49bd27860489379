import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddedApiserver } from "../../src/demo/apiserver.ts";
import type { NodesAnswer } from "../../src/discovery/views.ts";
import { between, type Manifest, manifest, nodesText, pick, reckon, type Sketch } from "../faults/lab/world.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { seededRandom } from "../helpers/random.ts";
import { until } from "../helpers/wait.ts";
import { type Backends, startBackends } from "./backends.ts";
import { type Load, startLoad } from "./load.ts";
import { isFlat, type Sample, type Trend, trendOf } from "./trend.ts";

export interface SoakOptions {
  readonly minutes: number;
  /** Changes of EndpointSlices a second. */
  readonly changes: number;
  /** Requests a second. */
  readonly requests: number;
  /** Called every few seconds. */
  readonly onProgress?: (line: string) => void;
}

/** The figures of a run, and what was wrong; empty: nothing. */
export interface SoakResult {
  readonly minutes: number;
  readonly changes: number;
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly rss: Trend;
  readonly heap: Trend;
  readonly lists: number;
  readonly watches: number;
  readonly services: number;
  readonly problems: readonly string[];
}

const SERVICES = 100;
const SLICES = 3;
const BACKENDS = 8;
const TICK_MS = 25;
const SAMPLE_MS = 5000;
const SEED = 1;

const serviceName = (i: number): string => `svc-${i}`;

/** Changes the cluster at a steady rate. The first slice of a service always holds somebody. */
function startChanges(
  api: EmbeddedApiserver,
  backends: Backends,
  rate: number,
): { readonly made: number; stop(): void } {
  const random = seededRandom(SEED);
  const began = performance.now();
  let made = 0;
  const sketch = (service: number, slice: number): Sketch => ({
    namespace: "soak",
    name: `${serviceName(service)}-${slice}`,
    service: serviceName(service),
    team: "blue",
    weight: random() < 0.1 ? between(random, 1, 9) : undefined,
    http: backends.port,
    addresses: Array.from({ length: between(random, 1, BACKENDS) }, () => ({
      ip: pick(random, backends.hosts),
      is: "ready" as const,
    })),
  });
  const change = (): void => {
    const service = between(random, 0, SERVICES - 1);
    const slice = between(random, 0, SLICES - 1);
    if (slice > 0 && random() < 0.3) api.remove("EndpointSlice", "soak", `${serviceName(service)}-${slice}`);
    else api.apply(manifest(sketch(service, slice), "EndpointSlice"));
  };
  for (let service = 0; service < SERVICES; service++) api.apply(manifest(sketch(service, 0), "EndpointSlice"));
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1000) * rate);
    // What a stalled machine missed is not made up for at once: that would be another load than was asked for.
    for (let burst = 0; made < due && burst < rate; burst++) {
      change();
      made++;
    }
  }, TICK_MS);
  return {
    get made() {
      return made;
    },
    stop: () => clearInterval(timer),
  };
}

async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

async function heapSamples(file: string): Promise<Sample[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { at, heapSize } = JSON.parse(line) as { at: number; heapSize: number };
    return { at, bytes: heapSize };
  });
}

/** Where gateway and apiserver differ, in words. */
async function differences(api: EmbeddedApiserver, admin: (path: string) => Promise<Response>): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < SERVICES; i++) {
    const name = serviceName(i);
    const own = (api.list("EndpointSlice", "soak") as Manifest[]).filter(({ metadata }) =>
      metadata.name.startsWith(`${name}-`),
    );
    const want = reckon(own, "EndpointSlice");
    const answer = await admin(`/v1/discovery/kubernetes/nodes?service=${encodeURIComponent(`soak/${name}:http`)}`);
    const { nodes } = (await answer.json()) as NodesAnswer;
    const have = nodesText(nodes.map(({ host, port, weight }) => ({ address: `${host}:${port}`, weight })));
    if (have !== want) all.push(`${name}: the gateway has ${have || "(none)"}, the apiserver ${want || "(none)"}`);
  }
  return all;
}

const problemsOf = (load: Load, stderr: readonly string[], lists: number, rss: Trend, heap: Trend): string[] => {
  const failed = [...load.failures].map(([what, count]) => `${count} requests failed: ${what}`);
  const logged = stderr.filter((line) => /"level":"(?:warn|error)"/.test(line)).slice(0, 10);
  return [
    ...failed,
    ...logged.map((line) => `the gateway logged: ${line}`),
    ...(lists > 1 ? [`${lists} full lists were made`] : []),
    ...(isFlat(rss) ? [] : ["RSS grew"]),
    ...(isFlat(heap) ? [] : ["the heap grew"]),
  ];
};

/** A gateway as a process, a cluster that changes all the time, and traffic through it. */
export async function soak({ minutes, changes: changeRate, requests, onProgress }: SoakOptions): Promise<SoakResult> {
  const backends = startBackends(BACKENDS);
  await using served = await serveEmbedded({ bookmarkInterval: 10_000 });
  const changes = startChanges(served.api, backends, changeRate);
  const heapFile = `heap-${Date.now()}.jsonl`;
  const { port } = new URL(served.url);
  const gateway = await startGateway({
    config: {
      server: { listen: "127.0.0.1:0", access_log: false },
      admin: { listen: "127.0.0.1:0" },
      discovery: {
        kubernetes: {
          service: { schema: "http", host: "127.0.0.1", port },
          client: { token: "soak" },
          watch_endpoint_slices: true,
        },
      },
      routes: Array.from({ length: SERVICES }, (_, i) => ({
        path: `/${serviceName(i)}`,
        service: `soak/${serviceName(i)}:http`,
      })),
    },
    env: {
      BUN_OPTIONS: `--preload=${join(import.meta.dir, "heap-probe.ts")}`,
      PODWAY_SOAK_HEAP: heapFile,
      BUN_CONFIG_MAX_HTTP_REQUESTS: "65336",
    },
  });
  try {
    const load = startLoad(
      Array.from({ length: SERVICES }, (_, i) => `${gateway.url}/${serviceName(i)}`),
      requests,
    );
    const began = Date.now();
    const end = began + minutes * 60_000;
    const rss: Sample[] = [];
    while (Date.now() < end) {
      await Bun.sleep(Math.min(SAMPLE_MS, end - Date.now()));
      rss.push({ at: Date.now(), bytes: await rssOf(gateway.pid) });
      const mb = (rss.at(-1)!.bytes / 2 ** 20).toFixed(0);
      onProgress?.(
        `${Math.round((Date.now() - began) / 1000)} s: ${changes.made} changes, ${load.answered} requests, ${load.failures.size} kinds of failure, RSS ${mb} MB`,
      );
    }
    changes.stop();
    await load.stop();
    const heap = await heapSamples(join(gateway.folder, heapFile));
    let different: string[] = [];
    const agree = async (): Promise<boolean> => {
      different = await differences(served.api, gateway.admin);
      return different.length === 0;
    };
    // What still differs when the time is over is among the problems.
    await until(agree, { timeout: 15_000, interval: 500, message: "gateway and apiserver to agree" }).catch(() => {});
    // A third of a short run, five minutes of a long one: pools, caches and compiled code are there by then.
    const warm = began + Math.min(minutes / 3, 5) * 60_000;
    const [rssTrend, heapTrend] = [trendOf(rss, warm), trendOf(heap, warm)];
    const count = (verb: string): number => served.api.requests.filter((request) => request.verb === verb).length;
    return {
      minutes,
      changes: changes.made,
      requests: load.answered,
      p50: load.percentile(50),
      p99: load.percentile(99),
      rss: rssTrend,
      heap: heapTrend,
      lists: count("list"),
      watches: count("watch"),
      services: SERVICES,
      problems: [...problemsOf(load, gateway.stderr, count("list"), rssTrend, heapTrend), ...different],
    };
  } finally {
    changes.stop();
    await gateway.stop();
    backends.stop();
  }
}
