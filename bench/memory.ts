/**
 * What the gateway's memory does: through an upload and a download of 2 GB, through a million requests, and with 10,000
 * idle connections. All figures are resident memory of its process, as Linux counts it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./lib/process.ts";
import { wrk } from "./lib/wrk.ts";

const BYTES = 2 * 1024 ** 3;
/** Megabytes that a transfer may take above the idle process. */
const TRANSFER_LIMIT = 40;
const REQUESTS = 1_000_000;
/** Requests after which the process has what it needs; from then on it should not grow. */
const SETTLED = 200_000;
/** Megabytes that settled memory may still move up: the collector's own rhythm. */
const FLAT_LIMIT = 16;
/** Idle connections, and the kilobytes that each may take. */
const IDLE = 9800;
const IDLE_KB = 8;
/** Processes that hold them, each with an address of its own. */
const HOLDERS = 4;
/** For the collector to come by, milliseconds. */
const SETTLE_MS = 5000;
const PIECE = Buffer.alloc(65_536, "x");

interface Measured {
  readonly what: string;
  /** Megabytes above idle. */
  readonly above: number;
  readonly limit: number;
  readonly seconds: number;
}

/** A gateway process whose memory can be read, and how much of it there ever was. */
interface Gateway {
  readonly port: number;
  rss(): number;
  /** The highest since the last call. */
  peak(): number;
  stop(): Promise<void>;
}

