import type { Clock } from "../clock.ts";
import type { ServerConfig } from "../config/schema.ts";
import type { Gateway } from "../gateway.ts";
import type { Handler, Host, ServerCertificate } from "../runtime/host.ts";
import { drainTraffic } from "./drain.ts";

/** Who takes a gateway's requests: a listener, or several in threads of their own. */
export interface Traffic {
  /** The port it really listens on. */
  readonly port: number;
  /** See `TlsListener.renew`. */
  renew(certificates: readonly ServerCertificate[]): void;
  /** The end of it: see `drainTraffic`. */
  drain(server: Pick<ServerConfig, "drain_delay" | "drain">): Promise<void>;
  /** Ends it at once, before anybody was served. */
  close(): void;
}

/** What listening needs. */
export interface TrafficOptions {
  readonly server: ServerConfig;
  readonly gateway: Gateway;
  readonly host: Host;
  /** Those of `server.tls`; empty: plain HTTP. */
  readonly certificates: readonly ServerCertificate[];
  /** Where others take requests too, and where a gateway that follows this one may listen before it ends. */
  readonly share: boolean;
  readonly clock: Clock;
}

/** Opens the gateway's address. Throws `ListenError`. */
export function openTraffic({ server, gateway, host, certificates, share, clock }: TrafficOptions): Traffic {
  const { listen, http2, http3 } = server;
  const handle =
    (scheme: "http" | "https"): Handler =>
    (request, peer, upgrade) =>
      gateway.handle(request, peer, scheme, upgrade);
  const tls =
    certificates.length === 0 ? undefined : host.listenTls(listen, handle("https"), { certificates, http2, http3 });
  const listener = tls ?? host.listen(listen, handle("http"), { share });
  return {
    port: listener.port,
    renew: (renewed) => tls?.renew(renewed),
    drain: (limits) => drainTraffic(gateway, listener, limits, clock),
    close: () => void listener.stop(0),
  };
}
