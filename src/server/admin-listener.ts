import { createAdminApp } from "../admin/app.ts";
import { createConsole } from "../admin/console/console.tsx";
import { authority } from "../base/addresses.ts";
import { systemClock } from "../base/clock.ts";
import { VERSION } from "../base/version.ts";
import type { AdminConfig } from "../config/schema.ts";
import { ListenError, type Listener, takenError } from "../platform/listen.ts";
import type { GatewayMetrics } from "../telemetry/gateway-metrics.ts";
import type { TrafficStatistics } from "../telemetry/traffic.ts";
import { createTrafficHistory } from "../telemetry/traffic-history.ts";
import { listenFetch } from "./fetch-listener.ts";
import type { ListenersOptions } from "./listeners.ts";

type AdminOptions = Omit<ListenersOptions, "config" | "port">;

/** How often a gateway that takes over looks whether the admin address of the one before is free. */
const LOOK_MS = 200;

/**
 * Opens the admin API with its console. No two gateways share it: one that takes over waits, in the background, until
 * the one before has ended. Rejects with `ListenError`: then nothing goes on.
 */
export async function openAdmin(admin: Exclude<AdminConfig, false>, options: AdminOptions): Promise<Listener> {
  const { host, logger, ports } = options;
  const { listen } = admin;
  if (!ports.takeover || !host.isTaken(listen)) return await openNow(admin, options);
  logger.log("info", `The admin API waits for ${authority(listen)}, which is another program's`);
  let listener: Listener | undefined;
  const look = async (): Promise<void> => {
    try {
      if (host.isTaken(listen)) throw takenError(listen);
      const opened = await openNow(admin, options);
      if (stopped) return await opened.stop(0);
      listener = opened;
      logger.log("info", `The admin API listens on ${authority(listen)}`);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      if (!stopped) cancel = systemClock.after(LOOK_MS, () => void look());
    }
  };
  let stopped = false;
  let cancel = systemClock.after(LOOK_MS, () => void look());
  return {
    port: listen.port,
    async stop(timeout) {
      stopped = true;
      cancel();
      await listener?.stop(timeout);
    },
  };
}

async function openNow(
  { listen, token }: Exclude<AdminConfig, false>,
  { view, host, runtime, processMetrics, inForce, logger }: AdminOptions,
): Promise<Listener> {
  const clock = systemClock;
  const history = createTrafficHistory(() => trafficOf(view.metrics()), clock);
  const console = createConsole({
    ...{ view, history, clock, now: clock.now },
    about() {
      const { file, hash, current } = inForce();
      return { version: VERSION, runtime, host: host.machine, file, hash, current };
    },
  });
  const app = createAdminApp(view, { token, processMetrics, inForce, clock, console });
  try {
    const listener = await listenFetch(listen, (request) => app.fetch(request), { host, clock, logger });
    return {
      port: listener.port,
      async stop(timeout) {
        history.stop();
        await listener.stop(timeout);
      },
    };
  } catch (error) {
    history.stop();
    throw error;
  }
}

const trafficOf = (
  metrics: GatewayMetrics | Promise<GatewayMetrics>,
): TrafficStatistics | Promise<TrafficStatistics> =>
  metrics instanceof Promise ? metrics.then(({ traffic }) => traffic) : metrics.traffic;
