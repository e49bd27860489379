import type { Clock, Random } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { createBackoff } from "../../kubernetes/backoff.ts";
import type { SendSpans } from "./otlp.ts";
import type { Span } from "./span.ts";
import type { SpanCounts } from "./types.ts";

/** Spans that may wait: some seconds of a busy gateway, and no more memory than that. */
const MOST = 8192;
/** Spans in one request. */
const BATCH = 512;
/** How long a span waits for others, milliseconds. */
const DELAY_MS = 1000;
/** How long the end of the gateway waits for the collector, milliseconds. */
const STOP_MS = 3000;

/** Spans that wait to be sent. */
export interface SpanQueue {
  /** Takes a span that is over. */
  add(span: Span): void;
  counts(): SpanCounts;
  /** Sends what waits, for a few seconds at most. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Sends spans in batches, one at a time. While the collector does not take them they wait, with longer and longer
 * pauses between attempts; what there is no room for is dropped and counted. Requests never wait for any of this.
 */
export function createSpanQueue(options: {
  readonly send: SendSpans;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): SpanQueue {
  const { send, clock, logger } = options;
  const backoff = createBackoff(options.random);
  /** Ends pauses: it is time for the last attempt. */
  const hurry = new AbortController();
  /** Ends that attempt too. */
  const over = new AbortController();
  const counts = { exported: 0, dropped: 0, refused: 0 };
  let waiting: Span[] = [];
  /** Of a batch that is being sent: it has to be kept until it was taken. */
  let sending = 0;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let failing = false;

  function logFailure(why: string): void {
    if (failing) return;
    failing = true;
    logger.log("warn", "Spans are not taken by the OTLP endpoint; trying again with pauses", { why });
  }

  function logRecovery(): void {
    backoff.reset();
    if (!failing) return;
    failing = false;
    logger.log("info", "Spans are taken by the OTLP endpoint again");
  }

  /** True: go on with the next batch. */
  async function deliver(batch: Span[]): Promise<boolean> {
    sending = batch.length;
    const delivery = await send(batch, over.signal);
    sending = 0;
    switch (delivery.kind) {
      case "taken":
        counts.exported += batch.length - delivery.rejected;
        counts.refused += delivery.rejected;
        logRecovery();
        return true;
      case "refused":
        counts.refused += batch.length;
        logFailure(delivery.why);
        return true;
      case "failed":
        waiting = [...batch, ...waiting];
        logFailure(delivery.why);
        if (hurry.signal.aborted) return false;
        // Woken early by the end: there is one attempt more.
        await clock.sleep(backoff.next(delivery.after), hurry.signal).catch(() => {});
        return true;
    }
  }

  async function drive(): Promise<void> {
    while (waiting.length > 0 && (await deliver(waiting.splice(0, BATCH))));
    running = undefined;
  }

  function start(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    running ??= drive();
    return running;
  }

  return {
    add(span) {
      if (hurry.signal.aborted || waiting.length + sending >= MOST) {
        counts.dropped++;
        return;
      }
      waiting.push(span);
      if (running !== undefined) return;
      if (waiting.length >= BATCH) void start();
      else cancelTimer ??= clock.after(DELAY_MS, () => void start());
    },
    counts: () => ({ ...counts }),
    async stop() {
      hurry.abort(new Error("the gateway ends"));
      const cancel = clock.after(STOP_MS, () => over.abort(new Error("the gateway ends")));
      await start();
      cancel();
      counts.dropped += waiting.length;
      if (waiting.length > 0)
        logger.log("warn", "Spans are lost: the OTLP endpoint did not take them", { spans: waiting.length });
      waiting = [];
    },
  };
}
