import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";

/** Peers that are remembered to have been warned of; beyond them there are no more warnings. */
const PEERS = 1000;
/** At most so many warnings in so many milliseconds: any client can send such fields. */
const WARNINGS = 10;
const WINDOW_MS = 60_000;

/**
 * Warns, once for each peer, of forwarding fields from a peer that is no trusted proxy: either they are made up, or a
 * proxy of one's own is missing in `server.trusted_proxies`.
 */
export function createPeerWarnings({ clock, logger }: { clock: Clock; logger: Logger }): (peer: string) => void {
  const warned = new Set<string>();
  let since = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (peer) => {
    if (warned.has(peer) || warned.size >= PEERS) return;
    const now = clock.now();
    if (now - since >= WINDOW_MS) {
      since = now;
      count = 0;
    }
    if (++count > WARNINGS) return;
    warned.add(peer);
    const advice = "add it to server.trusted_proxies if it is yours";
    logger.log("warn", `Forwarding headers of a peer that is no trusted proxy are dropped: ${advice}`, { peer });
  };
}
