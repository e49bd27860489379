import type { Picked } from "../balancing/backends.ts";
import type { PickInfo, Target } from "../balancing/types.ts";
import type { WeightedBackend } from "../balancing/weighted-backend.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { StreamSocket } from "../platform/sockets.ts";
import type { StreamCounts } from "../telemetry/stream-counters.ts";
import type { Stream } from "./stream.ts";

/** What came of looking for an upstream. */
export type Reached =
  | {
      readonly socket: StreamSocket;
      readonly from: WeightedBackend<StreamCounts>;
      readonly target: Target;
      readonly tries: number;
    }
  | { readonly failure: "no_upstream" | "connect" | "connect_timeout" | "gone"; readonly tries: number };

/** What looking for an upstream needs. */
export interface ReachOptions {
  readonly stream: Stream;
  /** The service that was chosen for the connection. */
  readonly from: WeightedBackend<StreamCounts>;
  readonly facts: PickInfo;
  /** What each upstream is sent first. */
  readonly preface: Uint8Array | undefined;
  /** The client left, or it is not waited for any more. */
  readonly gone: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** An address is about to be tried. */
  onTry(target: Target, from: WeightedBackend<StreamCounts>): void;
}

/**
 * Connects to an address of the service, and to another one where that fails, as often as the stream says. Nothing of
 * the client's is sent before a connection stands, so every failure may be tried again. A target that was reached is
 * started (`pool.start`); the receiver finishes it.
 */
export async function reach(options: ReachOptions): Promise<Reached> {
  const { stream, facts, preface, gone, clock, logger, onTry } = options;
  const { backends } = stream;
  const { attempts } = stream.rule.retries;
  const tried: Target[] = [];
  let next = backends.next(facts, options.from, tried, false);
  if (next === undefined) return { failure: "no_upstream", tries: 0 };
  for (let tries = 1; ; tries++) {
    const { from, target }: Picked<WeightedBackend<StreamCounts>> = next;
    const { pool } = from;
    onTry(target, from);
    pool.start(target);
    const attempt = startAttempt(stream.rule.timeouts.connect, gone, clock);
    try {
      const { host, port } = target.endpoint;
      const socket = await stream.dial({ host, port }, { signal: attempt.signal, preface });
      pool.succeeded(target);
      return { socket, from, target, tries };
    } catch (error) {
      pool.finish(target);
      if (gone.aborted) return { failure: "gone", tries };
      const failure = attempt.timedOut() ? "connect_timeout" : "connect";
      pool.failed(target);
      tried.push(target);
      const { address } = target.endpoint;
      next = tries < attempts ? backends.next(facts, from, tried, tries + 1 === attempts) : undefined;
      logger.log(next !== undefined ? "debug" : "warn", "An address did not take a connection", {
        stream: stream.rule.id,
        upstream: address,
        failure,
        attempt: tries,
        error: error instanceof Error ? error.message : String(error),
      });
      if (next === undefined) return { failure, tries };
      stream.counts.retries++;
    } finally {
      attempt.end();
    }
  }
}

/** The time one attempt has; it ends when the client leaves, too. */
function startAttempt(
  ms: number,
  gone: AbortSignal,
  clock: Clock,
): { readonly signal: AbortSignal; timedOut(): boolean; end(): void } {
  const controller = new AbortController();
  let late = false;
  const leave = (): void => controller.abort(gone.reason);
  gone.addEventListener("abort", leave, { once: true });
  if (gone.aborted) leave();
  const cancel =
    ms === 0
      ? (): void => {}
      : clock.after(ms, () => {
          late = true;
          controller.abort(new Error(`no connection within ${ms} ms`));
        });
  return {
    signal: controller.signal,
    timedOut: () => late,
    end() {
      cancel();
      gone.removeEventListener("abort", leave);
    },
  };
}
