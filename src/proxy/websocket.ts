import type { Target } from "../balancing/types.ts";
import type { Clock } from "../base/clock.ts";
import { type HeaderFields, headersOf } from "../http/header-fields.ts";
import type { HttpAnswer } from "../http/message.ts";
import { problem } from "../http/problem.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { MessageSocket } from "../platform/websocket.ts";
import { countSocket } from "../telemetry/counters.ts";
import type { ChangeHeaders } from "./answer.ts";
import type { AttemptContext } from "./attempt.ts";
import type { InFlightRequests } from "./in-flight.ts";
import { joinSockets } from "./websocket-tunnel.ts";

/** Fields that are about one connection's handshake (RFC 6455 section 11.3): each side has its own. */
const HANDSHAKE = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept"];

/** 16 bytes in base64 (RFC 6455 section 4.2.1). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Whether a request wants a WebSocket (RFC 6455 section 4.1). */
export const wantsWebSocket = ({ upgrade, method }: IncomingRequest): boolean =>
  upgrade?.toLowerCase() === "websocket" && method === "GET";

/** The answer to a handshake that no server could accept (RFC 6455 section 4.2.1); undefined: it is well-formed. */
export function refuseHandshake(headers: HeaderFields): HttpAnswer | undefined {
  if (headers.get("sec-websocket-version") !== "13") {
    const extra = { headers: { "sec-websocket-version": "13" } };
    return problem("bad_request", "The WebSocket version is not 13", extra);
  }
  if (KEY.test(headers.get("sec-websocket-key") ?? "")) return undefined;
  return problem("bad_request", "Sec-WebSocket-Key is not 16 bytes in base64");
}

/** Leaves in a request's headers only what concerns the upstream; a handshake of its own is made for that. */
export function dropHandshake(headers: HeaderFields): void {
  for (const name of HANDSHAKE) headers.delete(name);
}

/** What joining the two ends of a tunnel needs, besides its request. */
export interface TunnelParts {
  readonly clock: Clock;
  readonly inFlight: InFlightRequests;
  /** Makes the headers of a pod's answer those of the answer to the client. */
  readonly changeHeaders: ChangeHeaders;
}

/** What the access log says of a tunnel that did not end with a close frame. */
const ERRORS = { client: "client_gone", upstream: "upstream_reset", idle: undefined } as const;

/**
 * Accepts the client's handshake, whose answer carries the pod's subprotocol and headers, and joins the two. The pod
 * was asked first: its refusal would have been the client's answer.
 */
export function openTunnel(
  upstream: MessageSocket,
  answer: HttpAnswer,
  context: AttemptContext,
  target: Target,
  { clock, inFlight, changeHeaders }: TunnelParts,
): HttpAnswer {
  const { route, pool, pending, upgrade, outcome } = context;
  const { counts, entry } = outcome;
  inFlight.remove(pending);
  const headers = new Headers(headersOf(answer.headers));
  changeHeaders(headers, answer.status, context, target);
  dropHandshake(headers);
  const upgraded = upgrade?.(pending.request as Request, headers);
  if (upgraded === undefined) {
    upstream.terminate();
    pool.finish(target);
    outcome.reason = "client_gone";
    return problem("client_gone", "The client left before the answer");
  }
  if (counts !== undefined) countSocket(counts, 1);
  const over = Promise.withResolvers<number>();
  if (entry !== undefined) entry.over = over.promise;
  joinSockets({
    client: upgraded.socket,
    upstream,
    clock,
    idle: route.rule.timeouts.idle,
    onEnd({ by, code, bytes }) {
      pool.finish(target);
      if (counts !== undefined) countSocket(counts, -1);
      if (entry !== undefined && code === 1006) entry.error = ERRORS[by];
      over.resolve(bytes);
    },
  });
  return upgraded.response;
}
