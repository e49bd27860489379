import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { EmptyReason } from "../discovery/types.ts";

/** What found no address. */
export interface Refused {
  readonly route?: string;
  readonly stream?: string;
  /** As its upstream names it. */
  readonly service: string;
}

/** Logs what clients may not know: why a service has no address, and what exists in its place. */
export type LogRefusal = (what: Refused, reason: EmptyReason | undefined) => void;

/** Between two lines about the same: every request may be refused. */
const PAUSE_MS = 60_000;
/** Different things that are remembered; there are no more than routes times their services. */
const KNOWN = 10_000;

/**
 * Makes it. Of the same route, service and code there is a line at once and then at most one a minute, with how many
 * were refused since the one before.
 */
export function createRefusalLog({ clock, logger }: { clock: Clock; logger: Logger }): LogRefusal {
  const known = new Map<string, { next: number; times: number }>();
  return (what, reason) => {
    const code = reason?.code ?? "no_endpoints";
    const key = `${what.route ?? what.stream} ${what.service} ${code}`;
    const now = clock.now();
    let one = known.get(key);
    if (one === undefined) {
      if (known.size >= KNOWN) known.clear();
      one = { next: 0, times: 0 };
      known.set(key, one);
    }
    one.times++;
    if (now < one.next) return;
    const { times } = one;
    one.next = now + PAUSE_MS;
    one.times = 0;
    const message = what.stream === undefined ? "A request found no address" : "A connection found no upstream";
    logger.log("warn", message, { ...what, code, reason: reason?.detail ?? "no address takes traffic", times });
  };
}
