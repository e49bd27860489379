import type { Clock } from "../base/clock.ts";
import type { Logger, LogLevel } from "../base/log.ts";
import { noRefusals, type RefusalCounts, type RefusalReason } from "../http/server/refusal-counts.ts";

/** Between two lines about the same reason. */
const PAUSE_MS = 60_000;

/** What a line says, and how grave it is: a full gateway is its operator's affair, a slow client is not. */
const WORDS: Record<RefusalReason, readonly [level: LogLevel, message: string]> = {
  connections: ["warn", "Connections were refused: all that server.limits.connections allows have a request under way"],
  evicted: ["warn", "Connections without a request were closed for new ones: server.limits.connections is reached"],
  connections_per_client: ["warn", "Connections were refused: a client has server.limits.connections_per_client"],
  requests: ["warn", "Requests were refused: server.limits.requests are under way"],
  buffer_bytes: ["warn", "Requests were refused: server.limits.buffer_bytes are held for slow clients and pods"],
  handshake: ["info", "TLS handshakes of clients failed or took longer than server.limits.head_timeout"],
  head_timeout: ["info", "Heads of requests took longer than server.limits.head_timeout"],
  body_rate: ["info", "Bodies of requests came more slowly than server.limits.body_rate"],
  write_stall: ["info", "Clients took nothing of their answers for server.limits.write_stall"],
  protocol: ["info", "Connections of HTTP/2 were ended for what their clients sent"],
};

/** What listeners refused, or ended before its time. */
export interface RefusedConnections {
  /** Since it was made. */
  readonly counts: RefusalCounts;
  /** `why`: more about this one. */
  count(reason: RefusalReason, why?: string): void;
}

/** Counts refusals. Of each reason there is a line at once, and then at most one a minute that says how many it is about. */
export function createRefusedConnections({ clock, logger }: { clock: Clock; logger: Logger }): RefusedConnections {
  const counts = noRefusals();
  const next = noRefusals();
  const reported = noRefusals();
  return {
    counts,
    count(reason, why) {
      counts[reason]++;
      const now = clock.now();
      if (now < next[reason]) return;
      next[reason] = now + PAUSE_MS;
      const times = counts[reason] - reported[reason];
      reported[reason] = counts[reason];
      const [level, message] = WORDS[reason];
      logger.log(level, message, { reason, times, ...(why !== undefined && { last: why }) });
    },
  };
}
