import { createAdminApp } from "../admin/app.ts";
import { createConsole } from "../admin/console/console.tsx";
import { systemClock } from "../clock.ts";
import type { AdminConfig } from "../config/schema.ts";
import type { GatewayMetrics } from "../observe/gateway-metrics.ts";
import type { Traffic } from "../observe/traffic.ts";
import { createTrafficHistory } from "../observe/traffic-history.ts";
import type { Listener } from "../runtime/host.ts";
import type { ListenersOptions } from "./listeners.ts";

/** Opens the admin API with its console. Throws `ListenError`: then nothing goes on. */
export function openAdmin(
  { listen, token }: Exclude<AdminConfig, false>,
  { view, host, share, processMetrics }: Pick<ListenersOptions, "view" | "host" | "share" | "processMetrics">,
): Listener {
  const clock = systemClock;
  const history = createTrafficHistory(() => trafficOf(view.metrics()), clock);
  const console = createConsole({ view, history, now: clock.now, clock });
  const app = createAdminApp(view, { token, processMetrics, clock, console });
  try {
    const listener = host.listen(listen, (request) => app.fetch(request), { share });
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

const trafficOf = (metrics: GatewayMetrics | Promise<GatewayMetrics>): Traffic | Promise<Traffic> =>
  metrics instanceof Promise ? metrics.then(({ traffic }) => traffic) : metrics.traffic;
