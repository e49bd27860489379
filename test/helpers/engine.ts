import { systemClock } from "../../src/base/clock.ts";
import { ServerConnection } from "../../src/http/http1/server-connection.ts";
import { ServerContext } from "../../src/http/http1/server-context.ts";
import type { HttpAnswer, HttpHandler } from "../../src/http/message.ts";
import { problem } from "../../src/http/problem.ts";
import { BunSocket, bunSocketHandlers } from "../../src/platform/bun/socket.ts";

/** An HTTP/1.1 server of our own, on a port of this machine. It waits for its clients for ever. */
export interface EngineServer {
  readonly port: number;
  /** Connections there are. */
  open(): number;
  /** What its handler threw, or could not be written. */
  readonly failures: unknown[];
  stop(): void;
}

/** Listens with the engine and nothing around it. */
export function serveEngine(handler: HttpHandler, limits: { headers?: number } = {}): EngineServer {
  const connections = new Set<ServerConnection>();
  const failures: unknown[] = [];
  const context = new ServerContext({
    handler,
    limits: { header_bytes: 32_768, headers: 1000, url_bytes: 65_536, ...limits },
    clock: systemClock,
    refuse: ({ problem: code, detail, method, status }): HttpAnswer =>
      problem(code, detail, { status, head: method === "HEAD" }),
    failed(error) {
      failures.push(error);
      return problem("internal", String(error));
    },
    closed: (connection) => void connections.delete(connection),
  });
  const listener = Bun.listen<BunSocket>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      ...bunSocketHandlers,
      open(socket) {
        socket.data = new BunSocket(socket);
        socket.pause();
        socket.setNoDelay(true);
        connections.add(new ServerConnection(socket.data, context));
      },
    },
  });
  return {
    port: listener.port,
    open: () => connections.size,
    failures,
    stop() {
      listener.stop(true);
      for (const connection of connections) connection.close();
    },
  };
}
