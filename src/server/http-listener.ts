import type { Clock } from "../base/clock.ts";
import type { ServerConfig } from "../config/schema.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { fetchAnswer } from "../http/fetch/answer.ts";
import type { Host } from "../platform/host.ts";
import type { Handler } from "../platform/listen.ts";
import type { ServerCertificate } from "../platform/tls.ts";
import { beginDrain } from "./drain.ts";

/** Who takes a gateway's requests: a listener, or several in threads of their own. */
export interface HttpListener {
  /** The port it really listens on. */
  readonly port: number;
  /** See `TlsListener.renew`. */
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
}

/**
 * Opens the gateway's address, which other threads may have too, and a gateway that follows this one. Throws
 * `ListenError`.
 */
export function openHttpListener({
  server,
  gateway,
  host,
  certificates,
  clock,
}: HttpListenerOptions): LocalHttpListener {
  const { listen, http2, http3 } = server;
  let port: string | undefined;
  const handle =
    (scheme: "http" | "https"): Handler =>
    (request, peer, upgrade) => {
      const answer = gateway.handle(request, peer, scheme, port, upgrade);
      if (!(answer instanceof Promise)) return fetchAnswer(request, answer);
      return answer.then((settled) => fetchAnswer(request, settled));
    };
  const tls =
    certificates.length === 0 ? undefined : host.listenTls(listen, handle("https"), { certificates, http2, http3 });
  const listener = tls ?? host.listen(listen, handle("http"), { share: true });
  port = String(listener.port);
  const begin: LocalHttpListener["beginDrain"] = (limits) => beginDrain(gateway, limits, clock);
  const stop: LocalHttpListener["stop"] = ({ drain }) => listener.stop(drain, gateway.cutOff);
  return {
    port: listener.port,
    renew: (renewed) => tls?.renew(renewed),
    beginDrain: begin,
    stop,
    async drain(limits) {
      await begin(limits);
      await stop(limits);
    },
    close: () => void listener.stop(0),
  };
}
