import { mkdtempSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, freePort, startListening } from "./lib/process.ts";
import { step } from "./lib/progress.ts";

/** One run of a case through one proxy. */
interface Figure {
  readonly perSecond: number;
  /** CPU of the proxy in microseconds for each megabyte, connection or round trip. */
  readonly micros: number;
}

interface Case {
  readonly name: string;
  readonly unit: string;
  /** Resolves with how many units were done. */
  readonly load: (port: number) => Promise<number>;
}

interface Peer {
  readonly name: string;
  readonly child: Child;
}

const MEGABYTE = Buffer.alloc(1 << 20);
const here = import.meta.dir;

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });

/** Sends so many megabytes over one connection; all of them have arrived when it resolves. */
async function bulk(port: number, megabytes: number): Promise<number> {
  const socket = await connected(port);
  let answer = "";
  socket.on("data", (bytes) => {
    answer += bytes;
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  for (let sent = 0; sent < megabytes; sent++) {
    if (!socket.write(MEGABYTE)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end();
  await closed;
  if (Number(answer) !== megabytes << 20) throw new Error(`${answer} bytes of ${megabytes << 20} arrived`);
  return megabytes;
}

/** One byte and its answer over a connection. */
const trip = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    const lost = (): void => reject(new Error("a connection was lost"));
    socket.once("close", lost);
    socket.once("data", () => {
      socket.off("close", lost);
      resolve();
    });
    socket.write("p");
  });

/** Connections one after the other, in 8 rows, each for one byte and its answer. */
async function connections(port: number, count: number): Promise<number> {
  const row = async (): Promise<void> => {
    for (let done = 0; done < count / 8; done++) {
      const socket = await connected(port);
      await trip(socket);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 8 }, row));
  return count;
}

/** Round trips of one byte over 8 connections. */
async function pings(port: number, count: number): Promise<number> {
  const row = async (): Promise<void> => {
    const socket = await connected(port);
    for (let done = 0; done < count / 8; done++) await trip(socket);
    socket.destroy();
  };
  await Promise.all(Array.from({ length: 8 }, row));
  return count;
}

const CASES: readonly Case[] = [
  { name: "one bulk transfer", unit: "MB", load: (port) => bulk(port, 512) },
  { name: "connections", unit: "connection", load: (port) => connections(port, 2000) },
  { name: "round trips", unit: "round trip", load: (port) => pings(port, 8000) },
];

function write(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), name);
  writeFileSync(path, text);
  return path;
}

async function podway(name: string, program: readonly string[], backend: number): Promise<Peer> {
  const [port, http] = [await freePort(), await freePort()];
  const config = {
    server: { listen: `127.0.0.1:${http}`, access_log: false, log_level: "error" },
    admin: false,
    streams: [{ listen: `127.0.0.1:${port}`, nodes: [{ host: "127.0.0.1", port: backend }] }],
  };
  const file = write("gateway.yaml", JSON.stringify(config));
  return { name, child: await startListening([...program, "--config", file], port) };
}

async function haproxy(backend: number): Promise<Peer> {
  const port = await freePort();
  const limits = ["timeout connect 2s", "timeout client 60s", "timeout server 60s"];
  const text = `global
  nbthread 1
defaults
  mode tcp
  ${limits.join("\n  ")}
listen bench
  bind 127.0.0.1:${port}
  server pod 127.0.0.1:${backend}
`;
  return { name: "haproxy", child: await startListening(["haproxy", "-db", "-f", write("haproxy.cfg", text)], port) };
}

const NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

async function nginx(backend: number): Promise<Peer> {
  const port = await freePort();
  const text = `load_module ${NGINX_MODULE};
worker_processes 1; daemon off; error_log /dev/null; pid ${write("nginx.pid", "")};
events { worker_connections 4096; }
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${backend}; proxy_half_close on; } }
`;
  return { name: "nginx", child: await startListening(["nginx", "-c", write("nginx.conf", text)], port) };
}

async function startPeers(backend: number): Promise<Peer[]> {
  const main = join(here, "../src/main.ts");
  const deno = join(here, "../node_modules/deno/deno");
  const config = join(here, "../deno.json");
  const denoRun = [deno, "run", "--config", config, "--allow-net", "--allow-env", "--allow-read", "--allow-sys"];
  const peers = [podway("podway", ["bun", main], backend)];
  if (await Bun.file(deno).exists()) {
    peers.push(podway("podway on Deno", [...denoRun, join(here, "../src/deno.ts")], backend));
  }
  if (Bun.which("haproxy") !== null) peers.push(haproxy(backend));
  if (Bun.which("nginx") !== null && (await Bun.file(NGINX_MODULE).exists())) peers.push(nginx(backend));
  return Promise.all(peers);
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

async function once({ child }: Peer, { load }: Case): Promise<Figure> {
  const [cpu, started] = [child.cpu(), performance.now()];
  const units = await load(child.port);
  const seconds = (performance.now() - started) / 1000;
  return { perSecond: units / seconds, micros: ((child.cpu() - cpu) * 1e6) / units };
}

/** Streams beside haproxy and nginx, each with one thread: medians of interleaved rounds, in less than a minute. */
export async function run({ json, quick }: { json: boolean; quick: boolean }): Promise<boolean> {
  const rounds = Number(process.env.BENCH_ROUNDS ?? (quick ? 1 : 3));
  const backendPort = await freePort();
  const backend = await startListening(["bun", join(here, "lib/stream-sink.ts"), String(backendPort)], backendPort);
  const peers = await startPeers(backendPort);
  try {
    const results = [];
    for (const one of CASES) {
      step(one.name);
      const figures = new Map(peers.map((peer) => [peer, [] as Figure[]]));
      // The first round only warms up.
      for (let round = -1; round < rounds; round++) {
        for (const peer of peers) {
          const figure = await once(peer, one);
          if (round >= 0) figures.get(peer)!.push(figure);
        }
      }
      const [first] = figures.values();
      const rows = [...figures].map(([{ name, child }, of]) => ({
        name,
        perSecond: median(of.map(({ perSecond }) => perSecond)),
        micros: median(of.map(({ micros }) => micros)),
        /** CPU of podway on Bun to this one's, round by round. */
        podwayCosts: median(of.map(({ micros }, round) => first![round]!.micros / micros)),
        rss: child.rss(),
      }));
      results.push({ case: one.name, unit: one.unit, rounds, rows });
    }
    if (json) process.stdout.write(`${JSON.stringify({ bench: "streams", results })}\n`);
    else for (const result of results) print(result);
    return true;
  } finally {
    await Promise.all([...peers.map(({ child }) => child.stop()), backend.stop()]);
  }
}

function print({
  case: name,
  unit,
  rounds,
  rows,
}: {
  case: string;
  unit: string;
  rounds: number;
  rows: readonly Row[];
}) {
  process.stdout.write(`\n${name}; medians of ${rounds} rounds\n`);
  line(["proxy", `CPU us/${unit}`, "podway costs", `${unit}s/s`, "MB"]);
  for (const { name, micros, podwayCosts, perSecond, rss } of rows) {
    line([name, micros.toFixed(1), `${podwayCosts.toFixed(2)} x`, perSecond.toFixed(0), rss.toFixed(0)]);
  }
}

interface Row extends Figure {
  readonly name: string;
  readonly podwayCosts: number;
  readonly rss: number;
}

function line([name, ...columns]: string[]): void {
  process.stdout.write(`${name!.padEnd(18)}${columns.map((column) => column.padStart(20)).join("")}\n`);
}
