import type { Clock } from "../base/clock.ts";
import type { ServerConfig } from "../config/schema.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { alpnProtocols, createHttpServer } from "../http/server/http-server.ts";
import type { Host } from "../platform/host.ts";
import type { TlsStreamListener } from "../platform/listen.ts";
import type { ServerCertificate } from "../platform/tls.ts";
import { beginDrain } from "./drain.ts";
import { httpLimits } from "./http-limits.ts";

/** Who takes a gateway's requests: a listener, or several in threads of their own. */
export interface HttpListener {
  /** The port it really listens on. */
  readonly port: number;
  /** See `TlsStreamListener.renew`. */
  renew(certificates: readonly ServerCertificate[]): void;
  /** The end of it: `beginDrain`, then what is under way is finished within `drain`, and the rest ends politely. */
  drain(server: Pick<ServerConfig, "drain_delay" | "drain">): Promise<void>;
  /** Ends it at once, before any request was served. */
  close(): void;
}

/** One listener, whose end comes in two steps. */
export interface LocalHttpListener extends HttpListener {
  /** See `beginDrain` of drain.ts. */
  beginDrain(server: Pick<ServerConfig, "drain_delay">): Promise<void>;
  /** Other limits, from now on. */
  setLimits(server: Pick<ServerConfig, "limits">): void;
  /** Closes the port at once; resolves when all is over. */
  stop(server: Pick<ServerConfig, "drain">): Promise<void>;
}

/** What listening needs. */
export interface HttpListenerOptions {
  readonly server: ServerConfig;
  readonly gateway: Gateway;
  readonly host: Host;
  /** Those of `server.tls`; empty: plain HTTP. */
  readonly certificates: readonly ServerCertificate[];
  readonly clock: Clock;
  /** How many threads of the gateway listen. */
  readonly threads: number;
}

/**
 * Opens the gateway's address, which other threads may have too, and a gateway that follows this one. Rejects with
 * `ListenError`.
 */
export async function openHttpListener(options: HttpListenerOptions): Promise<LocalHttpListener> {
  const { server, gateway, host, certificates, clock, threads } = options;
  const { listen, http2, limits } = server;
  const scheme = certificates.length === 0 ? "http" : "https";
  const share = { openFiles: host.openFiles(), threads };
  let port: string | undefined;
  const http = createHttpServer({
    handler: (request, peer) => gateway.handle(request, peer, scheme, port),
    limits: httpLimits(server, share),
    http2,
    clock,
    random: Math.random,
    refuse: (refusal) => gateway.refuseRequest(refusal, scheme),
    failed: gateway.failRequest,
    onRefused: gateway.countRefused,
  });
  const secure = { share: true, protocols: alpnProtocols(http2), handshakeTimeout: limits.head_timeout };
  const tls: TlsStreamListener | undefined =
    scheme === "https" ? await host.listenStreamTls(listen, http.handlers, certificates, secure) : undefined;
  const listener = tls ?? (await host.listenStream(listen, http.handlers, { share: true }));
  port = String(listener.port);
  const begin: LocalHttpListener["beginDrain"] = (delay) => beginDrain(gateway, delay, clock);
  const stop: LocalHttpListener["stop"] = async ({ drain }) => {
    listener.close();
    await http.stop(drain, gateway.cutOff);
  };
  return {
    port: listener.port,
    renew: (renewed) => tls?.renew(renewed),
    setLimits: (changed) => http.setLimits(httpLimits(changed, share)),
    beginDrain: begin,
    stop,
    async drain(ends) {
      await begin(ends);
      await stop(ends);
    },
    close() {
      listener.close();
      void http.stop(0);
    },
  };
}