async function startGateway(podPort: number): Promise<Gateway> {
  const port = await freePort();
  const file = join(tmpdir(), `podway-memory-${process.pid}.json`);
  const server = { listen: `127.0.0.1:${port}`, access_log: false };
  const routes = [{ path: "/", nodes: [{ host: "127.0.0.1", port: podPort, weight: 1 }] }];
  writeFileSync(file, JSON.stringify({ server, admin: false, routes }));
  const main = join(import.meta.dir, "../src/main.ts");
  const child = Bun.spawn([process.execPath, main, "--config", file], {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  const status = (field: string): number => {
    const text = readFileSync(`/proc/${child.pid}/status`, "utf8");
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1]) / 1024;
  };
  return {
    port,
    rss: () => status("VmRSS"),
    peak() {
      const highest = status("VmHWM");
      // 5 resets the high-water mark (proc(5), clear_refs).
      writeFileSync(`/proc/${child.pid}/clear_refs`, "5");
      return highest;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Sends so many bytes, as fast as the other end takes them. */
function pour(socket: Socket, bytes: number): void {
  let left = bytes;
  const write = (): void => {
    while (left > 0) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
  };
  socket.on("drain", write);
  write();
}

/** A pod: GET /large is a download of 2 GB, another GET a greeting; POST reads all it is sent. It is its client's process. */
async function startPod(): Promise<{ port: number; stop(): void }> {
  const server = createServer((socket) => {
    let missing = 0;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (missing === 0) {
        const head = data.indexOf("\r\n\r\n");
        const text = data.toString("latin1", 0, head);
        if (text.startsWith("GET /large ")) {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${BYTES}\r\n\r\n`);
          pour(socket, BYTES);
          return;
        }
        if (text.startsWith("POST ")) missing = BYTES + head + 4;
        else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello world\n");
      }
      if (missing === 0) return;
      missing -= data.length;
      if (missing === 0) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { port, stop: () => server.close() };
}

/** Sends a request and reads until so many bytes of an answer came. */
function exchange(port: number, head: string, body: number, answer: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(port, "127.0.0.1");
  let read = 0;
  socket.on("data", (data) => {
    if (read === 0 && !data.toString("latin1", 0, 12).startsWith("HTTP/1.1 200")) {
      reject(new Error(data.toString("latin1", 0, 200)));
    }
    read += data.length;
    if (read < answer) return;
    socket.destroy();
    resolve();
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error(`The connection ended after ${read} bytes`)));
  socket.write(head);
  pour(socket, body);
  return promise;
}

async function transfers(): Promise<{ idle: number; measured: Measured[] }> {
  const pod = await startPod();
  const gateway = await startGateway(pod.port);
  try {
    await exchange(gateway.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 12);
    const idle = gateway.rss();
    const measured: Measured[] = [];
    for (const [what, head, body, answer] of [
      ["upload of 2 GB", `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BYTES}\r\n\r\n`, BYTES, 1],
      ["download of 2 GB", "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", 0, BYTES],
    ] as const) {
      gateway.peak();
      const began = performance.now();
      await exchange(gateway.port, head, body, answer);
      const seconds = (performance.now() - began) / 1000;
      measured.push({ what, above: gateway.peak() - idle, limit: TRANSFER_LIMIT, seconds });
    }
    return { idle, measured };
  } finally {
    await gateway.stop();
    pod.stop();
  }
}

async function requests(): Promise<Measured & { samples: { requests: number; rss: number }[] }> {
  const backend = await freePort();
  const pod = Bun.spawn([process.execPath, join(import.meta.dir, "lib/backend.ts"), String(backend)]);
  const gateway = await startGateway(backend);
  const samples: { requests: number; rss: number }[] = [];
  try {
    const began = performance.now();
    for (let sent = 0; sent < REQUESTS; ) {
      const load = await wrk({ url: `http://127.0.0.1:${gateway.port}/x`, seconds: 5, connections: 32 });
      if (load.errors > 0 || load.requests === 0) throw new Error(`${load.errors} of ${load.requests} requests failed`);
      sent += load.requests;
      samples.push({ requests: sent, rss: gateway.rss() });
    }
    const seconds = (performance.now() - began) / 1000;
    const settled = samples.find((sample) => sample.requests >= SETTLED)!;
    const above = samples.at(-1)!.rss - settled.rss;
    return { what: "requests 200,000 to 1,000,000", above, limit: FLAT_LIMIT, seconds, samples };
  } finally {
    await gateway.stop();
    pod.kill();
  }
}

/** Connections that have been used once, and wait. */
async function idle(): Promise<Measured> {
  const pod = await startPod();
  const gateway = await startGateway(pod.port);
  const holders: Bun.Subprocess<"ignore", "pipe", "inherit">[] = [];
  try {
    await wrk({ url: `http://127.0.0.1:${gateway.port}/x`, seconds: 5, connections: 64 });
    await Bun.sleep(SETTLE_MS);
    const before = gateway.rss();
    const began = performance.now();
    for (let i = 0; i < HOLDERS; i++) {
      const holder = [join(import.meta.dir, "lib/idle.ts"), String(gateway.port), String(IDLE / HOLDERS)];
      const command = [process.execPath, ...holder, `127.0.0.${i + 2}`];
      holders.push(Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" }));
    }
    for (const holder of holders) {
      const { done } = await holder.stdout.getReader().read();
      if (done) throw new Error("Not all connections could be made: `ulimit -n` may be too low");
    }
    await Bun.sleep(SETTLE_MS);
    const seconds = (performance.now() - began) / 1000;
    const limit = (IDLE * IDLE_KB) / 1024;
    return { what: `${IDLE.toLocaleString("en")} idle connections`, above: gateway.rss() - before, limit, seconds };
  } finally {
    for (const holder of holders) holder.kill();
    await gateway.stop();
    pod.stop();
  }
}

/** Runs the benchmark; false when memory grew beyond a limit. */
export async function run({ json }: { readonly json: boolean }): Promise<boolean> {
  if (Bun.which("wrk") === null) throw new Error("wrk is not installed: it makes the load");
  const { idle: alone, measured } = await transfers();
  const waiting = await idle();
  const million = await requests();
  const rows = [...measured, waiting, million];
  const kept = rows.every(({ above, limit }) => above <= limit);
  if (json) {
    process.stdout.write(`${JSON.stringify({ bench: "memory", kept, idle: alone, rows })}\n`);
    return kept;
  }
  process.stdout.write(`idle: ${alone.toFixed(0)} MB\n`);
  for (const { what, above, limit, seconds } of rows) {
    process.stdout.write(
      `${what.padEnd(32)} ${above.toFixed(0).padStart(4)} MB more, at most ${limit.toFixed(0)} are promised`,
    );
    process.stdout.write(` (${seconds.toFixed(1)} s)\n`);
  }
  const course = million.samples.map(({ rss }) => rss.toFixed(0)).join(" ");
  process.stdout.write(`resident MB, every 5 s of the requests: ${course}\n`);
  return kept;
}
