import type { IncomingRequest } from "../http/request.ts";
import type { RequestTrace } from "./tracing/types.ts";

/**
 * What happened to one request: filled in as it goes, read once by the access log and the request's trace. Only made
 * where one of them is on.
 */
export class AccessLogEntry {
  readonly facts: IncomingRequest;
  /** The request's id: the client's where it sent a fit one, else ours. */
  readonly id: string;
  /** Undefined: requests are not traced. */
  readonly trace: RequestTrace | undefined;
  /** Ids and names of what was chosen; undefined: it never came so far. */
  route: string | undefined = undefined;
  service: string | undefined = undefined;
  cluster: string | undefined = undefined;
  /** `host:port` of the last address tried. */
  upstream: string | undefined = undefined;
  /** Of the upstream's answer; undefined: there was none. */
  upstreamStatus: number | undefined = undefined;
  /** Milliseconds from the last attempt's start to its headers. */
  upstreamMs: number | undefined = undefined;
  /** Attempts made. */
  tries = 0;
  /** A problem's code, or `client_gone`. */
  error: string | undefined = undefined;
  /** A WebSocket: resolves when it is over, with the bytes that went to the client. */
  over: Promise<number> | undefined = undefined;

  constructor(facts: IncomingRequest, id: string, trace?: RequestTrace) {
    this.facts = facts;
    this.id = id;
    this.trace = trace;
  }
}
