import type { Clock } from "../clock.ts";
import type { ServerConfig } from "../config/schema.ts";
import type { Gateway } from "../gateway.ts";
import type { Listener } from "../runtime/host.ts";

/**
 * What a listener closes is idle, or so it seems: a request may be on its way there. Connections that are in use hear
 * `Connection: close` with their next answer, so it stays open until nobody asked for this many milliseconds.
 */
const QUIET_MS = 25;
/** But no longer than this where `drain_delay` does not ask for more: new connections come all the time. */
const FAREWELL_MS = 250;

/**
 * The end of a gateway's traffic (design: Config file rules, SIGTERM): every answer is its connection's last from now on;
 * new connections are taken until `drain_delay` is over; what is under way is finished within `drain`, and what is then
 * still open ends as politely as it can.
 */
export async function drainTraffic(
  gateway: Pick<Gateway, "drain" | "drained" | "endStreams">,
  traffic: Pick<Listener, "stop">,
  { drain_delay, drain }: Pick<ServerConfig, "drain_delay" | "drain">,
  clock: Clock,
): Promise<void> {
  gateway.drain();
  const began = clock.now();
  await clock.sleep(drain_delay);
  for (let heard = -1; heard !== gateway.drained() && clock.now() - began < FAREWELL_MS; ) {
    heard = gateway.drained();
    await clock.sleep(QUIET_MS);
  }
  await traffic.stop(drain, gateway.endStreams);
}
