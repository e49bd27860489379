import type { SocketAddress } from "../base/addresses.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { requestOf } from "../http/fetch/message.ts";
import type { HttpAnswer, HttpHandler } from "../http/message.ts";
import { type ProblemCode, problem } from "../http/problem.ts";
import { createHttpServer, type HttpLimits } from "../http/server/http-server.ts";
import type { Host } from "../platform/host.ts";
import type { Listener, ListenOptions } from "../platform/listen.ts";

/**
 * Limits of what is no traffic: few clients with small requests. They are its own, so that it answers whatever happens on
 * the gateway's address.
 */
const LIMITS: HttpLimits = {
  ...{ head_timeout: 10_000, keep_alive: 75_000, write_stall: 60_000, body_rate: 128, body_window: 30_000 },
  ...{ connections: 200, connections_per_client: 0, requests: 0, streams: 100, buffer_bytes: 33_554_432 },
  // `explain` asks about targets that are too long for the gateway, percent-encoded within one of its own.
  ...{ header_bytes: 16_384, headers: 100, url_bytes: 65_536 },
};

/** What serving a handler of the fetch standard needs. */
export interface FetchListenerOptions extends ListenOptions {
  readonly host: Pick<Host, "listenStream">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Others than those of what is no traffic. */
  readonly limits?: Partial<HttpLimits> | undefined;
}

/** Serves plain HTTP/1 with a handler of the fetch standard. Rejects with `ListenError`. */
export async function listenFetch(
  address: SocketAddress,
  handler: (request: Request, peer: string) => HttpAnswer | Promise<HttpAnswer>,
  { host, clock, logger, limits, share }: FetchListenerOptions,
): Promise<Listener> {
  const problemOf = (code: ProblemCode, detail: string, head: boolean, status?: number): HttpAnswer =>
    problem(code, detail, { head, status });
  const serve: HttpHandler = (request, peer) => {
    const authority = request.authority ?? request.headers.get("host") ?? "";
    let asked: Request;
    try {
      asked = requestOf(request, `http://${authority === "" ? "localhost" : authority}`);
    } catch {
      return problemOf("bad_request", "The request cannot be read", request.method === "HEAD");
    }
    return handler(asked, peer);
  };
  const server = createHttpServer({
    handler: serve,
    limits: { ...LIMITS, ...limits },
    http2: false,
    clock,
    random: Math.random,
    refuse: ({ problem: code, detail, method, status }) => problemOf(code, detail, method === "HEAD", status),
    failed(error, request) {
      logger.log("error", "Unforeseen error", { stack: error instanceof Error ? error.stack : String(error) });
      return problemOf("internal", "The request could not be handled", request?.method === "HEAD");
    },
    onRefused: (reason) => logger.log("debug", "A connection was refused or ended", { reason }),
  });
  const listener = await host.listenStream(address, server.handlers, { share });
  return {
    port: listener.port,
    async stop(timeout, farewell) {
      listener.close();
      await server.stop(timeout, farewell);
    },
  };
}
