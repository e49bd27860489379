import type { ConfigInForce } from "../admin/app.ts";
import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { GatewayView } from "../gateway/view.ts";
import type { Host } from "../platform/host.ts";
import { type Listener, shownAuthority } from "../platform/listen.ts";
import { httpsRedirect } from "../routing/https-redirect.ts";
import type { ProcessMetrics } from "../telemetry/process-metrics.ts";
import { openAdmin } from "./admin-listener.ts";
import { listenFetch } from "./fetch-listener.ts";
import { assertFree, openPort, type PortRules } from "./ports.ts";

/** The listeners of one gateway beside that of its traffic. */
export interface Listeners {
  /** How a client on this machine reaches the gateway. */
  readonly url: string;
  /** The same for the admin API; undefined where it is switched off. */
  readonly adminUrl: string | undefined;
  stopRedirect(): Promise<void>;
  stopAdmin(): Promise<void>;
}

/** What listening needs. */
export interface ListenersOptions {
  readonly config: Config;
  /** What the admin API shows. */
  readonly view: GatewayView;
  readonly host: Host;
  /** For the admin API's `/metrics`. */
  processMetrics(): Promise<ProcessMetrics>;
  /** For the admin API's `/v1/config`. */
  inForce(): ConfigInForce;
  /** The name of the runtime, for the console. */
  readonly runtime: string;
  /** Where the traffic goes. */
  readonly port: number;
  readonly ports: PortRules;
  readonly logger: Logger;
}

/** Opens the redirecting address and the admin's, as the config has them: all or none. Rejects with `ListenError`. */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { config, host, port, ports } = options;
  const { server, admin } = config;
  const { listen, redirect_http } = server;
  let redirect: Listener | undefined;
  if (redirect_http !== undefined) {
    const answer = httpsRedirect({ http: redirect_http, https: port });
    const address = { host: listen.host, port: redirect_http };
    redirect = await openPort("server.redirect_http", () => {
      assertFree(host, address, ports);
      return listenFetch(address, answer, { host, clock: systemClock, logger: options.logger, share: true });
    });
  }
  let adminListener: Listener | undefined;
  if (admin !== false) {
    try {
      adminListener = await openPort(ports.chosenBy.admin, () => openAdmin(admin, options));
    } catch (error) {
      void redirect?.stop(0);
      throw error;
    }
  }
  return {
    url: `${server.tls === undefined ? "http" : "https"}://${shownAuthority(listen.host, port)}`,
    adminUrl:
      admin === false || adminListener === undefined
        ? undefined
        : `http://${shownAuthority(admin.listen.host, adminListener.port)}`,
    stopRedirect: async () => redirect?.stop(0),
    stopAdmin: async () => adminListener?.stop(0),
  };
}
