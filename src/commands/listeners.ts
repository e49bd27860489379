import type { Config } from "../config/schema.ts";
import type { Gateway } from "../gateway.ts";
import type { ProcessMetrics } from "../observe/process-metrics.ts";
import { httpsRedirect } from "../routing/https-redirect.ts";
import {
  type Handler,
  type Host,
  type Listener,
  type ServerCertificate,
  shownAuthority,
  type TlsListener,
} from "../runtime/host.ts";
import { openAdmin } from "./admin-listener.ts";

/** The listeners of one gateway. */
export interface Listeners {
  /** How a client on this machine reaches the gateway. */
  readonly url: string;
  /** The same for the admin API; undefined where it is switched off. */
  readonly adminUrl: string | undefined;
  /** Where `server.tls` is set. */
  readonly tls: TlsListener | undefined;
  /** Stops taking requests; resolves when the last one is answered, or after `timeout` ms. */
  stopTraffic(timeout: number): Promise<void>;
  stopAdmin(): Promise<void>;
}

/** What listening needs. */
export interface ListenersOptions {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly host: Host;
  /** Those of `server.tls`; empty: plain HTTP. */
  readonly certificates: readonly ServerCertificate[];
  /** For the admin API's `/metrics`. */
  processMetrics(): Promise<ProcessMetrics>;
}

/** Opens the gateway's address, the redirecting one and the admin's, as the config has them: all or none. */
export function openListeners(options: ListenersOptions): Listeners {
  const { config, gateway, host, certificates, processMetrics } = options;
  const { server, admin } = config;
  const open: Listener[] = [];
  const opened = <L extends Listener>(listener: L): L => {
    open.push(listener);
    return listener;
  };
  const handle =
    (scheme: "http" | "https"): Handler =>
    (request, peer, upgrade) =>
      gateway.handle(request, peer, scheme, upgrade);
  try {
    const { listen, http2, http3, redirect_http } = server;
    const tls =
      certificates.length === 0
        ? undefined
        : opened(host.listenTls(listen, handle("https"), { certificates, http2, http3 }));
    const traffic = tls ?? opened(host.listen(listen, handle("http")));
    const redirect =
      redirect_http === undefined
        ? undefined
        : opened(
            host.listen(
              { host: listen.host, port: redirect_http },
              httpsRedirect({ http: redirect_http, https: traffic.port }),
            ),
          );
    const adminListener = admin === false ? undefined : opened(openAdmin(admin, { gateway, host, processMetrics }));
    return {
      url: `${tls === undefined ? "http" : "https"}://${shownAuthority(listen.host, traffic.port)}`,
      adminUrl:
        admin === false || adminListener === undefined
          ? undefined
          : `http://${shownAuthority(admin.listen.host, adminListener.port)}`,
      tls,
      async stopTraffic(timeout) {
        await Promise.all([traffic.stop(timeout), redirect?.stop(0)]);
      },
      stopAdmin: async () => adminListener?.stop(0),
    };
  } catch (error) {
    for (const listener of open) void listener.stop(0);
    throw error;
  }
}
