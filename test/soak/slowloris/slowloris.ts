import { readdir, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { endingWithUs } from "../../helpers/child.ts";
import { type GatewayProcess, startGateway } from "../../helpers/gateway-process.ts";
import { listenTcp, type TcpServer } from "../../helpers/tcp-server.ts";
import { until } from "../../helpers/wait.ts";
import { rawClient } from "../../proxy/helpers.ts";

/** How many attack, and the limits that end them. */
export interface SlowlorisOptions {
  /** Connections by kind. */
  readonly attackers: Readonly<Record<string, number>>;
  /** Of `server.limits`, ms; undefined: the defaults. */
  readonly limits?: {
    readonly head_timeout: number;
    readonly keep_alive: number;
    readonly body_window: number;
    readonly write_stall: number;
  };
  /** Open files of the gateway. */
  readonly openFiles: number;
  /** What the 99th percentile of other clients may be, ms. */
  readonly p99: number;
  readonly print: (line: string) => void;
}

/** What came of it; no problems: all held. */
export interface SlowlorisResult {
  readonly passed: number;
  readonly problems: readonly string[];
}

interface Attack {
  readonly open: number;
  readonly closed: number;
  readonly refused: number;
  readonly longest: number;
}

const MB = 2 ** 20;
const MOST_MB = 250;
/** What may be left of the rise once all have gone: an allocator does not give back every page. */
const LEFT_MB = 100;
/** A coarse tick of the gateway's, a busy machine, and the time until a client notices. */
const SLACK_MS = 6000;
const DEFAULTS = { head_timeout: 10_000, keep_alive: 75_000, body_window: 30_000, write_stall: 60_000 };
const LARGE = 20_000_000;

/** Answers at once, takes uploads without an end, and sends a large answer as fast as it is taken. */
function startPod(): Promise<TcpServer> {
  const piece = Buffer.alloc(65_536);
  return listenTcp((socket) => {
    socket.on("data", (data: Buffer) => {
      const text = data.toString("latin1");
      if (text.startsWith("GET /large ")) void sendLarge(socket, piece);
      else if (/^GET [^ ]* HTTP/.test(text)) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
  });
}

async function sendLarge(socket: Socket, piece: Buffer): Promise<void> {
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${LARGE}\r\n\r\n`);
  for (let left = LARGE; left > 0 && !socket.destroyed; left -= piece.length) {
    if (!socket.write(piece.subarray(0, Math.min(left, piece.length)))) {
      await new Promise<void>((resolve) => {
        socket.once("drain", resolve);
        socket.once("close", () => resolve());
      });
    }
  }
}

const rssOf = async (pid: number): Promise<number> =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))![1]) * 1024;

/** Requests at a steady pace, each of them timed; half of them on connections of their own. */
class Bystanders {
  readonly times: number[] = [];
  readonly failures: string[] = [];
  #stopped = false;
  #running: Promise<unknown>[] = [];

  start(url: string, every: number): void {
    const one = async (n: number): Promise<void> => {
      const began = performance.now();
      try {
        const answer = await fetch(`${url}/`, n % 2 === 0 ? {} : { headers: { connection: "close" } });
        if (answer.status !== 200 || (await answer.text()) !== "ok") this.failures.push(String(answer.status));
      } catch (error) {
        this.failures.push(String(error));
      }
      this.times.push(performance.now() - began);
    };
    this.#running.push(
      (async () => {
        for (let n = 0; !this.#stopped; n++) {
          this.#running.push(one(n));
          await Bun.sleep(every);
        }
      })(),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (let i = 0; i < this.#running.length; i++) await this.#running[i];
  }

  percentile(p: number): number {
    const sorted = this.times.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0;
  }
}

/** All kinds at once against a gateway with so many open files: others are served, and each of them is gone in time. */
export async function slowloris({
  attackers,
  limits,
  openFiles,
  p99,
  print,
}: SlowlorisOptions): Promise<SlowlorisResult> {
  const problems: string[] = [];
  let passed = 0;
  const check = (holds: boolean, what: string): void => {
    print(`${holds ? "holds" : "FAILS"}: ${what}`);
    if (holds) passed++;
    else problems.push(what);
  };
  const pod = await startPod();
  const gateway = await start(pod.port, openFiles, limits === undefined ? {} : { limits });
  for (let i = 0; i < 100; i++) await (await gateway.fetch("/")).text();
  const idle = await rssOf(gateway.pid);
  const child = Bun.spawn(
    endingWithUs([
      "prlimit",
      "--nofile=20000:20000",
      process.execPath,
      join(import.meta.dir, "attackers.ts"),
      portText(gateway),
      JSON.stringify(attackers),
    ]),
    { stdout: "pipe", stderr: "inherit", stdin: "ignore" },
  );
  try {
    const bystanders = new Bystanders();
    let highest = idle;
    let now: Record<string, Attack> = {};
    void readLines(child.stdout, (line) => {
      now = JSON.parse(line) as Record<string, Attack>;
    });
    // In a short run their arrival would be most of it: others are timed once all are there.
    if (limits === undefined) bystanders.start(gateway.url, 20);
    const { head_timeout, keep_alive, body_window, write_stall } = limits ?? DEFAULTS;
    const within: Record<string, number> = {
      "half-heads": head_timeout,
      silent: keep_alive,
      uploads: 2 * body_window,
      readers: 2 * write_stall,
    };
    const total = Object.values(attackers).reduce((sum, count) => sum + count, 0);
    const seen = (): number =>
      Object.values(now).reduce((sum, { open, closed, refused }) => sum + open + closed + refused, 0);
    await until(() => seen() >= total, { timeout: 120_000, message: () => `all attackers to be there, ${seen()} are` });
    if (limits !== undefined) bystanders.start(gateway.url, 20);
    print(`all ${total} are there: ${JSON.stringify(now)}`);
    let admin = 0;
    const everyOneGone = async (): Promise<boolean> => {
      highest = Math.max(highest, await rssOf(gateway.pid));
      const began = performance.now();
      const [live, ready] = await Promise.all([gateway.admin("/healthz"), gateway.admin("/readyz")]);
      admin = Math.max(admin, performance.now() - began);
      if (live.status !== 200 || ready.status !== 200)
        problems.push(`probes answer ${live.status} and ${ready.status}`);
      return Object.values(now).every(({ open }) => open === 0);
    };
    const longest = Math.max(...Object.keys(attackers).map((kind) => within[kind]!));
    const gone = await until(everyOneGone, {
      timeout: longest + 60_000,
      interval: 250,
      message: "everyone to be gone",
    }).catch(() => false);
    await bystanders.stop();
    for (const [kind, { open, closed, refused, longest }] of Object.entries(now)) {
      const ms = Math.round(longest);
      const limit = within[kind]! + SLACK_MS;
      check(
        open === 0 && ms < limit,
        `${kind}: ${open} open, ${closed} closed, ${refused} refused, the longest lived ${ms} ms of ${limit}`,
      );
    }
    check(Boolean(gone), "everyone is gone");
    check(
      bystanders.failures.length === 0,
      `others: ${bystanders.times.length} requests, ${bystanders.failures.length} failed ${bystanders.failures.slice(0, 3)}`,
    );
    check(
      bystanders.percentile(99) < p99,
      `others: p50 ${bystanders.percentile(50).toFixed(1)} ms, p99 ${bystanders.percentile(99).toFixed(1)} ms of ${p99}`,
    );
    check(admin < 1000, `admin and probes answered within ${Math.round(admin)} ms`);
    check(highest - idle < MOST_MB * MB, `memory rose by ${Math.round((highest - idle) / MB)} MB of ${MOST_MB}`);
    const back = async (): Promise<boolean> => (await rssOf(gateway.pid)) - idle < LEFT_MB * MB;
    await until(back, { timeout: 30_000, interval: 500, message: "memory to come back" }).catch(() => {});
    check(await back(), `memory came back to ${Math.round(((await rssOf(gateway.pid)) - idle) / MB)} MB above idle`);
    return { passed, problems };
  } finally {
    child.kill();
    await child.exited;
    await gateway.stop();
    pod.stop();
  }
}

/** Silent clients hold all places: who has a request is served; where all have one under way, who comes last is refused. */
export async function atTheLimit(places: number, print: (line: string) => void): Promise<SlowlorisResult> {
  const problems: string[] = [];
  const pod = await startPod();
  const gateway = await start(pod.port, 4 * places + 1000, { limits: { connections: places } });
  const clients = [];
  const files = async (): Promise<number> => (await readdir(`/proc/${gateway.pid}/fd`)).length;
  try {
    const before = await files();
    for (let i = 0; i < places; i++) clients.push(await rawClient(Number(portText(gateway))));
    const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const asking = await Promise.all(
      Array.from({ length: places / 2 }, () => rawClient(Number(portText(gateway)), get)),
    );
    const answered = (): number => asking.filter((client) => client.received().endsWith("ok")).length;
    await until(() => answered() === asking.length, {
      timeout: 10_000,
      message: () => `${answered()} of ${asking.length} answered`,
    }).catch((error) => problems.push(`silent clients hold all places: ${error.message}`));
    print(`${answered()} of ${asking.length} new clients were served while ${places} silent ones held all places`);
    for (const client of [...clients.splice(0), ...asking]) client.socket.destroy();
    await until(async () => (await files()) < before + 10, { timeout: 20_000, message: "the places to be free again" });

    const upload = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";
    for (let i = 0; i < places; i++) clients.push(await rawClient(Number(portText(gateway)), upload));
    await until(() => pod.open() >= places, {
      timeout: 20_000,
      message: () => `${places} requests under way, ${pod.open()} are`,
    });
    const late = await rawClient(Number(portText(gateway)), get);
    await until(() => late.closed(), { timeout: 10_000, message: "one more to be refused" }).catch((error) =>
      problems.push(error.message),
    );
    const kept = clients.filter((client) => !client.closed()).length;
    if (kept < places) problems.push(`${places - kept} requests under way were ended for a new client`);
    print(
      `all places have a request: one more was ${late.closed() ? "refused" : "not refused"}, ${kept} of ${places} go on`,
    );
    const probes = await gateway.admin("/healthz");
    if (probes.status !== 200) problems.push(`the probe answers ${probes.status}`);
    return { passed: 3 - problems.length, problems };
  } finally {
    for (const client of clients) client.socket.destroy();
    await gateway.stop();
    pod.stop();
  }
}

const portText = (gateway: GatewayProcess): string => new URL(gateway.url).port;

function start(port: number, openFiles: number, server: object): Promise<GatewayProcess> {
  return startGateway({
    config: {
      server: { listen: "127.0.0.1:0", access_log: false, ...server },
      admin: { listen: "127.0.0.1:0" },
      routes: [
        {
          path: "/",
          nodes: [{ host: "127.0.0.1", port, weight: 1 }],
          timeouts: { response: 0 },
          health: { passive: false },
        },
      ],
    },
    prefix: ["prlimit", `--nofile=${openFiles}:${openFiles}`],
  });
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  let text = "";
  for await (const bytes of stream) {
    text += Buffer.from(bytes).toString();
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) take(line);
  }
}
