import type { Target } from "../balancing/types.ts";
import type { Drain } from "../http/drain.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { RequestedUpgrade } from "../http/transport.ts";
import type { TunnelEnd } from "../http/tunnel.ts";
import { countSocket } from "../telemetry/counters.ts";
import type { ChangeHeaders } from "./answer.ts";
import type { AttemptContext } from "./attempt.ts";
import type { InFlightRequests } from "./in-flight.ts";

/** The protocols that a request asks its pod to go over to; undefined: none. It is a GET without a body (RFC 9110 section 7.8). */
export const requestedProtocols = ({ upgrade, method }: IncomingRequest, hasBody: boolean): string | undefined =>
  method === "GET" && !hasBody ? upgrade : undefined;

/** Whether a request wants a WebSocket (RFC 6455 section 4.1). */
export const wantsWebSocket = ({ upgrade, method }: IncomingRequest): boolean =>
  upgrade?.toLowerCase() === "websocket" && method === "GET";

/** What a tunnel's request shares with others. */
export interface SwitchedParts {
  readonly inFlight: InFlightRequests;
  readonly changeHeaders: ChangeHeaders;
  /** Says whether the gateway cuts off what is under way; undefined: it never does. */
  readonly drain: Pick<Drain, "over"> | undefined;
}

/** What the access log says of a tunnel that broke. */
const ERRORS: Readonly<Record<NonNullable<TunnelEnd>, string | undefined>> = {
  client_reset: "client_gone",
  upstream_reset: "upstream_reset",
  idle_timeout: undefined,
  drained: "draining",
};

/** A connection that goes over to another protocol: it is under way, counted and logged until both its ends are gone. */
export class Switched implements RequestedUpgrade {
  readonly protocols: string;
  readonly idle: number;
  #context: AttemptContext | undefined;
  #target: Target | undefined;
  #drain: Pick<Drain, "over"> | undefined;
  #over: ((bytes: number) => void) | undefined;

  constructor(protocols: string, idle: number) {
    this.protocols = protocols;
    this.idle = idle;
  }

  /** The pod of `target` went over: the answer for the client, whose tunnel is taken once it has been sent. */
  begin(
    answer: HttpAnswer,
    context: AttemptContext,
    target: Target,
    { inFlight, changeHeaders, drain }: SwitchedParts,
  ): HttpAnswer {
    const { counts, entry } = context.outcome;
    this.#context = context;
    this.#target = target;
    this.#drain = drain;
    inFlight.remove(context.pending);
    changeHeaders(answer.headers, answer.status, context, target);
    if (counts !== undefined) countSocket(counts, 1);
    if (entry !== undefined) {
      entry.over = new Promise((resolve) => {
        this.#over = resolve;
      });
    }
    return answer;
  }

  onEnd(end: TunnelEnd, _up: number, down: number): void {
    if (this.#context === undefined) return;
    const { pool, outcome } = this.#context;
    const { counts, entry } = outcome;
    pool.finish(this.#target!);
    if (counts !== undefined) countSocket(counts, -1);
    // The client's connection may have been cut off here.
    const cut = end === "client_reset" && this.#drain?.over;
    if (entry !== undefined && end !== undefined) entry.error = ERRORS[cut ? "drained" : end];
    this.#over?.(down);
  }
}
