import { systemClock } from "../../src/base/clock.ts";
import { Http2ServerConnection } from "../../src/http/http2/server-connection.ts";
import type { Http2ServerOptions } from "../../src/http/http2/server-options.ts";
import type { HttpHandler } from "../../src/http/message.ts";
import { problem } from "../../src/http/problem.ts";
import { listenBunStream } from "../../src/platform/bun/streams.ts";
import type { StreamHandlers } from "../../src/platform/listen.ts";
import { listenStreamTls } from "../../src/platform/node/streams.ts";

/** An HTTP/2 server of our own on a port of this machine, with nothing around it. */
export interface Http2Server {
  readonly port: number;
  readonly connections: ReadonlySet<Http2ServerConnection>;
  /** What its handler threw, or could not be written. */
  readonly failures: unknown[];
  /** Why connections were broken off. */
  readonly broken: string[];
  stop(): void;
}

/** Listens, by prior knowledge or with TLS. */
export async function serveHttp2(
  handler: HttpHandler,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Http2Server> {
  const connections = new Set<Http2ServerConnection>();
  const failures: unknown[] = [];
  const broken: string[] = [];
  const options: Http2ServerOptions = {
    handler,
    limits: {
      header_bytes: 32_768,
      headers: 100,
      url_bytes: 8192,
      streams: 100,
      body_rate: 0,
      body_window: 0,
      write_stall: 0,
    },
    clock: systemClock,
    random: Math.random,
    refuse: ({ problem: code, detail, method, status }) => problem(code, detail, { status, head: method === "HEAD" }),
    failed(error) {
      failures.push(error);
      return problem("internal", String(error));
    },
    closed: (connection) => void connections.delete(connection),
    broken: (_, _code, why) => void broken.push(why),
  };
  const handlers: StreamHandlers = {
    connection: (socket) => void connections.add(new Http2ServerConnection(socket, options)),
    admits: () => true,
    refused: (error) => void broken.push(error.message),
  };
  const at = { host: "127.0.0.1", port: 0 };
  const listener =
    tls === undefined
      ? await listenBunStream(at, handlers)
      : await listenStreamTls(at, handlers, [{ ...tls, names: ["localhost"] }], { protocols: ["h2"] });
  return {
    port: listener.port,
    connections,
    failures,
    broken,
    stop() {
      listener.close();
      for (const connection of [...connections]) connection.close();
    },
  };
}
