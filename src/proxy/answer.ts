import type { Target } from "../balancing/types.ts";
import type { Clock } from "../base/clock.ts";
import type { HeaderFields } from "../http/header-fields.ts";
import type { HttpAnswer } from "../http/message.ts";
import { bodySourceOf, isWhole, type SourceWatcher, WatchedSource } from "../http/watched-source.ts";
import type { AttemptContext } from "./attempt.ts";
import { addVia, toClient } from "./headers.ts";
import type { InFlightRequests } from "./in-flight.ts";
import type { ProxyRoute } from "./types.ts";

/**
 * Event streams (WHATWG HTML, Server-sent events) that are open. They do not end by themselves, so a gateway that stops
 * ends them: a whole body's end tells a browser to connect again, a cut connection is an error.
 */
export type OpenStreams = Set<Pick<WatchedSource, "close">>;

/** What delivering an answer depends on, besides the request. */
export interface DeliveryOptions {
  readonly clock: Clock;
  readonly inFlight: InFlightRequests;
  readonly streams: OpenStreams;
  readonly via: boolean;
  readonly upstreamHeaders: boolean;
}

/** Makes the fields of what `target` answered those of the answer to the client, in place. */
export type ChangeHeaders = (headers: HeaderFields, status: number, answered: AttemptContext, target: Target) => void;

/** The answer for the client, from what `target` answered. */
export type Deliver = (answer: HttpAnswer, answered: AttemptContext, target: Target) => HttpAnswer;

/** Makes of a pod's answer the answer to the client: its fields are changed in place, its body is watched where it must be. */
export function createDelivery(options: DeliveryOptions): { deliver: Deliver; changeHeaders: ChangeHeaders } {
  const { inFlight, via, upstreamHeaders } = options;

  const changeHeaders: ChangeHeaders = (headers, status, { facts, route, pool }, target) => {
    if (!route.transport.stripsHopByHop) toClient(headers);
    route.responseHeaders?.(headers);
    const cookie = pool.cookie(facts, target);
    if (cookie !== undefined) headers.append("set-cookie", cookie);
    if (via) addVia(headers);
    if (upstreamHeaders) {
      headers.set("x-podway-upstream", target.endpoint.address);
      headers.set("x-podway-upstream-status", String(status));
    }
  };

  const deliver: Deliver = (answer, answered, target) => {
    const { route, pending, pool } = answered;
    const { status, statusText, headers, body } = answer;
    changeHeaders(headers, status, answered, target);
    pending.upload?.answered();
    const counts = countsBodies(route);
    const stream = !isWhole(body) && isEventStream(headers);
    const watch = stream || ((route.rule.timeouts.idle !== 0 || counts) && !isWhole(body));
    if (!watch || !counts) pool.finish(target);
    if (!watch) {
      inFlight.settle(pending);
      return answer;
    }
    const delivered = new DeliveredBody(answered, target, options);
    const source = new WatchedSource(bodySourceOf(body), delivered);
    if (stream) delivered.keep(source);
    return { status, statusText, headers, body: source };
  };

  return { deliver, changeHeaders };
}

/**
 * An answer's body on its way to the client: it restarts the idle time-out while its pod is waited for, and frees its place
 * in the pool when it ends.
 */
class DeliveredBody implements SourceWatcher {
  readonly #answered: AttemptContext;
  readonly #target: Target;
  readonly #options: DeliveryOptions;
  readonly #idle: number;
  /** Kept among the open event streams. */
  #kept: WatchedSource | undefined;

  constructor(answered: AttemptContext, target: Target, options: DeliveryOptions) {
    this.#answered = answered;
    this.#target = target;
    this.#options = options;
    this.#idle = answered.route.rule.timeouts.idle;
    if (this.#idle === 0) options.inFlight.settle(answered.pending);
    else this.#rearm();
  }

  keep(source: WatchedSource): void {
    this.#kept = source;
    this.#options.streams.add(source);
  }

  passed(): void {
    if (this.#idle !== 0) this.#rearm();
  }

  /** A client that takes no more is not its pod's fault. */
  waiting(paused: boolean): void {
    if (this.#idle === 0) return;
    if (paused) this.#answered.pending.answered(Number.MAX_SAFE_INTEGER);
    else this.#rearm();
  }

  over(): void {
    const { pending, pool, route } = this.#answered;
    if (this.#kept !== undefined) this.#options.streams.delete(this.#kept);
    this.#options.inFlight.settle(pending);
    if (countsBodies(route)) pool.finish(this.#target);
  }

  #rearm(): void {
    this.#answered.pending.answered(this.#options.clock.now() + this.#idle);
  }
}

/** Only this policy looks at requests in flight, so only for it a body is followed to its end. */
const countsBodies = (route: ProxyRoute): boolean => route.rule.balancer === "least_requests";

/** Whether an answer is an event stream. */
const isEventStream = (headers: HeaderFields): boolean =>
  headers.get("content-type")?.startsWith("text/event-stream") === true;
