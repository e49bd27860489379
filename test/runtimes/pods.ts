import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { systemClock } from "../../src/base/clock.ts";
import { createEchoPod } from "../../src/demo/echo-pod.ts";
import { bunHost } from "../../src/platform/bun/host.ts";
import { listenFetch } from "../../src/server/fetch-listener.ts";

/** What `/text` says, whatever coding it comes in. */
export const TEXT: string = "All pods are equal. ".repeat(200);

/** Each coding as `/text/NAME` sends it. */
export const CODED: Readonly<Record<string, Uint8Array>> = {
  identity: Buffer.from(TEXT),
  gzip: gzipSync(TEXT),
  br: brotliCompressSync(TEXT),
  zstd: zstdCompressSync(TEXT),
  deflate: deflateSync(TEXT),
};

/** `/large` sends this many bytes. */
export const LARGE = 8 * 1024 * 1024;

/** A request as a pod read it off the wire. */
export interface Seen {
  readonly pod: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Two pods on one port, and what the suite does to them while a request is under way. */
export interface Pods extends AsyncDisposable {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Answers only WebSockets (`/ws`), at the first address. */
  readonly socketPort: number;
  /** Lets `/sse` send its second event. */
  release(): void;
  /** What `/upload` has got so far, in bytes. */
  uploaded(): number;
  /** How often a client left `/sse` before its end. */
  left(): number;
}

/** Starts them. They are node:http, which keeps request targets and headers as they came. */
export async function startPods(): Promise<Pods> {
  const waiting: (() => void)[] = [];
  let uploaded = 0;
  let left = 0;

  const seen = (pod: string, request: IncomingMessage): Seen => ({
    pod,
    method: request.method ?? "",
    target: request.url ?? "",
    headers: request.headers as Record<string, string>,
  });

  async function answer(pod: string, request: IncomingMessage, out: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0]!;
    const [, first, second] = path.split("/");
    switch (first) {
      case "text": {
        const body = CODED[second ?? ""] ?? CODED.identity!;
        const coding = second === "identity" ? {} : { "content-encoding": second };
        out.writeHead(200, { "content-type": "text/plain", "content-length": body.length, ...coding });
        out.end(request.method === "HEAD" ? undefined : body);
        return;
      }
      case "sse":
        out.writeHead(200, { "content-type": "text/event-stream" });
        out.write("data: 1\n\n");
        out.on("close", () => {
          if (!out.writableEnded) left++;
        });
        waiting.push(() => out.end("data: 2\n\n"));
        return;
      case "upload": {
        uploaded = 0;
        for await (const chunk of request) uploaded += (chunk as Buffer).length;
        out.end(String(uploaded));
        return;
      }
      case "large":
        out.writeHead(200, { "content-type": "application/octet-stream" });
        for (let sent = 0; sent < LARGE; sent += 65_536) {
          if (!out.write(Buffer.alloc(65_536, sent / 65_536))) await once(out, "drain");
        }
        out.end();
        return;
      case "cookies":
        out.writeHead(200, {
          "set-cookie": ["a=1; Path=/", "b=2; HttpOnly", "c=3; Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
        });
        out.end();
        return;
      case "hops":
        out.writeHead(200, {
          connection: "close, x-named",
          "x-named": "1",
          "keep-alive": "timeout=1",
          "proxy-authenticate": "Basic",
        });
        out.end();
        return;
      case "status":
        out.writeHead(Number(second), second === "302" ? { location: "http://elsewhere.test/a?b" } : { etag: '"1"' });
        out.end();
        return;
      case "slow":
        return;
      default:
        out.writeHead(200, { "content-type": "application/json" });
        out.end(JSON.stringify(seen(pod, request)));
    }
  }

  const listen = async (pod: string, address: string, port: number) => {
    const server = createServer((request, out) => void answer(pod, request, out).catch(() => out.destroy()));
    server.listen(port, address);
    await once(server, "listening");
    return server;
  };
  const addresses = ["127.0.0.2", "127.0.0.3"];
  const first = await listen("pod-1", addresses[0]!, 0);
  const { port } = first.address() as AddressInfo;
  const servers = [first, await listen("pod-2", addresses[1]!, port)];
  const sockets = await listenFetch(
    { host: addresses[0]!, port: 0 },
    createEchoPod({ pod: "pod-1", clock: systemClock }),
    { host: bunHost, clock: systemClock, logger: { log: () => {} } },
  );
  return {
    addresses,
    port,
    socketPort: sockets.port,
    release: () => {
      for (const go of waiting.splice(0)) go();
    },
    uploaded: () => uploaded,
    left: () => left,
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await sockets.stop(0);
    },
  };
}
