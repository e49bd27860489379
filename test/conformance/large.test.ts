import { afterAll, beforeAll, describe, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import { assertEquals } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { gatewayTo, portOf } from "./support.ts";

/** No two pieces of it are alike: one that is missing, comes twice or is written over changes the sum. */
const BODY = new Uint8Array(24_000_000);
for (let i = 0, seed = 1; i < BODY.length; i += 4) {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  BODY.set([seed & 255, (seed >> 8) & 255, (seed >> 16) & 255, seed >>> 24], i);
}
const SUM = createHash("sha256").update(BODY).digest("hex");
const FIXTURES = join(import.meta.dir, "../fixtures/tls");

/** How a client reads: as fast as it can, or with pauses, in which all buffers on the way fill. */
const READERS: Record<string, (stream: Readable) => void> = {
  "a fast client": () => {},
  "a slow client": (stream) => {
    let seen = 0;
    stream.on("data", (data: Uint8Array) => {
      seen += data.length;
      if (seen < 2_000_000) return;
      seen = 0;
      stream.pause();
      setTimeout(() => stream.resume(), 10);
    });
  },
};

let pod: Bun.Server<undefined>;
let plain: GatewayProcess;
let secure: GatewayProcess;
beforeAll(async () => {
  pod = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      if (request.url.endsWith("/length")) return new Response(BODY);
      let at = 0;
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(BODY.slice(at, at + 150_001));
            at += 150_001;
            if (at >= BODY.length) controller.close();
          },
        }),
      );
    },
  });
  const tls = { cert_file: join(FIXTURES, "server.crt"), key_file: join(FIXTURES, "server.key") };
  [plain, secure] = await Promise.all([gatewayTo([pod.port!]), gatewayTo([pod.port!], { server: { tls } })]);
});
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop(), pod.stop(true)]);
});

/** The sum of a body over HTTP/1.1, as its framing has it. */
function sumOver(socket: Socket, path: string, slow: (stream: Readable) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    socket.on("data", (data: Buffer) => parts.push(data));
    slow(socket);
    socket.on("error", reject);
    socket.on("end", () => {
      const all = Buffer.concat(parts);
      const end = all.indexOf("\r\n\r\n") + 4;
      const head = all.toString("latin1", 0, end).toLowerCase();
      const body = head.includes("transfer-encoding: chunked") ? unchunked(all, end) : all.subarray(end);
      resolve(createHash("sha256").update(body).digest("hex"));
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  });
}

function unchunked(all: Buffer, start: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = start; ; ) {
    const line = all.indexOf("\r\n", at);
    const size = Number.parseInt(all.toString("latin1", at, line), 16);
    if (!(size > 0)) return Buffer.concat(pieces);
    pieces.push(all.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

function sumOverHttp2(path: string, slow: (stream: Readable) => void): Promise<string> {
  const session = connectHttp2(`https://127.0.0.1:${portOf(secure)}`, { rejectUnauthorized: false });
  return new Promise<string>((resolve, reject) => {
    session.on("error", reject);
    const stream = session.request({ ":path": path });
    const sum = createHash("sha256");
    stream.on("data", (data: Uint8Array) => void sum.update(data));
    slow(stream);
    stream.on("error", reject);
    stream.on("end", () => resolve(sum.digest("hex")));
    stream.end();
  }).finally(() => session.close());
}

const WAYS: Record<string, (path: string, slow: (stream: Readable) => void) => Promise<string>> = {
  "HTTP/1.1": (path, slow) => sumOver(connect(portOf(plain), "127.0.0.1"), path, slow),
  TLS: (path, slow) =>
    sumOver(connectTls({ host: "127.0.0.1", port: portOf(secure), rejectUnauthorized: false }), path, slow),
  "HTTP/2": sumOverHttp2,
};

describe("a large answer", () => {
  for (const [way, sum] of Object.entries(WAYS)) {
    for (const [reader, slow] of Object.entries(READERS)) {
      test.each(["/length", "/chunks"])(
        `over ${way} reaches ${reader} byte for byte, several at once: %s`,
        async (path) => {
          const sums = await Promise.all(Array.from({ length: 4 }, () => sum(path, slow)));
          assertEquals(sums, [SUM, SUM, SUM, SUM]);
        },
      );
    }
  }
});
