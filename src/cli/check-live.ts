import { systemClock } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import { connect } from "../kubernetes/connect.ts";
import type { RunCommand } from "../platform/process.ts";
import { checkCluster } from "../reports/live/cluster.ts";
import type { LiveReport } from "../reports/live/report.ts";
import { checkServices } from "../reports/live/services.ts";
import { gatewayParts } from "../server/gateway-parts.ts";
import type { ServeWorld } from "../server/serve.ts";

/** Programs (a kubeconfig's `exec` plugin) end with the signal: the check must not wait for them. */
const endingWith =
  (signal: AbortSignal, run: RunCommand): RunCommand =>
  (command, args, env, own) =>
    run(command, args, env, AbortSignal.any([own, signal]));

/**
 * `check --live`: asks every cluster of a config for what the gateway needs of it, all at once, and looks up every
 * service. `timeout` milliseconds are what each of them may take.
 */
export async function checkLive(
  config: Config,
  world: ServeWorld,
  timeout: number,
  viaApiserver = false,
): Promise<LiveReport> {
  const { files, host } = world;
  const stop = new AbortController();
  const cancel = systemClock.after(timeout, () => stop.abort(new Error(`no answer within ${timeout / 1000} s`)));
  const over = new AbortController();
  const runtime = { ...world.runtime, run: endingWith(over.signal, world.runtime.run) };
  const deps = { clientFetch: runtime.clientFetch, env: host.env, run: runtime.run, files, clock: systemClock };
  const parts = gatewayParts({ runtime, host, files }, silentLogger);
  try {
    const [clusters, services] = await Promise.all([
      Promise.all(
        (config.discovery?.clusters ?? []).map((cluster) =>
          checkCluster(cluster, {
            connect: (one) => connect(one, deps),
            clock: systemClock,
            signal: stop.signal,
            viaApiserver,
          }),
        ),
      ),
      checkServices(config, {
        // What the apiserver says now is asked for; the file belongs to the gateway that serves.
        createCluster: (cluster, zone) => parts.createCluster({ ...cluster, snapshot_file: undefined }, zone),
        clock: systemClock,
        timeout,
      }),
    ]);
    const ok = clusters.every(({ faults }) => faults.length === 0) && services.every(({ nodes }) => nodes > 0);
    return { ok, clusters, services };
  } finally {
    cancel();
    over.abort(new Error("the check is over"));
  }
}
