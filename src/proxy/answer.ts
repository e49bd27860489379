import type { Target } from "../balancing/types.ts";
import type { Clock } from "../base/clock.ts";
import type { HeaderFields } from "../http/header-fields.ts";
import { watchBody, withBody } from "../http/watch-body.ts";
import type { AttemptContext } from "./attempt.ts";
import { addVia, hasOneHop, toClient } from "./headers.ts";
import type { InFlightRequests } from "./in-flight.ts";
import type { ProxyRoute } from "./types.ts";

/**
 * Event streams (WHATWG HTML, Server-sent events) that are open, as functions that end one each. They do not end by
 * themselves, so a gateway that stops ends them: a whole body's end tells a browser to connect again, a cut connection
 * is an error.
 */
export type OpenStreams = Set<() => void>;

/** What delivering an answer depends on, besides the request. */
export interface DeliveryOptions {
  readonly clock: Clock;
  readonly inFlight: InFlightRequests;
  readonly streams: OpenStreams;
  readonly mutable: boolean;
  readonly via: boolean;
  readonly upstreamHeaders: boolean;
}

/** Makes the headers of what `target` answered those of the answer to the client, in place. */
export type ChangeHeaders = (
  headers: HeaderFields,
  response: Response,
  answered: AttemptContext,
  target: Target,
) => void;

/** The answer for the client, from what `target` answered. */
export type Deliver = (response: Response, answered: AttemptContext, target: Target) => Response;

/**
 * Makes of a pod's answer the answer to the client. The runtime streams fetch's own Response at a fraction of the cost
 * of a new one, so that one is given back, its headers changed in place, unless a runtime forbids it or its body has to
 * be watched.
 */
export function createDelivery(options: DeliveryOptions): { deliver: Deliver; changeHeaders: ChangeHeaders } {
  const { clock, inFlight, streams, mutable, via, upstreamHeaders } = options;

  const changeHeaders: ChangeHeaders = (headers, response, { facts, route, pool }, target) => {
    if (!route.transport.stripsHopByHop) toClient(headers);
    // Servers built on fetch would write a length of 0 (RFC 9110 section 8.6 wants the GET's or none). This says "not
    // known".
    if (mutable && facts.method === "HEAD" && !headers.has("content-length"))
      headers.set("transfer-encoding", "chunked");
    route.responseHeaders?.(headers);
    const cookie = pool.cookie(facts, target);
    if (cookie !== undefined) headers.append("set-cookie", cookie);
    if (via) addVia(headers);
    if (upstreamHeaders) {
      headers.set("x-podway-upstream", target.endpoint.address);
      headers.set("x-podway-upstream-status", String(response.status));
    }
  };

  /** The answer of a runtime whose answers are immutable: copied where there is something to change. */
  function copied(response: Response, answered: AttemptContext, target: Target): Response {
    const same =
      !via &&
      !upstreamHeaders &&
      answered.route.responseHeaders === undefined &&
      !hasOneHop(response.headers) &&
      answered.pool.cookie(answered.facts, target) === undefined;
    if (same) return response;
    const { status, statusText } = response;
    const headers = new Headers(response.headers);
    changeHeaders(headers, response, answered, target);
    return new Response(response.body, { status, statusText, headers });
  }

  /** An answer whose body restarts the idle time-out, and frees its place in the pool when it ends. */
  function watched(response: Response, { route, pool, pending }: AttemptContext, target: Target): Response {
    const { idle } = route.rule.timeouts;
    const end = (): void => {
      inFlight.settle(pending);
      if (countsBodies(route)) pool.finish(target);
    };
    if (response.body === null) {
      end();
      return response;
    }
    const rearm = (): void => pending.answered(idle === 0 ? undefined : clock.now() + idle);
    rearm();
    const open = isEventStream(response) ? streams : undefined;
    const body = watchBody(response.body, { onChunk: rearm, onEnd: end, open }, pending.request.signal);
    return withBody(body, response);
  }

  /** An event stream that the gateway may end. */
  function endable(response: Response, gone: AbortSignal): Response {
    return withBody(watchBody(response.body!, { open: streams }, gone), response);
  }

  const deliver: Deliver = (response, answered, target) => {
    const { route, pending, pool } = answered;
    const watch = route.rule.timeouts.idle !== 0 || countsBodies(route);
    if (!watch) {
      inFlight.settle(pending);
      pool.finish(target);
    } else if (!countsBodies(route)) pool.finish(target);
    if (mutable) changeHeaders(response.headers, response, answered, target);
    const answer = mutable ? response : copied(response, answered, target);
    if (watch) return watched(answer, answered, target);
    return isEventStream(answer) ? endable(answer, pending.request.signal) : answer;
  };

  return { deliver, changeHeaders };
}

/** Only this policy looks at requests in flight, so only for it a body is followed to its end. */
const countsBodies = (route: ProxyRoute): boolean => route.rule.balancer === "least_requests";

/** Whether an answer is an event stream. The body comes last: asking for it costs Bun more than all the rest. */
const isEventStream = (answer: Response): boolean =>
  answer.headers.get("content-type")?.startsWith("text/event-stream") === true && answer.body !== null;
