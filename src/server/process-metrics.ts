import type { Clock } from "../base/clock.ts";
import { VERSION } from "../base/version.ts";
import type { ProcessMetrics, ReloadCounts } from "../telemetry/process-metrics.ts";
import type { ServeWorld } from "./serve.ts";

/** Seconds that a timer that is due at once waits now: what a request waits for the work before it. */
async function loopLag(clock: Clock): Promise<number> {
  const asked = performance.now();
  await clock.sleep(0);
  return (performance.now() - asked) / 1000;
}

/** What the process around a gateway tells of itself, asked for at every scrape. */
export function processMetrics(
  { host, runtime }: Pick<ServeWorld, "host" | "runtime">,
  reloads: () => ReloadCounts,
  clock: Clock,
): () => Promise<ProcessMetrics> {
  return async () => ({
    version: VERSION,
    runtime: runtime.name,
    usage: host.usage(),
    loopLag: await loopLag(clock),
    reloads: reloads(),
  });
}
