import type { Target } from "../balancing/types.ts";
import type { Clock } from "../base/clock.ts";
import { problem } from "../http/problem.ts";
import type { RequestFacts } from "../http/request.ts";
import type { MessageSocket, Upgrade, UpstreamConnect } from "../platform/websocket.ts";
import { countSocket, type Outcome } from "../telemetry/counters.ts";
import type { Exchange } from "../telemetry/exchange.ts";
import type { Answered, ChangeHeaders, Deliver } from "./answer.ts";
import type { Flights } from "./in-flight.ts";
import type { UpstreamFetch } from "./types.ts";
import { joinSockets } from "./websocket-tunnel.ts";

/** Fields that are about one connection's handshake (RFC 6455 section 11.3): each side has its own. */
const HANDSHAKE = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept"];

/** 16 bytes in base64 (RFC 6455 section 4.2.1). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Whether a request wants a WebSocket (RFC 6455 section 4.1). */
export const wantsWebSocket = ({ upgrade, method }: RequestFacts): boolean =>
  upgrade === "websocket" && method === "GET";

/** The answer to a handshake that no server could accept (RFC 6455 section 4.2.1); undefined: it is well-formed. */
export function refuseHandshake(headers: Headers): Response | undefined {
  if (headers.get("sec-websocket-version") !== "13") {
    const extra = { headers: { "sec-websocket-version": "13" } };
    return problem("bad_request", "The WebSocket version is not 13", extra);
  }
  if (KEY.test(headers.get("sec-websocket-key") ?? "")) return undefined;
  return problem("bad_request", "Sec-WebSocket-Key is not 16 bytes in base64");
}

/** Leaves in a request's headers only what concerns the upstream; a handshake of its own is made for that. */
export function dropHandshake(headers: Headers): void {
  for (const name of HANDSHAKE) headers.delete(name);
}

/** What the passages of one gateway share. */
export interface PassageOptions {
  readonly clock: Clock;
  readonly flights: Flights;
  /** How answers that are no WebSocket are delivered. */
  readonly deliver: Deliver;
  /** Makes the headers of a pod's answer those of the answer to the client. */
  readonly changeHeaders: ChangeHeaders;
}

/** What one request brings along. */
export interface PassageInit {
  readonly connect: UpstreamConnect;
  readonly upgrade: Upgrade;
  readonly exchange: Exchange | undefined;
  readonly outcome: Outcome;
}

/** A request's way to an upstream and back, in place of a fetch. */
export interface Passage {
  readonly send: UpstreamFetch;
  readonly deliver: Deliver;
}

/** What the access log says of a tunnel that did not end with a close frame. */
const ERRORS = { client: "client_gone", upstream: "upstream_reset", idle: undefined } as const;

/**
 * Makes the way of a WebSocket request. The upstream is asked first: its refusal is the client's answer, and so are its
 * subprotocol and headers. Only then the client's own handshake is accepted, and the two are joined.
 */
export function createPassages(options: PassageOptions): (init: PassageInit) => Passage {
  const { clock, flights, deliver, changeHeaders } = options;

  /** Accepts the client's handshake and joins the two. */
  function open(
    upstream: MessageSocket,
    response: Response,
    answered: Answered,
    target: Target,
    { upgrade, exchange, outcome }: PassageInit,
  ): Response {
    const { route, pool, flight, counts } = answered;
    flights.remove(flight);
    const headers = new Headers(response.headers);
    changeHeaders(headers, response, answered, target);
    dropHandshake(headers);
    const upgraded = upgrade(flight.request, headers);
    if (upgraded === undefined) {
      upstream.terminate();
      pool.finish(target);
      outcome.reason = "client_gone";
      return problem("client_gone", "The client left before the answer");
    }
    if (counts !== undefined) countSocket(counts, 1);
    const over = Promise.withResolvers<number>();
    if (exchange !== undefined) exchange.over = over.promise;
    joinSockets({
      client: upgraded.socket,
      upstream,
      clock,
      idle: route.rule.timeouts.idle,
      onEnd({ by, code, bytes }) {
        pool.finish(target);
        if (counts !== undefined) countSocket(counts, -1);
        if (exchange !== undefined && code === 1006) exchange.error = ERRORS[by];
        over.resolve(bytes);
      },
    });
    return upgraded.response;
  }

  return (init) => {
    let upstream: MessageSocket | undefined;
    return {
      async send(url, request) {
        dropHandshake(request.headers);
        const { response, socket } = await init.connect(url, request);
        upstream = socket;
        return response;
      },
      deliver: (response, answered, target) =>
        upstream === undefined ? deliver(response, answered, target) : open(upstream, response, answered, target, init),
    };
  };
}
