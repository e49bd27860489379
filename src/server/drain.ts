import type { Clock } from "../base/clock.ts";
import type { ServerConfig } from "../config/schema.ts";
import type { Gateway } from "../gateway/gateway.ts";

/**
 * What a listener closes is idle, or so it seems: a request may be on its way there. Connections that are in use hear
 * `Connection: close` with their next answer, so it stays open until no request came for this many milliseconds.
 */
const QUIET_MS = 25;
/** But no longer than this where `drain_delay` does not ask for more: new connections come all the time. */
const LONGEST_WAIT_MS = 1000;

/**
 * The end of a gateway's traffic begins: every answer is its connection's last
 * from now on. Resolves when the listener may be stopped: `drain_delay` is over.
 */
export async function beginDrain(
  gateway: Pick<Gateway, "drain" | "drained">,
  { drain_delay }: Pick<ServerConfig, "drain_delay">,
  clock: Clock,
): Promise<void> {
  gateway.drain();
  const began = clock.now();
  await clock.sleep(drain_delay);
  for (let heard = -1; heard !== gateway.drained() && clock.now() - began < LONGEST_WAIT_MS; ) {
    heard = gateway.drained();
    await clock.sleep(QUIET_MS);
  }
}
