import type { Clock } from "../base/clock.ts";
import { type Drain, lastAnswer } from "../http/drain.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { AccessLog } from "./access-log.ts";
import type { AccessLogEntry } from "./access-log-entry.ts";
import { type AnswerReason, countAnswer, type SeriesCounts } from "./counters.ts";

/**
 * What became of one request: who gave its answer, and why. It travels beside the answer, which is seldom the object
 * that went in once middleware are through with it.
 */
export class RequestOutcome {
  /** When the gateway took the request up, in milliseconds since the epoch. */
  readonly started: number;
  /** What the access log and the trace are written from; undefined: both are off. */
  readonly entry: AccessLogEntry | undefined;
  /** Undefined: the answer is the service's. */
  reason: AnswerReason | undefined = undefined;
  /** Where the answer is counted; undefined: nowhere. */
  counts: SeriesCounts | undefined = undefined;
  /** Middleware may still change the answer: it is ended after them, not when the service's comes back. */
  deferred = false;

  constructor(started: number, entry?: AccessLogEntry) {
    this.started = started;
    this.entry = entry;
  }
}

/**
 * Ends a request, once: its answer is about to leave. Gives back the answer to send. `now`: what the clock showed just
 * before, where that is known.
 */
export type EndRequest = (outcome: RequestOutcome, answer: HttpAnswer, now?: number) => HttpAnswer;

/** Makes the one place in which requests end: counters, trace, access log, and the connection while draining. */
export function createRequestEnd(options: {
  readonly clock: Clock;
  readonly drain: Drain;
  readonly accessLog: AccessLog | undefined;
}): EndRequest {
  const { clock, drain, accessLog } = options;
  return (outcome, given, now = clock.now()) => {
    const { counts, reason, entry, started } = outcome;
    const answer = drain.begun ? lastAnswer(given) : given;
    const { status } = answer;
    if (counts !== undefined) countAnswer(counts, status, now - started, reason);
    if (entry === undefined) return answer;
    // A module may answer something else in the place of a refusal.
    if (status >= 400 && reason !== "middleware") entry.error ??= reason;
    const { trace, over } = entry;
    if (over === undefined) trace?.end(entry, status);
    else if (trace !== undefined) void over.then(() => trace.end(entry, status));
    return accessLog === undefined ? answer : accessLog.finish(entry, answer);
  };
}
