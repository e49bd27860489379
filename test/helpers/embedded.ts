import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../src/base/clock.ts";
import type { ApiserverOptions } from "../../src/demo/apiserver.ts";
import { createFaultyApiserver, type FaultyApiserver } from "./apiserver-faults.ts";
import { seededRandom } from "./random.ts";

/** An embedded apiserver for tests: the machine's clock and a fixed random unless given. */
export const embedded = (options: Partial<ApiserverOptions> = {}): FaultyApiserver =>
  createFaultyApiserver({ clock: systemClock, random: seededRandom(), ...options });

/** An embedded apiserver behind a real listener on loopback. */
export interface ServedApiserver extends AsyncDisposable {
  readonly api: FaultyApiserver;
  /** `http://HOST:PORT` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Sends an answer; a body that fails closes the connection in the middle. */
async function send(answer: Response, out: ServerResponse): Promise<void> {
  out.writeHead(answer.status, Object.fromEntries(answer.headers));
  out.flushHeaders();
  const reader = answer.body?.getReader();
  out.on("close", () => void reader?.cancel().catch(() => {}));
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    if (!out.write(part.value)) await once(out, "drain");
  }
  out.end();
}

/**
 * Starts one on a free port (or the given one). It is `node:http` because that can hang up, before an answer and within
 * it: a dropped request loses its connection without a byte.
 */
export async function serveEmbedded(
  options: Partial<ApiserverOptions> = {},
  port = 0,
  host = "127.0.0.1",
): Promise<ServedApiserver> {
  const api = embedded(options);
  const server = createServer(async (request, out) => {
    const gone = new AbortController();
    out.on("close", () => gone.abort(new DOMException("The client is gone", "AbortError")));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const hasBody = request.method !== "GET" && request.method !== "HEAD" && chunks.length > 0;
      const url = `http://${request.headers.host}${request.url}`;
      const headers = request.headers as Record<string, string>;
      const init = { method: request.method!, headers, signal: gone.signal };
      await send(await api.fetch(new Request(url, hasBody ? { ...init, body: Buffer.concat(chunks) } : init)), out);
    } catch {
      request.socket.destroy();
    }
  });
  server.listen(port, host);
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    api.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const bound = (server.address() as AddressInfo).port;
  return { api, url: `http://${host}:${bound}`, stop, [Symbol.asyncDispose]: stop };
}

/** The server does not tell its version: nobody then asks it for lists as streams. Returns what takes that back. */
export const listsByPages = (api: FaultyApiserver): (() => void) =>
  api.faults.add({ match: ({ path }) => path === "/version", effect: { kind: "status", code: 404 } });
